"""Raw sockets to a server of ours, and an application that does what its path says."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.runtime.serving import server
from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.proxies import Proxies

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: "
LARGE_BYTES = 64 << 20


async def _told(request: Request) -> Response:
    """What was asked, after the body was read."""
    body = await request.body()
    return JSONResponse({"path": request.url.path, "bytes": len(body), "headers": dict(request.headers)})


async def _unread(_request: Request) -> Response:
    return JSONResponse({"error": "no"}, 401)


async def _slow(request: Request) -> Response:
    """Answers when /go was called."""
    await request.app.state.go.wait()
    return JSONResponse({})


async def _go(request: Request) -> Response:
    request.app.state.go.set()
    return JSONResponse({})


async def _large(_request: Request) -> Response:
    return Response(b"x" * LARGE_BYTES)


def application() -> Starlette:
    routes = [
        Route("/unread", _unread, methods=["POST"]),
        Route("/slow", _slow),
        Route("/go", _go),
        Route("/large", _large),
        Route("/{path:path}", _told, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes)
    app.state.go = asyncio.Event()
    return app


@contextlib.contextmanager
def serving(bounds: Bounds, *, proxies: Proxies = server.NO_PROXIES) -> Iterator[int]:
    """The port of a server of the application."""
    running = server.create(application(), ("127.0.0.1", 0), bounds, grace_seconds=1, proxies=proxies)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)  # the poller of a server that is not up yet
    try:
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        thread.join(15)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def pour(self, data: bytes, at_most: int) -> int:
        """Send it again and again; return how many bytes went out until the other side closed."""
        sent = 0
        with contextlib.suppress(OSError):
            while sent < at_most and not self.reader.at_eof():
                await self.send(data)
                sent += len(data)
                await asyncio.sleep(0)
        return sent

    async def answer(self, seconds: float = 30.0) -> Answer:
        async with asyncio.timeout(seconds):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split()[1]), headers, json.loads(body))

    async def is_silent(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for so long, not even the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), seconds)
            return False
        return True

    async def ended(self, seconds: float = 30.0) -> bytes:
        """What comes until the other side closes; fails if it does not."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.wait_for(self.reader.read(-1), seconds)
        return b""


@contextlib.asynccontextmanager
async def wire_to(port: int, source: str = "127.0.0.1") -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
