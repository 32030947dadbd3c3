"""How long work has been due without a scheduler starting it; the process that reports it is not at fault."""

from collections.abc import Mapping
from datetime import datetime

from redis.asyncio import Redis

from shared import clock
from shared.store import keyspace, moments
from shared.store.keyspace import Team

LATE_SECONDS = 60.0
"""From here on it is worth an alert: a restarted scheduler is back sooner."""
_AT_ONCE, _MOST = 500, 10_000
"""Crons of all teams that are read at once, and that are looked at."""


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


async def crons(redis: Redis, team: Team) -> list[tuple[int, datetime]]:
    """Crons of a team of which no scheduler made the fire for long, and its moment; the latest first."""
    late = clock.milliseconds(await moments.now(redis, team.shard)) - LATE_SECONDS * 1000
    found, start = list[tuple[int, datetime]](), 0
    while start < _MOST:
        rows = await redis.zrangebyscore(
            keyspace.crons(team.shard), "-inf", late, start, _AT_ONCE, withscores=True
        )
        for member, score in rows:
            owner, _, cron = member.partition(":")
            if owner == str(team.id) and cron.isdecimal():
                found.append((int(cron), clock.moment(score)))
        if len(rows) < _AT_ONCE:
            break
        start += _AT_ONCE
    return found
