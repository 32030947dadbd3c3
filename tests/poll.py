"""The one place where a test waits: look again until it is true, or fail at the deadline; and who judges time."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LOOK_SECONDS, TICK_SECONDS = 0.02, 0.005
TRIES = 3
HELD_UP_SECONDS = 0.05
"""By how much a turn of the loop is late if the machine held it up; the shortest deadlines of tests are longer."""


async def until(look: Callable[[], Awaitable[T]], seconds: float = 30.0) -> T:
    """Call `look` every 20 ms until it answers something true; return that, or fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"not true within {seconds} s: {look}"
        await asyncio.sleep(LOOK_SECONDS)
    return seen


@dataclass(slots=True)
class Stalls:
    """Seconds by which turns of the loop came late: at worst, and all together."""

    longest: float = 0.0
    total: float = 0.0

    def note(self, late: float) -> None:
        self.longest, self.total = max(self.longest, late), self.total + late


@asynccontextmanager
async def stalls() -> AsyncIterator[Stalls]:
    """How late a busy machine gives this loop its turns while the block runs, which a bound on time has to allow for.

    What holds the loop itself counts too: a test of that needs the time of its thread instead.
    """
    found = Stalls()
    ticking = asyncio.create_task(_tick(found))
    await asyncio.sleep(0)  # its first turn
    yield found
    await asyncio.sleep(TICK_SECONDS)  # so that what was late at the end counts
    ticking.cancel()


async def _tick(found: Stalls) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(TICK_SECONDS)
        found.note(max(0.0, time.monotonic() - began - TICK_SECONDS))


class OutOfTime(AssertionError):
    """Something took more time than it may, or less than it has to."""


def in_time(took: float, most: float, least: float = 0.0) -> None:
    """Fail unless it took from `least` to less than `most`, all in one unit; a test may try up to three times."""
    if not least <= took < most:
        raise OutOfTime(f"it took {took:.3f}, not from {least} to below {most}")


def best_of_three(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Let a test that judges a clock try up to three times; what is wrong besides fails at once.

    It tries again if `in_time` fails, or if it fails in any way while a turn of the loop came late, as short
    deadlines then end elsewhere than they should. Each try begins with what the last one left of the fixtures.
    """

    @functools.wraps(test)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(TRIES - 1):
            late, before = Stalls(), asyncio.all_tasks()
            ticking = asyncio.create_task(_tick(late))
            try:
                return await test(*args, **kwargs)
            except Exception as failed:
                await asyncio.sleep(TICK_SECONDS)  # so that what was late at the end counts
                if not isinstance(failed, OutOfTime) and late.longest < HELD_UP_SECONDS:
                    raise
                for left in asyncio.all_tasks() - before:
                    left.add_done_callback(_heard)
            finally:
                ticking.cancel()
        await test(*args, **kwargs)

    return tried


def _heard(task: "asyncio.Task[object]") -> None:
    """How a task ended that a spoilt try left behind is no failure of the next one."""
    if not task.cancelled():
        task.exception()
