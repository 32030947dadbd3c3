"""URLs parsed once, for the check of where they lead and for the request that goes there."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import quote

import idna

from shared.basics.memory import MEBIBYTE, Remembered, remembered
from shared.security.addresses import Address, InvalidUrl, Policy

_URL = re.compile(r"(https?://[^/?#]*)([^?#]*)(\?[^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]{0,5}))?\Z")
_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_UNQUOTED = re.compile(r"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=\[\]%]|%(?![0-9A-Fa-f]{2})")


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
        scheme, host, port = _server_of(text)
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
    try:
        scheme, host, port = _server_of(parts[1])
        return f"{scheme}://{_address(host) or host}:{port}"
    except InvalidUrl:
        return ""


def _server_of(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL as far as its path."""
    scheme, _, authority = text.partition("://")
    if "@" in authority:
        raise InvalidUrl("The URL carries a user name or password.")
    scheme, parts = scheme.lower(), _AUTHORITY.match(authority)
    port = int(parts[2] or _PORTS[scheme]) if parts else 0
    if not parts or port > 65535:
        raise InvalidUrl("The URL could not be understood.")
    if not parts[1] or not port:
        raise InvalidUrl("The URL names no host, or port 0.")
    return scheme, _in_ascii(parts[1]).lower(), port


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
