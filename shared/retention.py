"""Finished history that is not removed yet, because nearly all of it became too old at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from shared import clock, keyspace, moments

PATIENCE = timedelta(days=1)
"""As in `retire.lua` and `begin_retiring.lua` of `shared/lua/care`."""
MARGIN = timedelta(minutes=1)
"""By which a day that was confirmed is over: the moment that schedulers go by may be a little behind."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, `team:owner:state` or `all`, and until when."""

    what: str
    until: datetime


async def waiting(redis: Redis, shard: str) -> list[Waiting]:
    """By name; without what was confirmed, or goes by now."""
    now = await moments.now(redis, shard)
    stored: dict[str, str] = await redis.hgetall(keyspace.retention_waits(shard))  # type: ignore[misc]
    found = [
        Waiting(what, clock.moment(since) + PATIENCE)
        for what, since in sorted(stored.items())
        if since.isdecimal()
    ]
    return [one for one in found if one.until > now]


async def confirm(redis: Redis, shard: str) -> int:
    """Let go what waits now, as if its day were over; return how many kinds of records that is."""
    found = [one.what for one in await waiting(redis, shard)]
    if found:
        over = clock.milliseconds(await moments.now(redis, shard) - PATIENCE - MARGIN)
        await redis.hset(keyspace.retention_waits(shard), mapping=dict.fromkeys(found, over))  # type: ignore[misc]
    return len(found)
