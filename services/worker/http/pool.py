"""Connections to targets that are kept for a while between requests."""

import asyncio
import resource
import ssl
from collections import defaultdict

from services.worker.http.connection import Connection, ConnectionClosed
from services.worker.http.dialing import Dialer
from services.worker.http.dialled import Dialled
from services.worker.http.egress import Resolver
from services.worker.http.proxy import Proxy
from shared.security.addresses import Policy
from shared.security.destinations import Destination, Origin

KEEPALIVE_SECONDS = 15.0
UNHINTED_SECONDS = 1.5
"""For how long a connection may have been idle that takes a request which must not be sent twice, if its
server does not say how long it keeps one: common servers close after 2 s and more."""
EARLY_SECONDS, MOST_EARLY = 60.0, 1000
"""For how long it is remembered of how many origins that they closed a kept connection sooner than that.

There, what must not be sent twice goes on new ones, for the next one would meet the same end."""
MARGIN_SECONDS = 1.0
"""So much before a server says that it closes one: its clock ran on while the answer was on its way."""
KEPT_CONNECTIONS, ENCRYPTED_WEIGHT = 8192, 8
"""How many are kept: a plain one holds 5 KiB of memory, and an encrypted one eight times as much."""
SWEEP_SECONDS, CLOSING_SECONDS = 1.0, 1.0


def _weight(connection: Connection) -> int:
    return ENCRYPTED_WEIGHT if connection.origin.scheme == "https" else 1


class Pool:
    """Takes, dials and keeps; an expired or lost connection is never given out."""

    def __init__(
        self, policy: Policy, resolver: Resolver, tls: ssl.SSLContext, proxy: Proxy | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._open: set[Connection] = set()
        self._dialer = Dialer(policy, resolver, tls, proxy, self._open)
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = files // 2  # the other half is for what is in use
        self._weight = 0
        self._kept: dict[Connection, None] = {}  # the longest kept first, as in each of the next
        self._kept_with: defaultdict[Origin, dict[Connection, None]] = defaultdict(dict)
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._early: dict[Origin, float] = {}  # until when; the first to be forgotten first

    def take(self, origin: Origin, *, may_repeat: bool) -> Connection | None:
        """The one kept last, if it is still good; `may_repeat`: the request is harmless to send again."""
        now = self._loop.time()
        if self._early and not may_repeat and self._closes_early(origin, now):
            return None
        while origin in self._kept_with:
            connection = next(reversed(self._kept_with[origin]))
            is_good = connection.is_usable and connection.kept_until > now
            if is_good and not (
                may_repeat or connection.is_hinted or now - connection.kept_at < UNHINTED_SECONDS
            ):
                return None  # good for others
            self._forget(connection)
            if is_good:
                return connection
            if connection.kept_until > now and now - connection.kept_at < UNHINTED_SECONDS:
                self.note_early(origin)
            connection.close()
        return None

    def note_early(self, origin: Origin) -> None:
        """It closed a kept connection, and had not said so with its answer."""
        self._early.pop(origin, None)
        if len(self._early) >= MOST_EARLY:
            del self._early[next(iter(self._early))]
        self._early[origin] = self._loop.time() + EARLY_SECONDS

    def _closes_early(self, origin: Origin, now: float) -> bool:
        until = self._early.get(origin)
        if until is not None and until <= now:
            del self._early[origin]
        return until is not None and until > now

    def keep(self, connection: Connection) -> None:
        """For the next request to the same origin, if it may have one."""
        seconds = _seconds_of(connection) if connection.is_usable and not self._is_closed else 0.0
        if seconds <= 0:
            connection.close()
            return
        connection.kept_at = self._loop.time()
        connection.kept_until = connection.kept_at + seconds
        self._add(connection)

    def put_back(self, connection: Connection) -> None:
        """One that had no request since it was taken or dialled; its server waits since before."""
        if not connection.kept_at:
            self.keep(connection)
        elif connection.is_usable and not self._is_closed:
            self._add(connection)
        else:
            connection.close()

    def _add(self, connection: Connection) -> None:
        self._kept[connection] = None
        self._kept_with[connection.origin][connection] = None
        self._weight += _weight(connection)
        while self._weight > min(KEPT_CONNECTIONS, self._most):
            self._drop(next(iter(self._kept)))
        if self._sweep_timer is None:
            seconds = connection.kept_until - self._loop.time()
            self._sweep_timer = self._loop.call_later(min(SWEEP_SECONDS, seconds), self._sweep)

    async def dial(
        self, to: Destination, deadline: float, team: int = 0, noted: Dialled | None = None
    ) -> Connection:
        """A new connection; raises as `Dialer.dial` does."""
        connection = await self._dialer.dial(to, deadline, team, noted)
        if self._is_closed:
            connection.close()
            raise ConnectionClosed
        return connection

    async def close(self) -> None:
        """Close every connection, in use or not, and wait until all sockets are gone."""
        self._is_closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._kept.clear()
        self._kept_with.clear()
        closing = tuple(self._open)
        for connection in closing:
            connection.close()
        if closing:
            await asyncio.wait([connection.lost for connection in closing], timeout=CLOSING_SECONDS)

    def _forget(self, connection: Connection) -> None:
        del self._kept[connection]
        self._weight -= _weight(connection)
        with_origin = self._kept_with[connection.origin]
        del with_origin[connection]
        if not with_origin:
            del self._kept_with[connection.origin]

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.close()

    def _sweep(self) -> None:
        now, self._sweep_timer = self._loop.time(), None
        for connection in [one for one in self._kept if one.kept_until <= now]:
            self._drop(connection)
        if self._kept:
            self._sweep_timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)


def _seconds_of(connection: Connection) -> float:
    """How long it is kept, as its server wants it or as we do; notes which."""
    hint = connection.idle_seconds
    connection.is_hinted = hint is not None
    if hint is None:
        return KEEPALIVE_SECONDS
    return min(hint - MARGIN_SECONDS if hint >= 2 * MARGIN_SECONDS else hint / 2, KEEPALIVE_SECONDS)
