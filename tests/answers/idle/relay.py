"""A relay that holds all that passes for a while, each way: a target that is far away."""

import asyncio
import threading
from types import TracebackType
from typing import cast


class _End(asyncio.Protocol):
    """One side of a relayed connection; what it hears, the other side says later."""

    def __init__(self, seconds: float) -> None:
        self.other: _End | None = None
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes | None] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        for data in self._early:
            self.say(data)

    def data_received(self, data: bytes) -> None:
        self._loop.call_later(self._seconds, self._pass, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._loop.call_later(self._seconds, self._pass, None)

    def say(self, data: bytes | None) -> None:
        """Nothing is the end."""
        if self._transport is None:
            self._early.append(data)
        elif data is None:
            self._transport.close()
        else:
            self._transport.write(data)

    def _pass(self, data: bytes | None) -> None:
        if self.other is not None:
            self.other.say(data)


class Relay:
    """`with Relay(port, seconds) as relay:` passes `relay.port` on to the port, each way so many seconds late."""

    def __init__(self, to: int, seconds: float) -> None:
        self.port = 0
        self._to, self._seconds = to, seconds
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), daemon=True
        )

    def __enter__(self) -> "Relay":
        self._thread.start()
        assert self._ready.wait(10), "the relay did not start"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    def _accepted(self) -> _End:
        near, far = _End(self._seconds), _End(self._seconds)
        near.other, far.other = far, near
        # The far side is dialled at once: what is under test are connections that are kept, not new ones.
        dialling = self._loop.create_connection(lambda: far, "127.0.0.1", self._to)
        task = self._loop.create_task(dialling)
        task.add_done_callback(lambda done: near.say(None) if done.exception() else None)
        return near
