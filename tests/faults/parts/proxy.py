"""A TCP proxy before Redis that delays, stops, cuts and resets connections on command."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import hiredis

CHUNK = 65_536
GREETINGS = (b"HELLO", b"CLIENT", b"SELECT", b"AUTH")


@dataclass(slots=True, eq=False)
class _Link:
    """One client's connection and ours to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_doomed: bool = False
    """Its request was passed on; its reply will be dropped."""

    def reset(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


class Proxy:
    """`with Proxy(socket_path) as proxy:` listens at `proxy.url`; by default it passes everything."""

    def __init__(self, upstream: Path) -> None:
        self.cuts = 0
        """Replies dropped so far."""
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._links: set[_Link] = set()
        self._markers: list[bytes] = []
        self._skips = 0
        self._is_shut = False
        self._reply = b""
        self._delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._flowing, self._stop = asyncio.Event(), asyncio.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def cut_after(self, marker: bytes, times: int = 1, skip: int = 0) -> None:
        """Pass on the next so many requests that contain `marker`, drop their replies, reset the connections.

        The first `skip` of them pass normally.
        """
        self._skips = skip
        self._loop.call_soon_threadsafe(self._markers.extend, [marker] * times)

    @property
    def is_cutting(self) -> bool:
        """Whether some of these replies are still to be dropped."""
        return bool(self._markers)

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Meanwhile every connection breaks, and new ones are closed at once."""
        self._is_shut = True
        self.reset_all()
        try:
            yield
        finally:
            self._is_shut = False

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Meanwhile nothing passes, without an error; sent data arrives late."""
        self._loop.call_soon_threadsafe(self._flowing.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._flowing.set)

    @contextmanager
    def refusing(self, reply: bytes) -> Iterator[None]:
        """Meanwhile nothing passes, and each command gets this reply; handshake commands get OK."""
        self._reply = reply
        self.reset_all()
        try:
            yield
        finally:
            self._reply = b""
            self.reset_all()

    def delay(self, seconds: float) -> None:
        """From now on delay every chunk, in each direction, by so much."""
        self._delay = seconds

    def reset_all(self) -> None:
        """Break every connection, as a restarting router does."""
        self._loop.call_soon_threadsafe(self._reset)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._listener)
        await self._stop.wait()
        server.close()
        self._reset()

    def _reset(self) -> None:
        for link in self._links:
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_shut:
            writer.transport.abort()
            return
        if self._reply:
            await self._refuse(reader, writer)
            return
        try:
            answers, server = await asyncio.open_unix_connection(self._upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pass_requests(link, reader)),
            asyncio.create_task(self._pass_answers(link, answers)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            link.reset()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        try:
            while self._reply and (chunk := await reader.read(CHUNK)):
                commands.feed(chunk)
                while (command := commands.gets()) is not False:
                    writer.write(b"+OK\r\n" if command[0].upper() in GREETINGS else self._reply)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def _pass_requests(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            await self._travel()
            for marker in self._markers:
                if marker in chunk and self._skips:
                    self._skips -= 1
                elif marker in chunk:
                    self._markers.remove(marker)
                    link.is_doomed = True
                    break
            link.server.write(chunk)
            await link.server.drain()

    async def _pass_answers(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            await self._travel()
            if link.is_doomed:
                self.cuts += 1
                return
            link.client.write(chunk)
            await link.client.drain()

    async def _travel(self) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)
        await self._flowing.wait()
