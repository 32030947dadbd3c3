"""`python -m tests.faults.fuzz --inputs N`: what a caller may write as an address or a header, against other readers.

Addresses: whatever libc would dial must have been judged as what it is. Headers: what the doors accept arrives as
one request, with these headers and no others. Both are checked with code that shares nothing with ours.
"""

import argparse
import ipaddress
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from httptools import HttpParserError, HttpRequestParser
from pydantic import ValidationError

from services.worker.http.outgoing import InvalidRequest, Outgoing, written
from shared.schemas.jobs import JobCreate
from shared.security.addresses import InvalidUrl, Policy, Refusal
from shared.security.destinations import Destinations

POLICY = Policy()
TARGETS = Destinations(POLICY)
URL = "https://a.example/path?q=1"
SPECIAL = (
    *(
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
    ),
    *(
        "192.0.0.8",
        "192.88.99.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "240.0.0.1",
        "8.8.8.8",
        "1.1.1.1",
    ),
)
PREFIXES = (
    *(
        "::",
        "::ffff:",
        "::ffff:0:",
        "64:ff9b::",
        "64:ff9b:1::",
        "2002:",
        "2001:0:",
        "fe80::",
        "fc00::",
        "fd00:ec2::",
    ),
    *("fec0::", "ff02::", "2001:db8::", "3fff::", "2606:4700::", "100::", "5f00::", "2001:10::", "2001:20::"),
)


def main() -> None:
    arguments = _arguments()
    rng, began = random.Random(arguments.seed), time.monotonic()
    tally: Counter[str] = Counter()
    for number in range(arguments.inputs):
        play: Callable[[random.Random], str] = try_address if number % 2 else try_headers
        tally[play(rng)] += 1
    for outcome, count in sorted(tally.items()):
        print(f"{count:10,}  {outcome}")
    print(
        f"seed {arguments.seed}: {arguments.inputs:,} inputs in {time.monotonic() - began:.0f} s, nothing found"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="repeats a run")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    return parser.parse_args()


# Addresses


def try_address(rng: random.Random) -> str:
    """How it ended; AssertionError if a host passed that leads where nobody may go."""
    host = _host(rng)
    try:
        found = TARGETS(f"http://{host}/")
    except InvalidUrl:
        return "address: not a URL"
    except Refusal:
        return "address: refused"
    dialled = _dialled_by_libc(found.origin.host)
    if dialled is None:
        return "address: a name"  # judged when it is looked up
    assert _is_public(dialled), f"{host!r} passed, and libc dials {dialled}"
    assert found.address == dialled, f"{host!r} was read as {found.address}, and libc dials {dialled}"
    return "address: public"


def _host(rng: random.Random) -> str:
    kind = rng.randrange(6)
    if kind < 3:
        return _spelled_v4(rng)
    if kind == 3:
        return f"[{_spelled_v6(rng)}]"
    if kind == 4:
        return _damaged(rng, rng.choice([_spelled_v4(rng), f"[{_spelled_v6(rng)}]"]))
    return "".join(
        rng.choice("0123456789abcdefxX.:[]%-@/\\ \t\uff11\uff12\uff17\u3002\u2460")
        for _ in range(rng.randint(1, 20))
    )


def _some_v4(rng: random.Random) -> ipaddress.IPv4Address:
    if rng.random() < 0.7:
        return ipaddress.IPv4Address(rng.choice(SPECIAL))
    return ipaddress.IPv4Address(rng.getrandbits(32))


def _spelled_v4(rng: random.Random) -> str:
    """Decimal, octal and hexadecimal, in one to four parts, as `inet_aton` reads them."""
    number, parts = int(_some_v4(rng)), rng.randint(1, 4)
    rest = 8 * (5 - parts)
    values = [number >> shift & 0xFF for shift in range(24, 32 - 8 * parts, -8)][: parts - 1]
    values.append(number & ((1 << rest) - 1))
    spelled = [rng.choice((str, str, hex, _octal, _long_hex, _long_octal))(value) for value in values]
    return ".".join(spelled) + rng.choice(("", "", "", "."))


def _octal(value: int) -> str:
    return f"0{value:o}"


def _long_hex(value: int) -> str:
    return f"0X{value:016X}"


def _long_octal(value: int) -> str:
    return f"{value:024o}"


def _spelled_v6(rng: random.Random) -> str:
    v4 = _some_v4(rng)
    kind = rng.randrange(4)
    if kind == 0:
        return str(ipaddress.IPv6Address(rng.getrandbits(128)))
    prefix = rng.choice(PREFIXES)
    low = rng.choice([str(v4), f"{int(v4) >> 16:x}:{int(v4) & 0xFFFF:x}"])
    if prefix.endswith("::") or prefix.endswith(":0:") or prefix == "::ffff:":
        text = prefix + low
    else:
        text = f"{prefix}{int(v4) >> 16:x}:{int(v4) & 0xFFFF:x}::{rng.choice(('1', str(v4)))}"
    return rng.choice((text, text.upper(), f"{text}%eth0", f"{text}%25lo"))


def _damaged(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    return text[:place] + rng.choice("0x.:%@ \t\r\n\0/\\#?\uff11\u3002") + text[place:]


def _dialled_by_libc(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """What `getaddrinfo` makes of it without asking anybody; nothing if it would ask."""
    try:
        rows = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ipaddress.ip_address(str(rows[0][4][0]).partition("%")[0])


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """By the properties of the standard library and the forms that carry an IPv4 address, unlike our own tables."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in ipaddress.ip_network("64:ff9b::/96") or int(address) < 1 << 32:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address in ipaddress.ip_network("64:ff9b:1::/48") or address.is_site_local:
        return False
    if any(address in ipaddress.ip_network(forbidden) for forbidden in ("2002::/16", "2001::/32", "::/96")):
        return False
    inside = [one for one in carried if one is not None]
    if inside:
        return all(_is_public(one) for one in inside)
    return address.is_global and not address.is_multicast


# Headers

NAME_CHARACTERS = "abcXYZ019-_!#$%&'*+.^`|~" + ' :;,()<>@"/[]?={}\t\r\n\0\x7fäΩ'
VALUE_CHARACTERS = "abcXYZ019 \t,;:=\"'()<>@{}\\/" + "\r\n\0\x0b\x7fäÿ€\u2028😀"
NAMES = (
    *(
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Content-Length ",
        "X-A",
        "Accept",
        "Recuro-Job-Id",
    ),
    *(
        "X-Recuro-Signature",
        "Expect",
        "TE",
        "Upgrade",
        "Content-Type",
        "Cookie",
        "Authorization",
        "webhook-id",
        "Trailer",
    ),
)


@dataclass
class Parsed:
    """What an independent parser reads."""

    requests: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.requests += 1


def try_headers(rng: random.Random) -> str:
    """How it ended; AssertionError if what was accepted does not arrive as it was given."""
    headers = {_name(rng): _value(rng) for _ in range(rng.randint(1, 3))}
    try:
        asked = JobCreate(queue="q", url=URL, headers=headers)
    except ValidationError:
        return "headers: refused"
    body = rng.choice((None, b"", b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n"))
    call = Outgoing(rng.choice(("GET", "POST", "DELETE")), URL, dict(asked.headers or {}), body, 1.0)
    try:
        raw = written(call, TARGETS(URL))
    except InvalidRequest:
        raise AssertionError(f"{headers!r} was accepted and cannot be sent") from None
    parsed = _parsed(raw)
    given = {name.lower().encode(): value.strip(" \t").encode("latin-1") for name, value in headers.items()}
    arrived = {name.lower(): value.rstrip(b" \t") for name, value in parsed.headers}
    ours = {b"host": b"a.example", b"accept-encoding": b"identity", b"accept": b"*/*"}
    if body is not None or call.method == "POST":
        ours[b"content-length"] = str(len(body or b"")).encode()
    assert (parsed.requests, parsed.body) == (1, body or b""), raw
    assert len(parsed.headers) == len(arrived), f"a header came twice: {raw!r}"
    assert arrived == {**ours, **given}, (headers, raw)
    return "headers: arrived as given"


def _parsed(raw: bytes) -> Parsed:
    parsed = Parsed()
    try:
        HttpRequestParser(parsed).feed_data(raw)
    except HttpParserError as error:
        raise AssertionError(f"{raw!r} is no request: {error}") from None
    return parsed


def _name(rng: random.Random) -> str:
    if rng.random() < 0.15:
        return rng.choice(NAMES)
    letters = NAME_CHARACTERS[:24] if rng.random() < 0.8 else NAME_CHARACTERS
    return "".join(rng.choice(letters) for _ in range(rng.randint(0 if rng.random() < 0.1 else 1, 12)))


def _value(rng: random.Random) -> str:
    letters = VALUE_CHARACTERS[:27] if rng.random() < 0.85 else VALUE_CHARACTERS
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, 30)))


if __name__ == "__main__":
    main()
