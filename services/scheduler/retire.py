"""Finished history goes when it is too old, or too much of one queue or cron."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import structlog
from redis.asyncio import Redis

from services.scheduler.pace import Pace
from shared import audit, damage, keyspace, scripts
from shared.keyspace import Team
from shared.schemas.queues import QueueSettings
from shared.settings import Settings

STEP = 200
PAUSE_SECONDS = 0.1
IDLE_SECONDS = 30.0
DAY_MILLISECONDS = 86_400_000
MOST_ALERTS = 10_000
"""Of a team and a type."""
REMEDY = "if clock and settings are right, recuro retention --confirm; else it goes after a day"

log = structlog.get_logger()


class Owner(NamedTuple):
    """A queue or cron of whose history something may go: `q<queue>` or `c<cron>`."""

    team: Team
    name: str


async def keep_retiring(redis: Redis, shard: str, settings: Settings) -> None:
    while True:
        if await may_retire(redis, shard):
            await retire(redis, shard, settings)
        await asyncio.sleep(IDLE_SECONDS)


async def may_retire(redis: Redis, shard: str, now: int | None = None) -> bool:
    """Whether no more than a day has gone by since the last time, or one more since that was seen."""
    at = "" if now is None else now
    may, is_new = await scripts.begin_retiring(redis, keyspace.prefix(shard), at)
    if is_new:
        log.warning("retention_waits", shard=shard, why="more than a day has gone by at once", remedy=REMEDY)
    return bool(may)


async def retire_alerts(redis: Redis, team: Team, settings: Settings, now: int | None = None) -> int:
    """Take one step for the alerts of a team."""
    age, at = settings.retention_days * DAY_MILLISECONDS, "" if now is None else now
    return int(await scripts.retire_alerts(redis, team.prefix, at, team.id, age, MOST_ALERTS, STEP))


async def retire(redis: Redis, shard: str, settings: Settings, now: int | None = None) -> int:
    """Remove what may go, at most 200 records a step, of every queue and cron in turn; say how many went."""
    removed, owners = 0, list[Owner]()
    for team in await audit.teams(redis, shard):
        async with damage.confined(redis, team, "retiring history"):
            while went := await retire_alerts(redis, team, settings, now):
                removed += went
                await asyncio.sleep(PAUSE_SECONDS)
            owners += [Owner(team, name) async for name in _overdue(redis, team, settings, now)]
    while owners:
        unfinished = list[Owner]()
        for owner in owners:
            went = 0
            async with damage.confined(redis, owner.team, f"retiring history of {owner.name}"):
                went = await retire_step(redis, owner, settings, now)
            removed += went
            if went:
                unfinished.append(owner)
                await asyncio.sleep(PAUSE_SECONDS)
        owners = unfinished
    return removed


async def retire_step(redis: Redis, owner: Owner, settings: Settings, now: int | None = None) -> int:
    """Remove at most 200 records of a queue or cron; return how many went."""
    went, begun = await scripts.retire(
        redis,
        owner.team.prefix,
        "" if now is None else now,
        owner.team.id,
        owner.name,
        *_ages(settings),
        settings.retention_runs,
        STEP,
    )
    if begun:
        why = "more than half of it is too old at once"
        log.warning("retention_waits", team=owner.team.id, owner=owner.name, why=why, remedy=REMEDY)
    return int(went)


async def _overdue(redis: Redis, team: Team, settings: Settings, now: int | None) -> AsyncIterator[str]:
    """Of many queues and crons the few that a step would remove something of."""
    at, pace = "" if now is None else now, Pace()
    for kind, index in audit.OWNERS:
        after = 0
        while True:
            span = (kind, index, after, audit.LOOK)
            after, found = await scripts.find_overdue(
                redis, team.prefix, at, team.id, *span, *_ages(settings), settings.retention_runs
            )
            for owner in found:
                yield f"{kind}{owner}"
            await pace.rest()
            if not after:
                break


def _ages(settings: Settings) -> tuple[int, int]:
    """How long finished history is kept, and dead letters whose queue does not say (ms)."""
    return settings.retention_days * DAY_MILLISECONDS, QueueSettings().dlq_retention_days * DAY_MILLISECONDS
