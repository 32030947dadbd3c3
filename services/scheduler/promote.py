"""Make delayed jobs and retries ready at the moment they are due."""

from datetime import datetime

from redis.asyncio import Redis

from services.scheduler.alarm import Alarm
from shared import clock
from shared.store import transitions

BATCH = 500


async def keep_promoting(redis: Redis, shard: str, alarm: Alarm) -> None:
    while True:
        wait = await promote_due(redis, shard)
        if wait > 0:
            await alarm.sleep(wait)


async def promote_due(redis: Redis, shard: str, now: datetime | None = None) -> float:
    """Promote up to 500 jobs; return the seconds until the next one is due (0 = at once, 60 = none)."""
    at = None if now is None else clock.milliseconds(now)
    now_ms, next_due_ms = await transitions.promote(redis, shard, most=BATCH, now_ms=at)
    return max(0.0, (next_due_ms - now_ms) / 1000) if next_due_ms else 60.0
