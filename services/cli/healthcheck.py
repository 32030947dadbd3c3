"""`recuro healthcheck`: whether a service of this machine is alive, for images without curl.

It runs every few seconds beside each service, so it loads little: no settings, no client of Redis, no event
loop. It has copies of some constants of theirs, which its tests compare.
"""

import os
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit

PATIENCE_SECONDS = 3.0
DOORS = {"api": ("127.0.0.1", "8000"), "mcp": ("127.0.0.1", "8001")}
REDIS_URL = "redis://127.0.0.1:6379/0"
DATA_DIR, SOCKET = ".recuro", "redis.sock"
LIVE, CORRECTION = "r:{s0}:live", "r:{s0}:correction"
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}

Reply = bytes | int | list["Reply"] | None


class Refused(Exception):
    """An error that Redis answered."""


def run(service: str) -> int:
    """0 if it is alive; else 1, with a line on standard error that says what is wrong."""
    given = {name.upper(): value for name, value in os.environ.items()}
    try:
        wrong = _door(service, given) if service in DOORS else _sign(service, given)
    except ValueError:  # its text would include a password
        wrong = "its URL cannot be read: see RECURO_REDIS_URL, or the port of the service"
    if wrong is None:
        return 0
    print(f"recuro healthcheck: {wrong}", file=sys.stderr)
    return 1


def _door(service: str, given: Mapping[str, str]) -> str | None:
    """What is wrong with a service that answers HTTP."""
    host, port = (
        given.get(f"RECURO_{service.upper()}_{part}", default)
        for part, default in zip(("HOST", "PORT"), DOORS[service], strict=True)
    )
    host = ANYWHERE.get(host, host)
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"
    try:
        with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as wire:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = wire.recv(4096)
    except OSError as error:
        return f"{where} does not answer: {error}"
    if said.startswith(b"HTTP/1.1 200 "):
        return None
    line = said.split(b"\r\n")[0][:100].decode("ascii", "replace")
    return f"{where} answers {line!r}"


def _sign(service: str, given: Mapping[str, str]) -> str | None:
    """What is wrong with a service that leaves a sign of life in Redis."""
    url = given.get("RECURO_REDIS_URL") or _nearby(given.get("RECURO_DATA_DIR", DATA_DIR)) or REDIS_URL
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "unix") or parts.query:
        return _by_client(service)
    where = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    try:
        (seconds, microseconds), correction, living = _read_signs(parts)
    except OSError as error:
        return f"Redis at {where} does not answer: {error}"
    except Refused as error:
        return f"Redis at {where} refuses: {error}"
    known = int(correction) if correction and correction.lstrip(b"-").isdigit() else 0
    now_ms = 1000 * int(seconds) + int(microseconds) // 1000 + known
    return _silence(service, dict(zip(living[::2], map(float, living[1::2]), strict=True)), now_ms)


def _silence(service: str, until_ms: Mapping[bytes, float], now_ms: int) -> str | None:
    """Why no process counts as alive; each counts until its moment."""
    host = socket.gethostname()
    alive = {member.decode("utf-8", "replace") for member, until in until_ms.items() if until >= now_ms}
    if any(member.startswith(f"{service}:{host}:") for member in alive):
        return None
    others = sorted({member.split(":")[1] for member in alive if member.startswith(f"{service}:")})
    elsewhere = f"; on {', '.join(others[:5])} one has" if others else ""
    return f"no {service} on {host} has given a sign of life for 30 s{elsewhere}"


def _by_client(service: str) -> str | None:
    """Whether the URL needs the full client, for TLS or options; that costs ten times as much."""
    import asyncio

    from services.cli.signs import trouble

    return asyncio.run(trouble(service))


def _nearby(folder: str) -> str | None:
    """The Redis of the `recuro dev` that runs in this directory, if one does."""
    path = os.path.join(os.path.abspath(folder), SOCKET)
    try:
        return f"unix://{path}" if stat.S_ISSOCK(os.stat(path).st_mode) else None
    except OSError:
        return None


def _read_signs(parts: SplitResult) -> tuple[list[bytes], bytes | None, list[bytes]]:
    """The time of Redis, its correction, and until when each process counts as alive; in one round trip."""
    before = list(_greeting(parts))
    questions = [["TIME"], ["GET", CORRECTION], ["ZRANGE", LIVE, "0", "-1", "WITHSCORES"]]
    with _connected(parts) as wire, wire.makefile("rb") as answers:
        wire.sendall(b"".join(map(_packed, [*before, *questions])))
        for _ in before:
            _read(answers)
        time, correction, living = (_read(answers) for _ in questions)
    return time, correction, living  # type: ignore[return-value]


def _greeting(parts: SplitResult) -> Iterator[list[str]]:
    if parts.password:
        user = [unquote(parts.username)] if parts.username else []
        yield ["AUTH", *user, unquote(parts.password)]
    database = parts.path.strip("/") if parts.scheme == "redis" else ""
    if database and database != "0":
        yield ["SELECT", database]


def _connected(parts: SplitResult) -> socket.socket:
    if parts.scheme == "redis":
        return socket.create_connection((parts.hostname or "localhost", parts.port or 6379), PATIENCE_SECONDS)
    wire = socket.socket(socket.AF_UNIX)
    wire.settimeout(PATIENCE_SECONDS)
    wire.connect(unquote(parts.path))
    return wire


def _packed(words: list[str]) -> bytes:
    packed = [b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"*%d\r\n%b" % (len(words), b"".join(packed))


def _read(answers: BinaryIO) -> Reply:
    line = answers.readline()
    kind, text = line[:1], line[1:].strip()
    if kind == b"-":
        raise Refused(text.decode("utf-8", "replace")[:200])
    if kind == b"*":
        return [_read(answers) for _ in range(int(text))]
    if kind == b"$":
        return None if text == b"-1" else answers.read(int(text) + 2)[:-2]
    if kind in (b"+", b":"):
        return text
    raise Refused("it does not speak the protocol of Redis" if line else "it hung up")
