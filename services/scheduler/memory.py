"""Redis's memory is watched: before it is full, less is kept, and all that is under way ends well."""

import asyncio
from collections.abc import Mapping

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared import transitions
from shared.shortage import REMEDY, Shortage, share_used

LOOK_SECONDS = 1.0
HOLDS_MILLISECONDS = 10_000
"""For so long what was noted last holds, if nobody looks any more."""

USED = Gauge("recuro_redis_memory_share", "Of the memory that Redis may use; 0 if it may use any", ["shard"])

log = structlog.get_logger()


async def keep_weighing(redis: Redis, shard: str) -> None:
    level = Shortage.ROOM
    while True:
        level = await weigh(redis, shard, level)
        await asyncio.sleep(LOOK_SECONDS)


async def weigh(redis: Redis, shard: str, before: Shortage, now_ms: int | None = None) -> Shortage:
    """Look once, and note for all scripts how short of memory Redis is."""
    try:
        facts: Mapping[str, object] = await redis.info("memory")
    except ResponseError:  # a user that may not ask
        return Shortage.ROOM
    share = share_used(facts)
    USED.labels(shard).set(share)
    level = before.following(share)
    if level or before:
        noted = await transitions.note_memory(
            redis, shard, level=int(level), holds_ms=HOLDS_MILLISECONDS, now_ms=now_ms
        )
        if noted != level:
            log.warning("redis_memory", used=f"{share:.0%}", effect=level.effect, remedy=REMEDY)
    return level
