"""Figures are held against the records that are kept."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Result, Retry, Verdict
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.care import figures
from shared.store.care.figures import Short
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import a_cron, claim, end

SHARD = keyspace.SHARDS[0]
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def some_work(redis: Redis, team: Team) -> None:
    """In the first minute a job; two minutes later four jobs that end in each way, a run, and a skipped fire."""
    job = JobCreate.model_validate({"queue": "mail", "url": "https://a.example/"})
    worker = Claims(redis, SHARD, "w")
    for number, at in ((1, NOON), (4, NOON + 2 * MINUTE)):
        at_ms = clock.milliseconds(at)
        await jobs.create_many(call_of(redis, team), [job] * number, now_ms=at_ms)
        works = await worker.claim(8, at_ms)
        verdicts: tuple[Verdict, ...] = (Complete(), Retry(600), Dead(), Fail())
        ended = [Result(work, verdict) for work, verdict in zip(works, verdicts, strict=False)]
        await worker.finish(ended, at_ms)
    await a_cron(redis, team, at=NOON + 2.5 * MINUTE, overlap_policy="skip")
    for minute in (3, 4):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    await end(redis, await claim(redis, NOON + 4 * MINUTE), NOON + 4 * MINUTE)


def minute(of: int) -> str:
    return f"m{clock.milliseconds(NOON + of * MINUTE)}"


async def test_what_was_counted_is_not_short(redis: Redis, team: Team) -> None:
    await some_work(redis, team)

    assert await figures.short(redis, team) == []


async def test_a_period_that_was_lost_is_named_by_what_it_had(redis: Redis, team: Team) -> None:
    await some_work(redis, team)
    await redis.delete(*[f"{team.prefix}figures:{team.id}:{minute(one)}" for one in (2, 4)])

    assert await figures.short(redis, team) == [
        Short("completed", 1, 2),
        Short("failed", 0, 3),
        Short("skipped", 0, 1),
    ]


async def test_what_was_deleted_is_no_difference(redis: Redis, team: Team) -> None:
    await some_work(redis, team)

    await jobs.delete(call_of(redis, team), 2)

    assert await figures.short(redis, team) == []


async def test_without_any_period_nothing_is_compared(redis: Redis, team: Team) -> None:
    await some_work(redis, team)
    await redis.delete(f"{team.prefix}figures_until")

    assert await figures.short(redis, team) == []
