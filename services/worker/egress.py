"""Which addresses a request may reach, and a connector that dials no other."""

import asyncio
import re
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.schemas.runs import FailureReason

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOKUP_SECONDS, LOOKUP_THREADS = 5.0, 32
KEPT_SECONDS, FAILURE_KEPT_SECONDS, KEPT_NAMES = 30.0, 2.0, 4096
KEEPALIVE_SECONDS = 15.0  # below the idle limit of common servers: a kept connection is rarely a dead one

# The IANA special-purpose registries, written out: `ipaddress` changed its mind between patch releases.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_CARRY_V4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))  # v4-mapped, NAT64
_METADATA = frozenset(
    ip_address(address)
    for address in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"),
        *("168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
    )
)

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_QUOTED = re.compile(r"(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=\[\]]|%[0-9A-Fa-f]{2})*\Z")


class Refusal(Exception):
    """A request that is not sent; `str()` is a sentence for its owner."""

    reason = FailureReason.UNKNOWN


class InvalidUrl(Refusal):
    reason = FailureReason.INVALID_URL


class BlockedAddress(Refusal):
    reason = FailureReason.BLOCKED_ADDRESS


class NameNotFound(Refusal):
    reason = FailureReason.DNS_ERROR


@dataclass(frozen=True, slots=True)
class Policy:
    """Public addresses, and those in `allow`."""

    allow: tuple[Network, ...] = ()

    def judge(self, address: Address) -> str | None:
        """Nothing if the address may be dialled, else why not."""
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return "an address with a zone id"
            if any(address in network for network in _CARRY_V4):
                address = IPv4Address(int(address) & 0xFFFF_FFFF)  # the one that is really reached
        if address in _METADATA:  # a wide block, such as 0.0.0.0/0, does not open these
            named = any(network.num_addresses == 1 and address in network for network in self.allow)
            return None if named else "a cloud metadata address"
        if _is_public(address) or any(address in network for network in self.allow):
            return None
        return "an address that is not public"

    def check(self, address: Address, subject: str) -> None:
        """Raises BlockedAddress if the address must not be dialled."""
        if reason := self.judge(address):
            raise BlockedAddress(f"{subject} {reason}; the egress policy does not allow it.")


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def destination(policy: Policy, text: str) -> URL:
    """The URL parsed once, for the check and for the client; raises InvalidUrl or BlockedAddress."""
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError:
        raise InvalidUrl("The URL could not be understood.") from None
    if _UNFIT.search(text):
        raise InvalidUrl("The URL holds a blank, a backslash or a control character.")
    if url.scheme not in ("http", "https"):
        raise InvalidUrl("The URL does not start with http:// or https://.")
    if not host or not port:
        raise InvalidUrl("The URL names no host, or port 0.")
    if "@" in url.raw_authority:
        raise InvalidUrl("The URL carries a user name or password.")
    _check_host(policy, host)
    return _as_written(url, text)


def _check_host(policy: Policy, host: str) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if not _NAME.match(host):
            raise InvalidUrl("The URL's host is not a valid name.") from None
        last = host.rstrip(".").rpartition(".")[2]
        if _NUMBER.match(last):  # 2130706433, 127.1, 0x7f.1: libc reads them as addresses
            raise InvalidUrl("The URL's host is a number; write addresses as four decimal numbers.") from None
    else:
        policy.check(address, "The URL's host is")


def _as_written(url: URL, text: str) -> URL:
    """Path and query byte for byte if they are well-formed: requoting would break signed URLs."""
    parts = urlsplit(text)
    if not _QUOTED.match(parts.path + parts.query):
        return url.with_fragment(None)
    return URL.build(
        scheme=url.scheme,
        authority=url.raw_authority,
        path=parts.path or "/",
        query_string=parts.query,
        encoded=True,
    )


def look_up(name: str) -> list[str]:
    """The system's addresses for a name; blocks, and raises OSError or UnicodeError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Resolver(AbstractResolver):
    """Names to judged addresses, each looked up once at a time and remembered for seconds."""

    def __init__(
        self,
        policy: Policy,
        look_up: Callable[[str], Iterable[str]] = look_up,
        *,
        seconds: float = LOOKUP_SECONDS,
    ) -> None:
        self._policy = policy
        self._look_up = look_up
        self._seconds = seconds
        # The loop's own pool has a few threads on small machines: some dead names would stop all requests.
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        self._kept: OrderedDict[str, tuple[float, tuple[Address, ...] | Refusal]] = OrderedDict()
        self._running: dict[str, asyncio.Task[tuple[Address, ...] | Refusal]] = {}

    async def addresses(self, name: str) -> tuple[Address, ...]:
        """Raises NameNotFound, or BlockedAddress if only one of them must not be dialled."""
        until, answer = self._kept.get(name, (0.0, ()))
        if until <= time.monotonic():
            answer = await asyncio.shield(self._lookup(name))
        if isinstance(answer, Refusal):
            raise type(answer)(str(answer))  # a fresh one: a kept one would gather tracebacks
        return answer

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """What aiohttp dials: judged addresses, marked as needing no further lookup."""
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self.addresses(host)
        ]

    async def close(self) -> None:
        for task in tuple(self._running.values()):
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _lookup(self, name: str) -> asyncio.Task[tuple[Address, ...] | Refusal]:
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._judged(name))
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return task

    async def _judged(self, name: str) -> tuple[Address, ...] | Refusal:
        answer: tuple[Address, ...] | Refusal
        try:
            answer = await self._found(name)
            for address in answer:  # one bad one refuses all: mixed answers are how rebinding looks
                self._policy.check(address, f"{name} resolves to")
        except Refusal as refusal:
            answer = refusal.with_traceback(None)
        seconds = FAILURE_KEPT_SECONDS if isinstance(answer, Refusal) else KEPT_SECONDS
        self._kept[name] = (time.monotonic() + seconds, answer)
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT_NAMES:
            self._kept.popitem(last=False)
        return answer

    async def _found(self, name: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.run_in_executor(self._threads, self._look_up, name)
            addresses = tuple(map(ip_address, found))
        except TimeoutError:
            raise NameNotFound(f"{name} was not resolved within {self._seconds:g} s.") from None
        except (OSError, ValueError):  # UnicodeError, of an overlong label, is a ValueError
            raise NameNotFound(f"{name} could not be resolved.") from None
        if not addresses:
            raise NameNotFound(f"{name} has no address.")
        return addresses


def connector(policy: Policy, resolver: Resolver, tls: ssl.SSLContext | bool) -> aiohttp.TCPConnector:
    """A connector whose every socket is for an address that the policy allows, whatever led to it."""

    @lru_cache(KEPT_NAMES)
    def judge(text: str) -> None:
        policy.check(ip_address(text), "The target is")

    def open_socket(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        judge(address[0])
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=resolver,
        use_dns_cache=False,
        socket_factory=open_socket,
        ssl=tls,
        limit=0,
        keepalive_timeout=KEEPALIVE_SECONDS,
    )
