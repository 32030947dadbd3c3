"""Walk over many records that are mostly in order, using only a share of Redis's and our own time."""

import asyncio
import time

SHARE = 100
"""The rest after a step is so many times as long as the step."""
LONGEST_SECONDS = 1.0


class Pace:
    """The pace of one walk; call `rest` after each step."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def rest(self) -> None:
        took = time.monotonic() - self._began
        await asyncio.sleep(min(SHARE * took, LONGEST_SECONDS))
        self._began = time.monotonic()
