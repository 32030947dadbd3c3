"""Crons that fire when a test says so, and what became of it."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result, Verdict, Work
from shared import clock
from shared.actions import crons, executions
from shared.schemas.crons import Cron, CronCreate, Execution, ExecutionQuery
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


async def a_cron(redis: Redis, team: Team, *, at: datetime = NOON, **fields: object) -> Cron:
    asked = {"name": "ping", "url": "https://a.example/", "cron_expression": "* * * * *", **fields}
    return await crons.create(call_of(redis, team), CronCreate.model_validate(asked), at)


async def history(redis: Redis, team: Team, cron: Cron, state: str | None = None) -> list[Execution]:
    """Oldest first."""
    page = await executions.page(
        redis, team, cron.id, ExecutionQuery.model_validate({"per_page": 100, "filter": state})
    )
    return page.data[::-1]


async def told(redis: Redis, team: Team, cron: Cron) -> list[tuple[str, int, int]]:
    """Per record, oldest first: `run` or why it was skipped, minutes since noon, how many more it stands for."""
    return [
        (one.skip_reason or "run", (one.scheduled_at - NOON) // MINUTE, one.missed)
        for one in await history(redis, team, cron)
    ]


async def claim(redis: Redis, now: datetime, n: int = 64) -> list[Work]:
    return await Claims(redis, SHARD, "w").claim(n, clock.milliseconds(now))


async def end(redis: Redis, works: list[Work], now: datetime, verdict: Verdict | None = None) -> None:
    results = [Result(work, verdict or Complete(), "[1,200,1,1]") for work in works]
    await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(now))


async def ledgers_add_up(redis: Redis, team: Team) -> bool:
    return (await ledger.read(redis, team, "execution")).holds
