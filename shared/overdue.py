"""For how long work is due that no scheduler took up: no fault of whoever answers a request."""

from collections.abc import Mapping

from redis.asyncio import Redis

from shared import keyspace, moments

LATE_SECONDS = 60.0
"""From here on it is worth an alert: a scheduler that starts again is back before."""


async def seconds(redis: Redis, shard: str) -> Mapping[str, float]:
    """How long ago the oldest job and the oldest cron should have been started; 0 if they need not yet."""
    async with redis.pipeline(transaction=False) as pipe:
        moments.join(pipe, shard)
        pipe.zrange(keyspace.due(shard), 0, 0, withscores=True)
        pipe.zrange(keyspace.crons(shard), 0, 0, withscores=True)
        time, correction, jobs, crons = await pipe.execute()
    now = moments.of((time, correction)).timestamp()
    late = {"job": jobs, "cron": crons}
    return {
        kind: max([0.0, *(now - float(score) / 1000 for _, score in rows)]) for kind, rows in late.items()
    }


async def longest(redis: Redis) -> float:
    """Of all kinds and shards."""
    return max([late for shard in keyspace.SHARDS for late in (await seconds(redis, shard)).values()])
