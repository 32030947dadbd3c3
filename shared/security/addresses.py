"""Which addresses a request may be sent to: URLs are parsed, addresses and ports checked."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import quote

import idna

from shared.basics.memory import MEBIBYTE, Remembered, remembered
from shared.schemas.runs import FailureReason

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

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
METADATA = "a cloud metadata address"
_METADATA = frozenset(
    ip_address(address)
    for address in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"),
        *("168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
    )
)

# No HTTP request is for these: the bad ports of the Fetch standard, and common stores and queues. Some of
# them execute the lines of an HTTP request as commands.
_BAD_PORTS = frozenset(
    (
        *(
            1,
            7,
            9,
            11,
            13,
            15,
            17,
            19,
            20,
            21,
            22,
            23,
            25,
            37,
            42,
            43,
            53,
            69,
            77,
            79,
            87,
            95,
            101,
            102,
            103,
            104,
        ),
        *(
            109,
            110,
            111,
            113,
            115,
            117,
            119,
            123,
            135,
            137,
            139,
            143,
            161,
            179,
            389,
            427,
            445,
            465,
            512,
            513,
            514,
        ),
        *(
            515,
            526,
            530,
            531,
            532,
            540,
            548,
            554,
            556,
            563,
            587,
            601,
            636,
            989,
            990,
            993,
            995,
            1719,
            1720,
            1723,
        ),
        *(2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
        *(1433, 1521, 3306, 3389, 5432, 5672, 6379, 9042, 11211, 27017),
    )
)

_URL = re.compile(r"(https?://[^/?#]*)([^?#]*)(\?[^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]{0,5}))?\Z")
_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_UNQUOTED = re.compile(r"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=\[\]%]|%(?![0-9A-Fa-f]{2})")


class Refusal(Exception):
    """The request is not sent; `str()` is a sentence for its owner."""

    reason = FailureReason.UNKNOWN


class InvalidUrl(Refusal):
    reason = FailureReason.INVALID_URL


class BlockedAddress(Refusal):
    reason = FailureReason.BLOCKED_ADDRESS


@dataclass(frozen=True, slots=True)
class Policy:
    """Public addresses and those in `allow`; the ranges of `ports`, or all ports but the bad ones."""

    allow: tuple[Network, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()

    def judge(self, address: Address) -> str | None:
        """None if connecting to the address is allowed, else the reason why not."""
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return "an address with a zone id"
            if any(address in network for network in _CARRY_V4):
                address = IPv4Address(int(address) & 0xFFFF_FFFF)  # the one that is really connected to
        if address in _METADATA:  # a wide block, such as 0.0.0.0/0, does not open these
            named = any(network.num_addresses == 1 and address in network for network in self.allow)
            return None if named else METADATA
        if _is_public(address) or any(address in network for network in self.allow):
            return None
        return "an address that is not public"

    def check_port(self, port: int) -> None:
        """Raises BlockedAddress if nothing may be sent to the port."""
        if self.ports and not any(first <= port <= last for first, last in self.ports):
            raise BlockedAddress(f"The URL's port {port} is not among RECURO_EGRESS_PORTS.")
        if not self.ports and port in _BAD_PORTS:
            raise BlockedAddress(
                f"The URL's port {port} is not one for HTTP; the egress policy does not allow it. "
                "To call it, name it in RECURO_EGRESS_PORTS of every service."
            )

    def check(self, address: Address, subject: str) -> None:
        """Raises BlockedAddress if connecting to the address is not allowed."""
        if reason := self.judge(address):
            what = "it alone, by its address," if reason == METADATA else "its network"
            raise BlockedAddress(
                f"{subject} {reason}; the egress policy does not allow it. "
                f"To call it, name {what} in RECURO_EGRESS_ALLOW of every service."
            )


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


class Origin(NamedTuple):
    """The server that a connection is with."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL parsed once, for the check and for the request; `address` is set if its host is one."""

    origin: Origin
    address: Address | None
    authority: str
    target: str

    def __str__(self) -> str:
        return f"{self.origin.scheme}://{self.authority}{self.target}"


class Destinations(Remembered[str, Destination]):
    """Parses URLs and checks them by a policy; raises InvalidUrl or BlockedAddress. Fragments are dropped.

    URLs and servers are remembered apart: often each request has a URL of its own, on one of few servers.
    """

    __slots__ = ("_policy", "_servers")

    def __init__(self, policy: Policy) -> None:
        super().__init__(self._destination, 8 * MEBIBYTE, per_byte=6)
        self._policy = policy
        self._servers = Remembered(self._server, 4 * MEBIBYTE, per_byte=6)

    def _destination(self, text: str) -> Destination:
        if _UNFIT.search(text):
            raise InvalidUrl("The URL holds a blank, a backslash or a control character.")
        parts = _URL.match(text)
        if not parts:
            raise InvalidUrl("The URL does not start with http:// or https://.")
        origin, address, authority = self._servers(parts[1])
        target = _as_written(f"{parts[2] or '/'}{parts[3] or ''}")
        return Destination(origin, address, authority, target)

    def _server(self, text: str) -> tuple[Origin, Address | None, str]:
        """Of a URL as far as its path: origin, address if its host is one, and authority."""
        scheme, _, authority = text.partition("://")
        scheme = scheme.lower()
        host, port = _authority(authority, _PORTS[scheme])
        address = _address(host)
        self._policy.check_port(port)
        if address:
            self._policy.check(address, "The URL's host is")
        shown = f"[{address}]" if isinstance(address, IPv6Address) else host
        spelled = shown if port == _PORTS[scheme] else f"{shown}:{port}"
        return Origin(scheme, str(address or host), port), address, spelled


@remembered(4 * MEBIBYTE)
def origin_of(url: str) -> str:
    """Scheme, host and port in one spelling, to which secrets are bound; empty if it cannot be called."""
    parts = _URL.match(url)
    if not parts:
        return ""
    scheme, _, authority = parts[1].partition("://")
    scheme = scheme.lower()
    try:
        host, port = _authority(authority, _PORTS[scheme])
        return f"{scheme}://{_address(host) or host}:{port}"
    except InvalidUrl:
        return ""


def _authority(text: str, usual_port: int) -> tuple[str, int]:
    if "@" in text:
        raise InvalidUrl("The URL carries a user name or password.")
    parts = _AUTHORITY.match(text)
    port = int(parts[2] or usual_port) if parts else usual_port
    if not parts or port > 65535:
        raise InvalidUrl("The URL could not be understood.")
    if not parts[1] or not port:
        raise InvalidUrl("The URL names no host, or port 0.")
    return _in_ascii(parts[1]).lower(), port


def _in_ascii(host: str) -> str:
    """IDNA 2008, as browsers read it; IDNA 2003 for names that it no longer allows, such as emoji."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:
        pass
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise InvalidUrl("The URL's host is not a valid name.") from None


def _address(host: str) -> Address | None:
    """The address if the host is one, or None if it is a name to be looked up."""
    try:
        return IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
    except ValueError:
        if not _NAME.match(host):
            raise InvalidUrl("The URL's host is not a valid name.") from None
    last = host.rstrip(".").rpartition(".")[2]
    if _NUMBER.match(last):  # 2130706433, 127.1, 0x7f.1: libc reads them as addresses
        raise InvalidUrl("The URL's host is a number; write addresses as four decimal numbers.")
    return None


def _as_written(target: str) -> str:
    """Quote only what no URL may contain; all other bytes stay, as more quoting would break signed URLs."""
    try:
        return _UNQUOTED.sub(lambda unfit: quote(unfit[0], safe=""), target)
    except UnicodeEncodeError:
        raise InvalidUrl("The URL could not be understood.") from None
