"""Whether the clock of Redis can be believed right now."""

import asyncio
import time

import structlog
from redis.asyncio import Redis

from shared import keyspace, moments

STEP_SECONDS = 2.0
PAUSE_SECONDS = 30.0
LOOK_SECONDS = 1.0
VOUCHED_SECONDS = 5.0

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

    async def look(self, redis: Redis, shard: str) -> float | None:
        """The installation's clock (s), or None while it cannot be believed."""
        before = time.monotonic()
        now = (await moments.now(redis, shard)).timestamp()
        return now if self.is_steady(now, before, time.monotonic()) else None


async def keep_watching(redis: Redis, shard: str, steadiness: Steadiness) -> None:
    """Vouch for the server's clock, a few seconds ahead; without that, nobody promotes anything."""
    trusted = True
    while True:
        now = await steadiness.look(redis, shard)
        if now is not None:
            await redis.set(keyspace.trusted_until(shard), round((now + VOUCHED_SECONDS) * 1000))
        elif trusted:
            log.warning(
                "clock_jumped", remedy="nothing falls due until the clock of Redis is steady for 30 s"
            )
        trusted = now is not None
        await asyncio.sleep(LOOK_SECONDS)
