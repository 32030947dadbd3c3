"""The installation's clock: that of Redis, and how far the schedulers found it to be wrong."""

from datetime import datetime
from typing import TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from shared import clock, keyspace

Reading: TypeAlias = tuple[tuple[int, int], str | None]
"""What a pipeline answers for `join`: the clock of Redis (s, µs), and its correction (ms)."""


async def now(redis: Redis, shard: str) -> datetime:
    """The present as every script of the shard sees it."""
    async with redis.pipeline(transaction=False) as pipe:
        join(pipe, shard)
        time, correction = await pipe.execute()
    return of((time, correction))


def join(pipe: Pipeline, shard: str) -> None:
    """Let a pipeline read the clock too; its next two answers are the `Reading`."""
    pipe.time()
    pipe.get(keyspace.correction(shard))


def of(reading: Reading) -> datetime:
    (seconds, microseconds), correction = reading
    return clock.moment(1000 * seconds + microseconds / 1000 + int(correction or 0))
