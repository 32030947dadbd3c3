"""Walking over much that is mostly in order, without taking more than a share of anybody's time."""

import asyncio
import time

SHARE = 100
"""A step is followed by a rest so many times as long."""
LONGEST_SECONDS = 1.0


class Pace:
    """One walk's; `rest` after each step."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def rest(self) -> None:
        took = time.monotonic() - self._began
        await asyncio.sleep(min(SHARE * took, LONGEST_SECONDS))
        self._began = time.monotonic()
