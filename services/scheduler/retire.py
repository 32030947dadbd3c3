"""Finished history goes when it is too old, or too much of one queue or cron."""

import asyncio

from redis.asyncio import Redis

from shared import audit, scripts
from shared.keyspace import Team
from shared.schemas.queues import QueueSettings
from shared.settings import Settings

STEP = 200
PAUSE_SECONDS = 0.1
IDLE_SECONDS = 30.0
DAY_MILLISECONDS = 86_400_000
MOST_ALERTS = 10_000
"""Of a team and a type."""


async def keep_retiring(redis: Redis, shard: str, settings: Settings) -> None:
    while True:
        if not await retire(redis, shard, settings):
            await asyncio.sleep(IDLE_SECONDS)


async def retire_alerts(redis: Redis, team: Team, settings: Settings, now: int | None = None) -> int:
    """Take one such step for the alerts of a team."""
    age, at = settings.retention_days * DAY_MILLISECONDS, "" if now is None else now
    return int(await scripts.retire_alerts(redis, team.prefix, at, team.id, age, MOST_ALERTS, STEP))


async def retire(redis: Redis, shard: str, settings: Settings, now: int | None = None) -> int:
    """Take one step of at most 200 records for every queue and cron of the shard; return how many went."""
    removed = 0
    for team in await audit.teams(redis, shard):
        removed += await retire_alerts(redis, team, settings, now)
        async for owner in audit.owners(redis, team):
            went = await scripts.retire(
                redis,
                team.prefix,
                "" if now is None else now,
                team.id,
                owner,
                settings.retention_days * DAY_MILLISECONDS,
                QueueSettings().dlq_retention_days * DAY_MILLISECONDS,
                settings.retention_runs,
                STEP,
            )
            removed += int(went)
            if went:
                await asyncio.sleep(PAUSE_SECONDS)
    return removed
