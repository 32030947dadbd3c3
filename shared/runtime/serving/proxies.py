"""Whose request a proxy of the operator passes on: nobody else is believed about who called."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import Scope

from shared.settings import Network

MOST_HOPS = 32
"""So many proxies in a row are looked at; what is left of them in the header anybody may have written."""
_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Proxies:
    """The addresses from which `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    networks: tuple[Network, ...] = ()

    def trusts(self, peer: str) -> bool:
        """Whether a connection from there is one of a proxy."""
        return bool(self.networks) and self._has(_address(peer))

    def tell(self, scope: Scope) -> None:
        """Put who called, and by which scheme, into the scope of a request that a proxy passed on."""
        peer = scope["client"]
        scope["client"] = (self.client_of(peer[0] if peer else "", _values(scope, _FOR)), 0)
        schemes = _values(scope, _PROTO)
        # The last is the word of the proxy itself; a client may have written those before.
        if schemes and schemes[-1].lower() in ("http", "https"):
            scope["scheme"] = schemes[-1].lower()

    def client_of(self, peer: str, forwarded: Sequence[str]) -> str:
        """The nearest address that is no proxy of ours; nothing behind it, or behind garbage, counts."""
        nearest = peer
        for hop in reversed(forwarded[-MOST_HOPS:]):
            address = _address(_without_port(hop))
            if address is None:
                break
            nearest = str(address)
            if not self._has(address):
                break
        return nearest

    def _has(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


def _values(scope: Scope, name: bytes) -> list[str]:
    """What a list in a header has, over all its lines."""
    lines = [value.decode("latin-1") for each, value in scope["headers"] if each == name]
    return [part.strip(" \t") for line in lines for part in line.split(",")]


def _without_port(hop: str) -> str:
    """`192.0.2.1:443`, `[2001:db8::1]:443` and `"[2001:db8::1]"` as addresses."""
    text = hop.strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> Address | None:
    """An address without its zone; an IPv4 address in the form of IPv6 is the IPv4 address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
