"""Finished history that waits to be removed, because nearly all of it became too old at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from shared import clock
from shared.store import keyspace, moments

PATIENCE = timedelta(days=1)
"""As in `retire.lua` and `begin_retiring.lua` of `shared/store/lua/care`."""
MARGIN = timedelta(minutes=1)
"""How much earlier a confirmed day ends: the moment that schedulers use may be a little behind."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """History that waits, `team:owner:state` or `all`, and until when."""

    what: str
    until: datetime


async def waiting(redis: Redis, shard: str) -> list[Waiting]:
    """What waits, by name; without what was confirmed or is removed by now."""
    now = await moments.now(redis, shard)
    stored: dict[str, str] = await redis.hgetall(keyspace.retention_waits(shard))  # type: ignore[misc]
    found = [
        Waiting(what, clock.moment(since) + PATIENCE)
        for what, since in sorted(stored.items())
        if since.isdecimal()
    ]
    return [one for one in found if one.until > now]


async def confirm(redis: Redis, shard: str) -> int:
    """Let what waits now be removed, as if its day were over; return how many kinds of records that is."""
    found = [one.what for one in await waiting(redis, shard)]
    if found:
        over = clock.milliseconds(await moments.now(redis, shard) - PATIENCE - MARGIN)
        await redis.hset(keyspace.retention_waits(shard), mapping=dict.fromkeys(found, over))  # type: ignore[misc]
    return len(found)
