"""The open connections of a server: how many there may be, which make room, and which took too long."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network
from typing import Protocol

import structlog
from prometheus_client import Counter as Total
from prometheus_client import Gauge

from shared.runtime.serving.bounds import Bounds

SWEEP_SECONDS = 0.5
LOG_SECONDS = 10.0
ROOM = 16
"""To make room, 1 connection in so many is closed at once, as each choice looks at all of them."""
EVICTED = "evicted"

OPEN = Gauge("recuro_connections_open", "Connections that are open at the API or the MCP gateway")
REFUSED = Total(
    "recuro_connections_refused_total",
    "Connections that were refused or closed for what they did",
    ["reason"],
)

log = structlog.get_logger()


class Connection(Protocol):
    """What this module needs of a connection."""

    address: str
    """The peer's, or the network that counts as one."""
    is_of_proxy: bool
    """Whether a proxy of the operator opened it, for whoever is behind it."""
    since: float
    """When its present wait began, by the loop's clock."""

    @property
    def waits(self) -> bool:
        """Whether it waits for its peer, and so may be closed; else a request of it is being answered."""

    def expire(self, now: float) -> None:
        """Close it if its peer has taken too long."""

    def drop(self) -> None:
        """Close it at once."""


class Connections:
    """The connections of one server in one loop; a single timer checks all of them."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._open: dict[Connection, None] = {}
        self._of_address: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._logged_at = float("-inf")
        self._is_sweeping = False

    def admit(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether there is room; to make some, the longest waiting of the most crowded address are closed."""
        self._keep_sweeping(loop)
        address = connection.address
        most = self._bounds.connections if connection.is_of_proxy else self._bounds.per_address
        if self._of_address[address] >= most:
            self._make_room(one for one in self._open if one.address == address)
        if len(self._open) >= self._bounds.connections:
            self._make_room(self._open)
        if self._of_address[address] >= most or len(self._open) >= self._bounds.connections:
            return False
        self._open[connection] = None
        self._of_address[address] += 1
        OPEN.inc()
        return True

    def discard(self, connection: Connection) -> None:
        if connection not in self._open:
            return
        del self._open[connection]
        self._of_address[connection.address] -= 1
        if not self._of_address[connection.address]:
            del self._of_address[connection.address]
        OPEN.dec()

    def count(self, reason: str, connections: int = 1) -> None:
        """Count why connections were refused or closed; the next sweep logs it."""
        self._refused[reason] += connections
        REFUSED.labels(reason).inc(connections)

    def _make_room(self, among: Iterable[Connection]) -> None:
        waiting = [one for one in among if one.waits]
        crowd = Counter(one.address for one in waiting if not one.is_of_proxy)
        waiting.sort(key=lambda one: (-crowd[one.address], one.since))
        leaving = waiting[: max(1, self._bounds.connections // ROOM)]
        if leaving:
            self.count(EVICTED, len(leaving))
        for one in leaving:
            self.discard(one)
            one.drop()

    def _keep_sweeping(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_sweeping:
            self._is_sweeping = True
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_sweeping = False
        now = loop.time()
        for one in tuple(self._open):
            one.expire(now)
        if self._refused and now - self._logged_at >= LOG_SECONDS:
            log.warning("connections_refused", **self._refused)
            self._refused.clear()
            self._logged_at = now
        if self._open or self._refused:
            self._keep_sweeping(loop)


def network_of(host: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, since a peer has all of that."""
    if ":" not in host:
        return host
    address = IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))
