"""Connections to targets: opened to judged addresses only, directly or by way of the operator's proxy."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from aiohappyeyeballs import AddrInfoType, start_connection

from services.worker.http.connection import Connection
from services.worker.http.dialled import Dialled
from services.worker.http.egress import Resolver
from services.worker.http.proxy import Proxy
from shared.schemas.runs import FailureStage
from shared.security.addresses import Address, Policy
from shared.security.destinations import Destination, Origin

HEAD_START_SECONDS = 0.25
"""Of an address before the next is tried beside it (RFC 8305, 8)."""


class NoConnection(Exception):
    """None of a target's addresses took a connection; `number` is the last `errno`, if there was one."""

    def __init__(self, origin: Origin, number: int | None) -> None:
        self.origin = origin
        self.number = number
        super().__init__(origin, number)


class Late(Exception):
    """The deadline came while the connection was being made."""

    def __init__(self, stage: FailureStage, origin: Origin) -> None:
        self.stage = stage
        self.origin = origin
        super().__init__(stage, origin)


class HandshakeEnded(Exception):
    """The target, or who is on the way to it, closed the connection before TLS was agreed on."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        super().__init__(origin)


@dataclass(frozen=True, slots=True)
class Dialer:
    """How targets are reached; what it opens stands in `opened` until it is closed."""

    policy: Policy
    resolver: Resolver
    tls: ssl.SSLContext
    proxy: Proxy | None
    opened: set[Connection]

    async def dial(
        self, to: Destination, deadline: float, team: int = 0, noted: Dialled | None = None
    ) -> Connection:
        """A new one, whose moments are `noted`.

        Raises Refusal, NoPlace, ProxyRefused, NoConnection, HandshakeEnded, Late, SSLError.
        """
        noted = noted or Dialled()
        noted.is_encrypted = to.origin.scheme == "https"
        addresses = await self._addresses(to, deadline, team, noted)
        for address in addresses:
            self.policy.check(address, "The target is")
        noted.connecting_at = perf_counter()
        if self.proxy is not None:
            return await self._through(self.proxy, to, deadline, noted)
        connection = Connection(to.origin, self.opened)
        if len(addresses) == 1:
            noted.address = str(addresses[0])
        try:
            if len(addresses) == 1 and to.origin.scheme == "http":
                await self._plain(connection, noted.address, deadline)
                noted.connected_at = perf_counter()
            else:
                await self._raced(connection, addresses, deadline, noted)
        except BaseException:
            connection.close()
            # Nobody else says so if this was cancelled just when the connection was made: a trap of uvloop.
            connection.connection_lost(None)
            raise
        connection.address = noted.address
        return connection

    async def _addresses(
        self, to: Destination, deadline: float, team: int, noted: Dialled
    ) -> Sequence[Address]:
        if to.address:
            return (to.address,)
        if self.proxy is not None and self.proxy.resolves:
            return ()  # by its own rules: names may mean nothing here
        noted.is_looked_up = True
        async with _until(deadline, FailureStage.LOOKUP, to.origin):
            return await self.resolver.addresses(to.origin.host, team)

    async def _plain(self, connection: Connection, address: str, deadline: float) -> None:
        async with _until(deadline, FailureStage.CONNECT, connection.origin):
            await asyncio.get_running_loop().create_connection(
                lambda: connection, address, connection.origin.port
            )

    async def _raced(
        self, connection: Connection, addresses: Sequence[Address], deadline: float, noted: Dialled
    ) -> None:
        """Both families beside each other (RFC 8305), then the handshake with whoever was first."""
        origin = connection.origin
        infos = [_info(address, origin.port) for address in addresses]
        async with _until(deadline, FailureStage.CONNECT, origin):
            link = await start_connection(infos, happy_eyeballs_delay=HEAD_START_SECONDS)
        noted.connected_at, noted.address = perf_counter(), link.getpeername()[0]
        loop = asyncio.get_running_loop()
        if origin.scheme == "http":
            await loop.create_connection(lambda: connection, sock=link)
            return
        async with _until(deadline, FailureStage.TLS, origin):
            await loop.create_connection(
                lambda: connection,
                sock=link,
                ssl=self.tls,
                server_hostname=origin.host.rstrip("."),
                ssl_handshake_timeout=_patience(deadline),
            )
        noted.encrypted_at = perf_counter()

    async def _through(self, proxy: Proxy, to: Destination, deadline: float, noted: Dialled) -> Connection:
        """By way of the proxy, which looks the name up once more and decides for itself."""
        connection, origin = Connection(to.origin, self.opened), to.origin
        try:
            async with _until(deadline, FailureStage.CONNECT, origin):
                if origin.scheme == "http":
                    await proxy.reach(lambda: connection)
                    noted.connected_at = perf_counter()
                    return connection
                tunnel = await proxy.tunnel(_with_port(to))
            noted.connected_at = perf_counter()
            async with _until(deadline, FailureStage.TLS, origin):
                await self._encrypted(connection, tunnel, origin, deadline)
            noted.encrypted_at = perf_counter()
        except BaseException:
            connection.close()
            connection.connection_lost(None)
            raise
        return connection

    async def _encrypted(
        self, connection: Connection, tunnel: asyncio.Transport, origin: Origin, deadline: float
    ) -> None:
        try:
            transport = await asyncio.get_running_loop().start_tls(
                tunnel,
                connection,
                self.tls,
                server_hostname=origin.host.rstrip("."),
                ssl_handshake_timeout=_patience(deadline),
            )
        except BaseException:
            tunnel.abort()
            raise
        assert transport is not None
        connection.connection_made(transport)


@asynccontextmanager
async def _until(deadline: float, stage: FailureStage, origin: Origin) -> AsyncIterator[None]:
    """Raises Late at the deadline, and for what the system has against it what that means at this stage."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except ssl.SSLError:
        raise
    except OSError as error:  # TimeoutError among them
        if isinstance(error, TimeoutError) and error.errno is None:
            raise Late(stage, origin) from None
        if stage is FailureStage.TLS:
            raise HandshakeEnded(origin) from None
        raise NoConnection(origin, error.errno) from error


def _patience(deadline: float) -> float:
    """uvloop holds on to a cancelled handshake until this has passed; it must not end before the deadline."""
    return max(deadline - asyncio.get_running_loop().time(), 0) + 1


def _info(address: Address, port: int) -> AddrInfoType:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    where = (str(address), port, 0, 0) if address.version == 6 else (str(address), port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def _with_port(to: Destination) -> str:
    """`host:port`, as CONNECT wants it."""
    usual = ":443" if to.origin.port == 443 else ""
    return f"{to.authority}{usual}"
