"""The thread that beats: a loop that is blocked for a while loses none of the work it has in hand.

A loop that answers no more is given up after a time, so that what it has goes to another worker.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.intake.heartbeat import BEAT_SECONDS, Holder, keep_beating
from services.worker.work import Work
from shared.clock import elapsed

BLOCKED_SECONDS = 150.0
"""So long the thread beats for a loop that does not answer: five times as long as a claim lives without."""
LOOK_SECONDS, NOTED_SECONDS = 0.5, 0.75
"""How often the loop is seen to answer, and how late that is worth a line in the log.

A loop that is blocked for as long as both together is noticed for certain. Each look wakes an idle process.
"""
PATIENCE_SECONDS = 3.0

log = structlog.get_logger()


@dataclass(slots=True)
class Heart:
    """Beats for what the holder has, on a connection of its own; `connect` opens it in the thread."""

    connect: Callable[[], Redis]
    claims: Sequence[Claims]
    holder: Holder
    beat_seconds: float = BEAT_SECONDS
    blocked_seconds: float = BLOCKED_SECONDS
    _answered_at: float = field(default_factory=elapsed)

    async def beat(self) -> None:
        """Until cancelled; raises what the thread ends with."""
        ours, ended = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        theirs = asyncio.new_event_loop()
        beating = theirs.create_task(self._keep_beating(ours))
        arguments = (theirs, beating, lambda: ours.call_soon_threadsafe(_settle, ended, beating))
        # A daemon: a process whose loop has ended must not live on, and beat, for its sake.
        threading.Thread(target=_live, args=arguments, name="heart", daemon=True).start()
        try:
            await self._watch(ended)
        finally:
            with suppress(RuntimeError):  # it has ended by itself
                theirs.call_soon_threadsafe(beating.cancel)
            await asyncio.wait([ended], timeout=PATIENCE_SECONDS)

    async def _watch(self, ended: "asyncio.Future[None]") -> None:
        """Note that the loop answers, and say when it did not for long."""
        while not ended.done():
            began = self._answered_at = elapsed()
            await asyncio.wait([ended], timeout=LOOK_SECONDS)
            late = elapsed() - began - LOOK_SECONDS
            if late > NOTED_SECONDS:
                log.warning("loop_blocked", seconds=round(late, 1))
        await ended

    async def _keep_beating(self, ours: asyncio.AbstractEventLoop) -> None:
        holder = Holder(
            self._in_flight,
            lambda work: _tell(ours, self.holder.lost, work),
            lambda work: _tell(ours, self.holder.cancel, work),
        )
        async with self.connect() as redis:
            own = [replace(one, redis=redis) for one in self.claims]
            await asyncio.gather(*(keep_beating(one, holder, self.beat_seconds) for one in own))

    def _in_flight(self) -> list[Work]:
        """What there is to beat for; nothing once the loop has not answered for too long."""
        silent = elapsed() - self._answered_at
        if silent < self.blocked_seconds:
            return list(self.holder.in_flight())
        log.error("loop_given_up", seconds=round(silent, 1))
        return []


def _live(
    loop: asyncio.AbstractEventLoop, beating: "asyncio.Task[None]", tell_end: Callable[[], object]
) -> None:
    with suppress(asyncio.CancelledError, Exception):  # which the task keeps, and `_settle` hands on
        loop.run_until_complete(beating)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    with suppress(RuntimeError):  # the worker's loop has ended before
        tell_end()


def _settle(ended: "asyncio.Future[None]", beating: "asyncio.Task[None]") -> None:
    error = None if beating.cancelled() else beating.exception()
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


def _tell(loop: asyncio.AbstractEventLoop, hear: Callable[[Work], None], work: Work) -> None:
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(hear, work)
