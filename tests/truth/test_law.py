"""The law that the fault suite holds figures to notices one too many and one too few."""

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Release, Result, Retry, Verdict
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.faults.parts.figures import figures_agree

RUN = "[1,200,1,1]"
JOB = JobCreate(queue="mail", url="https://a.example/")


@pytest.fixture
async def period(redis: Redis, team: Team) -> str:
    """The figures of jobs with each outcome and of an execution."""
    call, worker = call_of(redis, team), Claims(redis, keyspace.SHARDS[0], "w")
    made = await jobs.create_many(call, [JOB] * 6)
    await jobs.cancel(call, made[5].id)
    cron = CronCreate(name="a", cron_expression="0 0 1 1 *", url="https://a.example/")
    await executions.create(call, (await crons.create(call, cron)).id)
    verdicts: list[Verdict] = [Complete(), Retry(0), Retry(0), Dead(), Release(), Complete()]
    while works := await worker.claim(10):
        results = [
            Result(work, verdicts.pop(0) if verdicts else Complete(), RUN, took_ms=1) for work in works
        ]
        await worker.finish(results)
    (stored,) = await redis.keys(f"{team.prefix}figures:*")
    return str(stored)


async def test_it_holds_over_attempts_that_ended_in_every_way(redis: Redis, team: Team, period: str) -> None:
    await figures_agree(redis, team)

    names = {name.rstrip("0123456789") for name in await redis.hkeys(period)}  # type: ignore[misc]
    assert {"started", "completed", "retried", "failed", "crons:completed"} <= names


@pytest.mark.parametrize("figure", ["started", "completed1", "retried1", "failed", "crons:completed1"])
@pytest.mark.parametrize("by", [-2, 2])
async def test_one_more_or_less_breaks_it(
    redis: Redis, team: Team, period: str, figure: str, by: int
) -> None:
    await redis.hincrby(period, figure, by)  # type: ignore[misc]

    with pytest.raises(AssertionError, match=r"are too (low|high)"):
        await figures_agree(redis, team)


async def test_what_was_deleted_may_have_been_counted(redis: Redis, team: Team, period: str) -> None:
    await jobs.delete(call_of(redis, team), 1)

    await figures_agree(redis, team)
    await redis.hincrby(period, "completed1", -2)  # type: ignore[misc]

    with pytest.raises(AssertionError, match="too low"):
        await figures_agree(redis, team)
