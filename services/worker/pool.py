"""Connections to targets: opened to judged addresses only, and kept for a while between requests."""

import asyncio
import resource
import ssl
from collections import defaultdict, deque

from services.worker.connection import Connection, ConnectionClosed
from services.worker.egress import Resolver
from services.worker.proxy import Proxy
from shared.addresses import Address, Destination, Origin, Policy

KEEPALIVE_SECONDS = 15.0  # below the idle limit of common servers: a kept connection is rarely a dead one
KEPT_CONNECTIONS, ENCRYPTED_WEIGHT = 8192, 8
"""How many are kept: a plain one holds 5 KiB of memory, and an encrypted one eight times as much."""
CLOSING_SECONDS = 1.0


class NoConnection(Exception):
    """None of a target's addresses took a connection; `number` is the last `errno`, if there was one."""

    def __init__(self, origin: Origin, number: int | None) -> None:
        self.origin = origin
        self.number = number
        super().__init__(origin, number)


def _weight(connection: Connection) -> int:
    return ENCRYPTED_WEIGHT if connection.origin.scheme == "https" else 1


def _with_port(to: Destination) -> str:
    """`host:port`, as CONNECT wants it."""
    usual = ":443" if to.origin.port == 443 else ""
    return f"{to.authority}{usual}"


class Pool:
    """Takes, dials and keeps; an expired or lost connection is never given out."""

    def __init__(
        self, policy: Policy, resolver: Resolver, tls: ssl.SSLContext, proxy: Proxy | None = None
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._resolver = resolver
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._open: set[Connection] = set()
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = files // 2  # the other half is for what is in use
        self._weight = 0
        self._kept: dict[Connection, None] = {}  # the longest kept first, as in each deque below
        self._kept_with: defaultdict[Origin, deque[Connection]] = defaultdict(deque)
        self._sweep_timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """The connection kept last, if it is still good."""
        while origin in self._kept_with:
            connection = self._kept_with[origin].pop()
            self._forget(connection)
            if connection.is_usable and connection.kept_until > self._loop.time():
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """For the next request to the same origin, if it may have one."""
        if self._is_closed or not connection.is_usable:
            connection.close()
            return
        connection.kept_until = self._loop.time() + KEEPALIVE_SECONDS
        self._kept[connection] = None
        self._kept_with[connection.origin].append(connection)
        self._weight += _weight(connection)
        while self._weight > min(KEPT_CONNECTIONS, self._most):
            self._drop_oldest()
        if self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(KEEPALIVE_SECONDS, self._sweep)

    async def dial(self, to: Destination, deadline: float) -> Connection:
        """A new connection; raises Refusal, NoConnection, ssl.SSLError, or TimeoutError at the deadline."""
        async with asyncio.timeout_at(deadline):
            addresses = (to.address,) if to.address else await self._resolver.addresses(to.origin.host)
        for address in addresses:
            self._policy.check(address, "The target is")
        if self._proxy is not None:
            return await self._through(self._proxy, to, deadline)
        failure: OSError = TimeoutError()
        for number, address in enumerate(addresses):
            share = (deadline - self._loop.time()) / (len(addresses) - number)  # one may be a black hole
            try:
                async with asyncio.timeout(share):
                    return await self._connect(to.origin, address, share)
            except ssl.SSLError:
                raise
            except OSError as error:  # TimeoutError among them
                failure = error
        if isinstance(failure, TimeoutError) and failure.errno is None:
            raise failure
        raise NoConnection(to.origin, failure.errno) from failure

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

    async def _connect(self, origin: Origin, address: Address, seconds: float) -> Connection:
        connection = Connection(origin, self._open)
        secure = origin.scheme == "https"
        # uvloop holds on to a cancelled handshake until this has passed; it must not end before `seconds` do.
        handshake_seconds = max(seconds, 0) + 1
        try:
            await self._loop.create_connection(
                lambda: connection,
                str(address),
                origin.port,
                ssl=self._tls if secure else None,
                server_hostname=origin.host.rstrip(".") if secure else None,
                ssl_handshake_timeout=handshake_seconds if secure else None,
            )
        except BaseException:
            connection.close()
            # Nobody else says so if this was cancelled just when the connection was made: a trap of uvloop.
            connection.connection_lost(None)
            raise
        if self._is_closed:
            connection.close()
            raise ConnectionClosed
        return connection

    async def _through(self, proxy: Proxy, to: Destination, deadline: float) -> Connection:
        """By way of the proxy, which looks the name up once more and decides for itself."""
        connection, origin = Connection(to.origin, self._open), to.origin
        try:
            async with asyncio.timeout_at(deadline):
                if origin.scheme == "http":
                    await proxy.reach(lambda: connection)
                else:
                    await self._encrypted(connection, await proxy.tunnel(_with_port(to)), origin, deadline)
        except BaseException:
            connection.close()
            connection.connection_lost(None)
            raise
        return connection

    async def _encrypted(
        self, connection: Connection, tunnel: asyncio.Transport, origin: Origin, deadline: float
    ) -> None:
        try:
            transport = await self._loop.start_tls(
                tunnel,
                connection,
                self._tls,
                server_hostname=origin.host.rstrip("."),
                ssl_handshake_timeout=max(deadline - self._loop.time(), 0) + 1,
            )
        except BaseException as error:
            tunnel.abort()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError | ssl.SSLError):
                raise ConnectionClosed from None
            raise
        assert transport is not None
        connection.connection_made(transport)

    def _forget(self, connection: Connection) -> None:
        del self._kept[connection]
        self._weight -= _weight(connection)
        if not self._kept_with[connection.origin]:
            del self._kept_with[connection.origin]

    def _drop_oldest(self) -> None:
        connection = next(iter(self._kept))
        self._kept_with[connection.origin].popleft()
        self._forget(connection)
        connection.close()

    def _sweep(self) -> None:
        self._sweep_timer = None
        while self._kept and next(iter(self._kept)).kept_until <= self._loop.time():
            self._drop_oldest()
        if self._kept:
            due = next(iter(self._kept)).kept_until
            self._sweep_timer = self._loop.call_at(due, self._sweep)
