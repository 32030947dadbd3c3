"""Remove the records of deleted queues and crons, in bounded steps."""

import asyncio

from redis.asyncio import Redis

from shared.store import transitions

STEP = 500
IDLE_SECONDS = 1.0


async def keep_pruning(redis: Redis, shard: str) -> None:
    while True:
        if await prune(redis, shard) < STEP:
            await asyncio.sleep(IDLE_SECONDS)


async def prune(redis: Redis, shard: str, limit: int = STEP) -> int:
    """Remove up to `limit` records; return how many."""
    return await transitions.prune(redis, shard, limit=limit)
