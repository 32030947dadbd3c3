"""Remove finished history that is too old, or too much for one queue, cron or team."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import structlog
from redis.asyncio import Redis

from services.scheduler.pace import Pace
from shared import clock
from shared.schemas.queues import QueueSettings
from shared.settings import Settings
from shared.store import keyspace, ledger, moments, transitions
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team

STEP = 200
PAUSE_SECONDS = 0.1
IDLE_SECONDS = 30.0
DAY_MILLISECONDS = 86_400_000
LEAST_MILLISECONDS = 60_000
"""Younger history stays, however much it is."""
PROBLEMS = 150
"""Problems of each state that are looked at once."""
MOST_ALERTS = 10_000
"""Alerts of a team and a type that are kept."""
REMEDY = "if clock and settings are right, recuro retention --confirm; else it goes after a day"

log = structlog.get_logger()


class Owner(NamedTuple):
    """A queue or cron that may have history to remove: `q<queue>` or `c<cron>`."""

    team: Team
    name: str


class Limits(NamedTuple):
    """How long finished history and dead letters (by default) are kept; how many an owner has."""

    age_ms: int
    dead_age_ms: int
    most_kept: int
    may_take_most: bool = False
    """For steps where not the clock makes history too old, so that the clock need not be checked first."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        dead_age = QueueSettings().dlq_retention_days * DAY_MILLISECONDS
        return cls(settings.retention_days * DAY_MILLISECONDS, dead_age, settings.retention_runs)


async def keep_retiring(redis: Redis, shard: str, settings: Settings) -> None:
    while True:
        if await may_retire(redis, shard):
            await retire(redis, shard, settings)
        await asyncio.sleep(IDLE_SECONDS)


async def may_retire(redis: Redis, shard: str, now_ms: int | None = None) -> bool:
    """Whether at most a day has passed since the last time, or another day since a longer gap was seen."""
    may, is_new = await transitions.begin_retiring(redis, shard, now_ms=now_ms)
    if is_new:
        log.warning("retention_waits", shard=shard, why="more than a day has gone by at once", remedy=REMEDY)
    return may


async def retire_alerts(redis: Redis, team: Team, settings: Settings, now_ms: int | None = None) -> int:
    """Take one step for the alerts of a team."""
    age_ms = settings.retention_days * DAY_MILLISECONDS
    return await transitions.retire_alerts(
        redis, team, age_ms=age_ms, most_kept=MOST_ALERTS, limit=STEP, now_ms=now_ms
    )


async def retire_problems(redis: Redis, team: Team, limits: Limits, now_ms: int | None = None) -> int:
    """Look at all of a team's problems once; how many went."""
    removed, offset, has_more = 0, 0, True
    while has_more:
        went, has_more = await transitions.retire_problems(
            redis,
            team,
            age_ms=limits.age_ms,
            dead_age_ms=limits.dead_age_ms,
            offset=offset,
            limit=PROBLEMS,
            now_ms=now_ms,
        )
        removed += went
        offset += PROBLEMS  # those that moved up as others went come the next time
    return removed


async def retire_trails(
    redis: Redis, team: Team, settings: Settings, now_ms: int | None = None, *, approximate: bool = True
) -> None:
    """Let go of lines of the team's audit trail that are too old; if approximate, some a little later."""
    if now_ms is None:
        now_ms = clock.milliseconds(await moments.now(redis, team.shard))
    for trail in keyspace.audit_trails(team):
        oldest = str(now_ms - settings.audit_retention_days * DAY_MILLISECONDS)
        await redis.xtrim(trail, minid=oldest, approximate=approximate)


async def retire(redis: Redis, shard: str, settings: Settings, now_ms: int | None = None) -> int:
    """Remove what may go from every queue and cron in turn, at most 200 records a step; return how many."""
    removed, owners, limits = 0, list[Owner](), Limits.of(settings)
    teams = await reconcile.teams(redis, shard)
    for team in teams:
        async with damage.confined(redis, team, "retiring history"):
            while went := await retire_alerts(redis, team, settings, now_ms):
                removed += went
                await asyncio.sleep(PAUSE_SECONDS)
            removed += await retire_problems(redis, team, limits, now_ms)
            owners += [owner async for owner in _overdue(redis, team, limits, now_ms)]
            await retire_trails(redis, team, settings, now_ms)
    while owners:
        went, owners = await _round(redis, owners, limits, now_ms)
        removed += went
    for team in teams:
        async with damage.confined(redis, team, "retiring what takes too many bytes"):
            removed += await _shrink(redis, team, settings, now_ms)
    return removed


async def retire_step(redis: Redis, owner: Owner, limits: Limits, now_ms: int | None = None) -> int:
    """Remove at most 200 records of a queue or cron; return how many."""
    team, name = owner
    went, begun = await transitions.retire(
        redis,
        team,
        owner=name,
        age_ms=limits.age_ms,
        dead_age_ms=limits.dead_age_ms,
        most_kept=limits.most_kept,
        may_take_most=limits.may_take_most,
        limit=STEP,
        now_ms=now_ms,
    )
    if begun:
        why = "more than half of it is too old at once"
        log.warning("retention_waits", team=team.id, owner=name, why=why, remedy=REMEDY)
    return went


async def _round(
    redis: Redis, owners: list[Owner], limits: Limits, now_ms: int | None
) -> tuple[int, list[Owner]]:
    """Take one step for each owner; return how many records went, and the owners that may have more."""
    removed, unfinished = 0, list[Owner]()
    for owner in owners:
        went = 0
        async with damage.confined(redis, owner.team, f"retiring history of {owner.name}"):
            went = await retire_step(redis, owner, limits, now_ms)
        removed += went
        if went:
            unfinished.append(owner)
            await asyncio.sleep(PAUSE_SECONDS)
    return removed, unfinished


async def _shrink(redis: Redis, team: Team, settings: Settings, now_ms: int | None) -> int:
    """Keep only ever younger history until it fits the team's bound; return how many records went."""
    removed, limits = 0, Limits.of(settings)
    while await _is_too_much(redis, team, settings) and limits.age_ms > LEAST_MILLISECONDS:
        age_ms = max(limits.age_ms * 3 // 4, LEAST_MILLISECONDS)
        limits = limits._replace(age_ms=age_ms, may_take_most=True)
        owners = [owner async for owner in _overdue(redis, team, limits, now_ms)]
        while owners and await _is_too_much(redis, team, settings):
            went, owners = await _round(redis, owners, limits, now_ms)
            removed += went
    return removed


async def _is_too_much(redis: Redis, team: Team, settings: Settings) -> bool:
    most = settings.retention_bytes
    return most > 0 and await ledger.kept_bytes(redis, team) > most


async def _overdue(redis: Redis, team: Team, limits: Limits, now_ms: int | None) -> AsyncIterator[Owner]:
    """Of many queues and crons, yield the few from which a step would remove something."""
    pace = Pace()
    for kind, index in reconcile.OWNERS:
        after = 0
        while True:
            after, found = await transitions.find_overdue(
                redis,
                team,
                kind=kind,
                index=index,
                after=after,
                limit=reconcile.LOOK,
                age_ms=limits.age_ms,
                dead_age_ms=limits.dead_age_ms,
                most_kept=limits.most_kept,
                now_ms=now_ms,
            )
            for number in found:
                yield Owner(team, f"{kind}{number}")
            if not after:
                break
            await pace.rest()
