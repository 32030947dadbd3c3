"""The operator's proxy, if all requests have to leave through one."""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

HEAD_BYTES = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


class ProxyRefused(Exception):
    """The proxy opens no way to the target; `str()` is a sentence for the request's owner."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it is, and what identifies us to it; its password is in no sentence of ours."""

    host: str
    port: int
    authorization: str = field(repr=False)
    resolves: bool = False
    """It looks names up by itself, and we do not."""

    @classmethod
    def at(cls, url: str, *, resolves: bool = False) -> "Proxy":
        parts = urlsplit(url)
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        said = f"Basic {base64.b64encode(pair.encode()).decode()}" if parts.username else ""
        return cls(parts.hostname or "", parts.port or 3128, said, resolves)

    @property
    def headers(self) -> list[str]:
        return [f"Proxy-Authorization: {self.authorization}"] if self.authorization else []

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a plain proxy gets to know of us, and may repeat in an answer of its own."""
        credentials = self.authorization.partition(" ")[2]
        password = base64.b64decode(credentials).decode().partition(":")[2]
        return (credentials, password) if credentials else ()

    async def reach(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Connect to the proxy itself; raises ProxyRefused or the system's TimeoutError."""
        try:
            await asyncio.get_running_loop().create_connection(protocol, self.host, self.port)
        except TimeoutError:
            raise
        except OSError:
            raise ProxyRefused("No connection to the egress proxy.") from None

    async def tunnel(self, authority: str) -> asyncio.Transport:
        """A transport to `host:port` of the target; raises ProxyRefused or TimeoutError."""
        opening = _Opening()
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *self.headers]
        try:
            await self.reach(lambda: opening)
            return await opening.ask("\r\n".join(lines).encode() + b"\r\n\r\n")
        except BaseException:
            opening.close()
            raise


class _Opening(asyncio.Protocol):
    """Waits for the one answer to a CONNECT."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    async def ask(self, request: bytes) -> asyncio.Transport:
        assert self._transport is not None
        self._transport.write(request)
        await self._answered
        return self._transport

    def close(self) -> None:
        self._answered.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's do not inherit from it

    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if self._answered.done() or (end < 0 and len(self._head) <= HEAD_BYTES):
            return
        status = _STATUS.match(self._head)
        if end >= 0 and status and status[1].startswith(b"2") and end + 4 == len(self._head):
            self._answered.set_result(None)
            return
        said = f"answered with status {status[1].decode()}" if status else "did not answer in HTTP"
        self._answered.set_exception(ProxyRefused(f"The egress proxy {said}."))

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._answered.done():
            self._answered.set_exception(ProxyRefused("The egress proxy closed the connection."))
