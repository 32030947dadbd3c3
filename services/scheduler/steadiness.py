"""Whether the clock of Redis can be believed right now."""

import asyncio
import time

import structlog
from redis.asyncio import Redis

from shared import keyspace

STEP_SECONDS = 2.0
PAUSE_SECONDS = 30.0
LOOK_SECONDS = 1.0

log = structlog.get_logger()


class Steadiness:
    """Watches the server's clock against our monotonic one: after a jump nothing is fired for a while.

    A cron that fired two hours early because the clock jumped would then be silent for two hours.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._pause_until = float("-inf")

    def is_steady(self, server_seconds: float, before: float, after: float) -> bool:
        """Note the server's clock, read between two moments of ours (s); False for 30 s after a jump of 2 s.

        A reading that took long says too little about the server's clock to be judged.
        """
        if after - before < STEP_SECONDS / 2:
            offset = server_seconds - before
            if self._offset is not None and abs(offset - self._offset) > STEP_SECONDS:
                self._pause_until = after + PAUSE_SECONDS
            self._offset = offset
        return after >= self._pause_until

    async def look(self, redis: Redis) -> bool:
        """Read the server's clock and judge it."""
        before = time.monotonic()
        seconds, microseconds = await redis.time()
        return self.is_steady(seconds + microseconds / 1e6, before, time.monotonic())


async def keep_watching(redis: Redis, shard: str, steadiness: Steadiness) -> None:
    """While the clock cannot be believed, say so in Redis: nobody promotes anything then."""
    tilted = False
    while True:
        if not await steadiness.look(redis):
            if not tilted:
                log.warning(
                    "clock_jumped", remedy="nothing falls due until the clock of Redis is steady for 30 s"
                )
            tilted = True
            await redis.set(keyspace.tilt(shard), 1, px=round(PAUSE_SECONDS * 1000))
        elif tilted:
            tilted = False
            await redis.delete(keyspace.tilt(shard))  # by a clock that was set back it would stay for hours
        await asyncio.sleep(LOOK_SECONDS)
