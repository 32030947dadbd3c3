"""Delete keys that are kept for a limited time, by a moment that is vouched for.

Redis's own expiry uses its own clock, which may jump.
"""

import asyncio

from redis.asyncio import Redis

from shared.store import transitions

STEP = 500
IDLE_SECONDS = 1.0


async def keep_forgetting(redis: Redis, shard: str) -> None:
    while True:
        if await forget(redis, shard) < STEP:
            await asyncio.sleep(IDLE_SECONDS)


async def forget(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Delete up to 500 keys; return how many."""
    return await transitions.forget(redis, shard, limit=STEP, now_ms=now_ms)
