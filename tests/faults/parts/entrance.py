"""A port in front of a target, at which connecting takes as long as a row wants."""

import asyncio
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self


class Entrance:
    """`async with Entrance(port) as entrance:` leads to a local port; at first connecting hangs."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._server: asyncio.Server | None = None
        self._before: list[socket.socket] = []
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def open(self) -> None:
        """From now on all connections get through, also those that are still connecting."""
        self._server = await asyncio.start_server(self._pass, sock=self._listener, backlog=512)

    async def __aenter__(self) -> Self:
        for _ in range(2):  # a queue of none has room for one, and the kernel may take one more
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())
            self._before.append(waiting)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for waiting in self._before:
            waiting.close()
        self._listener.close() if self._server is None else self._server.close()
        for task in tuple(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        with suppress(OSError, asyncio.CancelledError):
            there, to = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(_pump(reader, to), _pump(there, writer))
        self._passing.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
