"""Delete keys that are kept for a limited time, and add figures up, by a moment that is vouched for.

Redis's own expiry uses its own clock, which may jump.
"""

import asyncio

from redis.asyncio import Redis

from shared.store import transitions

STEP, FIELDS = 500, 1000
IDLE_SECONDS, ROLL_SECONDS = 1.0, 20.0


async def keep_forgetting(redis: Redis, shard: str) -> None:
    while True:
        if await forget(redis, shard) < STEP:
            await asyncio.sleep(IDLE_SECONDS)


async def forget(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Delete up to 500 keys; return how many."""
    return await transitions.forget(redis, shard, limit=STEP, now_ms=now_ms)


async def keep_rolling(redis: Redis, shard: str) -> None:
    while True:
        if not await roll(redis, shard):
            await asyncio.sleep(ROLL_SECONDS)


async def roll(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Add figures of periods that are too old up to longer ones, a bounded step; return how many went."""
    return await transitions.roll_figures(redis, shard, limit=FIELDS, now_ms=now_ms)
