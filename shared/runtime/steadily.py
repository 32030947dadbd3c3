"""Keep loops running whatever errors they meet: the one place that catches, and what is wrong now."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from shared.errors import Damaged, Unfit
from shared.store.connection import AWAY, text_of

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 2.0
CALM_SECONDS = 10.0
"""A loop that ran for so long without an error is well again."""
QUIET_SECONDS = 30.0
"""The same error of the same loop is logged again only after this time."""
SAID_CHARACTERS = 500

log = structlog.get_logger()


@dataclass(slots=True)
class Trouble:
    """The last error of a loop; moments are monotonic seconds."""

    said: str
    since: float
    last: float
    logged: float
    pause: float


class Troubles:
    """What is wrong in this process, by loop."""

    def __init__(self) -> None:
        self._of: dict[str, Trouble] = {}
        self._noted: dict[str, tuple[str, float]] = {}

    def met(self, loop: str, error: Exception) -> float:
        """Record and log an error; return how many seconds to wait before the next try, more each time."""
        now, said = time.monotonic(), said_of(error)
        before = self._of.get(loop)
        if before is None or now - before.last > CALM_SECONDS + before.pause:
            trouble = Trouble(said, now, now, float("-inf"), FIRST_PAUSE_SECONDS)
        else:
            pause = min(2 * before.pause, LONGEST_PAUSE_SECONDS)
            logged = before.logged if before.said == said else float("-inf")
            trouble = Trouble(said, before.since, now, logged, pause)
        if now - trouble.logged > QUIET_SECONDS:
            _log(loop, error, said)
            trouble.logged = now
        self._of[loop] = trouble
        return trouble.pause

    def note(self, what: str, said: str, seconds: float) -> None:
        """Record, to be shown for so long, something wrong that is no error."""
        self._noted[what] = (said, time.monotonic() + seconds)

    def over(self, loop: str) -> None:
        """Record that the loop is well again."""
        self._noted.pop(loop, None)
        self._of.pop(loop, None)

    @property
    def sentences(self) -> dict[str, str]:
        """What is wrong now, by loop."""
        now = time.monotonic()
        noted = {what: said for what, (said, until) in self._noted.items() if now < until}
        return noted | {
            loop: f"{loop} cannot go on: {trouble.said}"
            for loop, trouble in self._of.items()
            if now - trouble.last <= CALM_SECONDS + trouble.pause
        }


async def steadily(loop: str, duty: Callable[[], Awaitable[None]], troubles: Troubles) -> None:
    """Run an endless duty, and start it again whenever it ends, with growing pauses."""
    while True:
        try:
            await duty()
        except Exception as error:  # the one edge: a process that ends helps nobody, and ends its other loops
            pause = troubles.met(loop, error)
        else:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)


@asynccontextmanager
async def beside(loop: str, duty: Callable[[], Awaitable[None]], troubles: Troubles) -> AsyncIterator[None]:
    """Run such a duty while the block runs."""
    task = asyncio.create_task(steadily(loop, duty, troubles))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def said_of(error: Exception) -> str:
    """The error's text in one line, or its type."""
    text = " ".join(text_of(error).split())[:SAID_CHARACTERS]
    return text or type(error).__name__


def _log(loop: str, error: Exception, said: str) -> None:
    if isinstance(error, AWAY):
        log.warning("redis_away", loop=loop, error=f"{type(error).__name__}: {said}")
    elif isinstance(error, Unfit):
        log.error("redis_unfit", error=said)
    elif isinstance(error, Damaged):
        log.error("record_damaged", loop=loop, error=said)
    else:
        log.exception("loop_broke_off", loop=loop)
