"""Results on their way to Redis: what gathered while the last batch was on the wire goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.worker.work import Result
from shared.store import AWAY

BATCH = 128
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

log = structlog.get_logger()


class Results:
    """`write` takes a batch; while Redis is away it is repeated, and a repeat changes nothing."""

    def __init__(self, write: Callable[[list[Result]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[Result] = []
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    def record(self, result: Result) -> None:
        """It is written soon, and as often as it takes."""
        self._waiting.append(result)
        self._arrived.set()
        self._written.clear()

    async def drain(self, seconds: float) -> None:
        """Wait until all results are written, at most so long: what remains is the rescuer's."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._written.wait(), seconds)

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write_through(batch)
            self._written.set()

    async def _write_through(self, batch: list[Result]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._write(batch)
            except AWAY as error:
                log.warning("results_wait", results=len(batch), error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
