"""Results on their way to Redis: what gathered while the last batch was on the wire goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.worker.work import Result
from shared.runtime.steadily import Troubles, said_of
from shared.store.connection import AWAY

BATCH = 128
LOOP = "recording results"

log = structlog.get_logger()


class Results:
    """`write` takes a batch; while Redis is away it is repeated, and a repeat changes nothing.

    What cannot be written for another reason is found by halving, and `give_up` is called with it alone.
    """

    def __init__(
        self,
        write: Callable[[list[Result]], Awaitable[None]],
        give_up: Callable[[Result], None],
        troubles: Troubles,
    ) -> None:
        self._write = write
        self._give_up = give_up
        self._troubles = troubles
        self._waiting: list[Result] = []
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    def record(self, result: Result) -> None:
        """It is written soon, and as often as it takes."""
        if not self._waiting:
            self._arrived.set()
            self._written.clear()
        self._waiting.append(result)

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
        while True:
            try:
                return await self._write(batch)
            except AWAY as error:
                await asyncio.sleep(self._troubles.met(LOOP, error))
            except Exception as error:  # of one of them: the others are not to wait for it
                if len(batch) == 1:
                    log.error("result_not_recorded", work=batch[0].work.key, error=said_of(error))
                    return self._give_up(batch[0])
                for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                    await self._write_through(half)
                return None
