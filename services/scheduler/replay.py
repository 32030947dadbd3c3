"""What callers began and schedulers go on with in steps: replays of dead letters, and backfills of crons."""

import asyncio

from redis.asyncio import Redis

from shared.store import keyspace, transitions
from shared.store.care import damage
from shared.store.keyspace import Team

STEP, MOMENTS = 200, 50
"""Dead letters of a replay, and moments of a backfill, that a step looks at."""
STEP_SECONDS = 0.1
IDLE_SECONDS = 1.0


async def keep_replaying(redis: Redis, shard: str) -> None:
    while True:
        left = await step(redis, shard)
        await asyncio.sleep(STEP_SECONDS if left else IDLE_SECONDS)


async def step(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Take one step of every running replay; return how many dead letters they have left."""
    left = 0
    for member in await redis.smembers(keyspace.replays(shard)):  # type: ignore[misc]
        number, _, replay = member.partition(":")
        if not number.isdecimal():
            continue
        team = Team(int(number), shard)
        async with damage.confined(redis, team, f"replay {replay}"):
            left += await transitions.step_replay(redis, team, replay=replay, most=STEP, now_ms=now_ms)
    return left


async def keep_backfilling(redis: Redis, shard: str) -> None:
    while True:
        left = await step_backfills(redis, shard)
        await asyncio.sleep(STEP_SECONDS if left else IDLE_SECONDS)


async def step_backfills(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Take one step of every running backfill; return how many moments and open executions they have left."""
    left = 0
    for member in await redis.smembers(keyspace.backfills(shard)):  # type: ignore[misc]
        number, _, backfill = member.partition(":")
        if not number.isdecimal():
            continue
        team = Team(int(number), shard)
        async with damage.confined(redis, team, f"backfill {backfill}"):
            left += await transitions.step_backfill(
                redis, team, backfill=backfill, most=MOMENTS, now_ms=now_ms
            )
    return left
