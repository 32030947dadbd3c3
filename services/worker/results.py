"""Results on their way to Redis: what gathered while the last batch was on the wire goes with the next."""

import asyncio
from contextlib import suppress

import structlog

from services.worker.deliveries import NOT_OURS, Deliveries
from services.worker.work import Result
from shared.store import AWAY

BATCH = 128
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

log = structlog.get_logger()


class Results:
    """While Redis is away results wait here and are repeated; a repeat changes nothing."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._waiting: list[tuple[Result, asyncio.Future[int]]] = []
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()

    def record(self, result: Result) -> asyncio.Future[int]:
        """Done once the result is in Redis, with what `Deliveries.finish` says of it.

        It is written even if nobody waits for that any more.
        """
        recorded: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((result, recorded))
        self._arrived.set()
        self._written.clear()
        return recorded

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
                answers = await self._write([result for result, _ in batch])
                for (result, recorded), answer in zip(batch, answers, strict=True):
                    if answer == NOT_OURS:
                        log.warning("late_result_dropped", work=result.work.key)
                    if not recorded.done():
                        recorded.set_result(answer)
            self._written.set()

    async def _write(self, batch: list[Result]) -> list[int]:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._deliveries.finish(batch)
            except AWAY as error:
                log.warning("results_wait", results=len(batch), error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
