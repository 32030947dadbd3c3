"""What is stored and cannot be used: found, put aside, made anew where it can be, and named."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from redis.asyncio import Redis

from shared import clock, keyspace, scripts
from shared.keyspace import Team
from shared.schemas.queues import QueueSettings

STEP = 500
_NEW_QUEUE = QueueSettings().model_dump_json()


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that was found: its name below the shard's prefix, since when, and what is wrong with it."""

    name: str
    at: datetime
    said: str


async def mend_shard(redis: Redis, shard: str) -> list[str]:
    """Put keys of a wrong type aside that all teams share; their names."""
    return list(await scripts.mend(redis, keyspace.prefix(shard), ""))


async def mend_team(redis: Redis, team: Team) -> list[str]:
    """The same for what the records of a team share, and its counters; their names."""
    return list(await scripts.mend(redis, team.prefix, team.id))


async def mend_queues(redis: Redis, team: Team) -> AsyncIterator[list[str]]:
    """Make lost records of queues anew; step by step the ids of those."""
    after = 0
    while True:
        after, mended = await scripts.mend_queues(redis, team.prefix, team.id, _NEW_QUEUE, after, STEP)
        yield list(mended)
        if not after:
            return


async def found(redis: Redis, shard: str) -> list[Damage]:
    """All that is remembered, oldest first."""
    stored: dict[str, str] = await redis.hgetall(keyspace.damaged(shard))  # type: ignore[misc]
    return sorted((_damage(name, text) for name, text in stored.items()), key=lambda one: one.at)


async def count(redis: Redis, shard: str) -> int:
    return int(await redis.hlen(keyspace.damaged(shard)))  # type: ignore[misc]


async def forget(redis: Redis, shard: str) -> None:
    """Look at everything anew: what is still damaged is found again by whoever meets it."""
    await redis.delete(keyspace.damaged(shard))


def _damage(name: str, text: str) -> Damage:
    at, _, said = text.partition(" ")
    return Damage(name, clock.moment(at if at.isdecimal() else 0), said)
