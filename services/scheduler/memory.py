"""Watch Redis's memory: before it is full, less is stored, so that work in flight can still finish."""

import asyncio
from collections.abc import Mapping

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.store import transitions
from shared.store.care.shortage import REMEDY, Shortage, share_used

LOOK_SECONDS = 1.0
VALID_MILLISECONDS = 10_000
"""How long the last note is valid if no scheduler looks any more."""

USED = Gauge("recuro_redis_memory_share", "Of the memory that Redis may use; 0 if it may use any", ["shard"])

log = structlog.get_logger()


async def keep_weighing(redis: Redis, shard: str) -> None:
    level = Shortage.ROOM
    while True:
        level = await weigh(redis, shard, level)
        await asyncio.sleep(LOOK_SECONDS)


async def weigh(redis: Redis, shard: str, before: Shortage, now_ms: int | None = None) -> Shortage:
    """Look once, and store for all transitions how short of memory Redis is."""
    try:
        facts: Mapping[str, object] = await redis.info("memory")
    except ResponseError:  # a user without the permission
        return Shortage.ROOM
    share = share_used(facts)
    USED.labels(shard).set(share)
    level = before.following(share)
    if level or before:
        noted = await transitions.note_memory(
            redis, shard, level=int(level), valid_ms=VALID_MILLISECONDS, now_ms=now_ms
        )
        if noted != level:
            log.warning("redis_memory", used=f"{share:.0%}", effect=level.effect, remedy=REMEDY)
    return level
