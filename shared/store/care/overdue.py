"""How long work has been due without a scheduler starting it; the process that reports it is not at fault."""

from collections.abc import Mapping

from redis.asyncio import Redis

from shared.store import keyspace, moments

LATE_SECONDS = 60.0
"""From here on it is worth an alert: a restarted scheduler is back sooner."""


async def seconds(redis: Redis, shard: str) -> Mapping[str, float]:
    """How many seconds the oldest due job and the oldest due cron are late; 0 if none is."""
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
    """The longest of all kinds and shards."""
    return max([late for shard in keyspace.SHARDS for late in (await seconds(redis, shard)).values()])
