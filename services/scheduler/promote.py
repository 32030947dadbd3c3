"""Delayed jobs and retries become ready the moment they are due."""

from datetime import datetime

from redis.asyncio import Redis

from services.scheduler.alarm import Alarm
from shared import clock, keyspace, scripts

BATCH = 500


async def keep_promoting(redis: Redis, shard: str, alarm: Alarm) -> None:
    while True:
        wait = await promote_due(redis, shard)
        if wait > 0:
            await alarm.sleep(wait)


async def promote_due(redis: Redis, shard: str, now: datetime | None = None) -> float:
    """Promote up to 500 jobs; return the seconds until the next one is due (0 = at once, 60 = none)."""
    at = "" if now is None else clock.milliseconds(now)
    now_ms, next_due = await scripts.promote(redis, keyspace.prefix(shard), at, BATCH)
    return max(0.0, (int(next_due) - int(now_ms)) / 1000) if next_due else 60.0
