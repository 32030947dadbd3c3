"""The one place where a test waits: look again until it is true, or fail at the deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], seconds: float = 30.0) -> T:
    """Call `look` every 20 ms until it answers something true; return that, or fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"not true within {seconds} s: {look}"
        await asyncio.sleep(0.02)
    return seen
