"""The one place where a test waits: look again until it is true, or fail at the deadline; and how late turns come."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS, TICK_SECONDS = 0.02, 0.005


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
