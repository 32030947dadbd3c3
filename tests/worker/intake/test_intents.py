"""What a receiver knows a repeat by: one name for each intent, and never one that was there before."""

from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Dead, Release, Result, Retry, Work
from shared.actions import crons, dead_letters, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

LATER = 3_600_000
RUN = '{"started_at":1760000000000,"executed_at":1760000000000}'


async def claim(redis: Redis, later: bool = False) -> list[Work]:
    seconds, _ = await redis.time()
    now = seconds * 1000 + LATER if later else None
    return await Claims(redis, keyspace.SHARDS[0], "w").claim(10, now)


async def end(redis: Redis, work: Work, verdict: Retry | Dead | Release) -> None:
    await Claims(redis, keyspace.SHARDS[0], "w").finish([Result(work, verdict, RUN)])


def a_job() -> JobCreate:
    return JobCreate(queue="q", url="https://a.example/", callback_url="https://a.example/told")


async def test_jobs_made_together_have_a_name_each(redis: Redis, team: Team) -> None:
    await jobs.create_many(call_of(redis, team), [a_job(), a_job()])
    await jobs.create(call_of(redis, team), a_job())

    assert len({work.intent for work in await claim(redis)} - {""}) == 3


async def test_a_redelivery_a_retry_and_a_replay_have_the_name_of_the_first(redis: Redis, team: Team) -> None:
    job = await jobs.create(call_of(redis, team), a_job())
    (first,) = await claim(redis)
    await end(redis, first, Release())
    (again,) = await claim(redis)
    await end(redis, again, Retry(1))
    (retry,) = await claim(redis, later=True)
    await end(redis, retry, Dead())
    await dead_letters.replay_now(call_of(redis, team), [job.id])

    works = await claim(redis)

    (told,) = [work for work in works if work.kind == "n"]
    (replay,) = [work for work in works if work.kind == "j"]
    assert {first.intent, again.intent, retry.intent, replay.intent} == {first.intent}
    assert told.intent not in ("", first.intent)


async def test_each_execution_has_a_name_that_its_redelivery_keeps(redis: Redis, team: Team) -> None:
    cron = await crons.create(
        call_of(redis, team), CronCreate(name="c", url="https://a.example/", cron_expression="0 0 1 1 *")
    )
    for _ in range(2):
        await executions.create(call_of(redis, team), cron.id)
    one, other = await claim(redis)
    await end(redis, one, Release())

    (again,) = await claim(redis)

    assert again.intent == one.intent != other.intent
    assert "" not in (one.intent, other.intent)


async def test_a_name_never_comes_again_after_everything_was_lost(redis: Redis, team: Team) -> None:
    names = []
    for _ in range(2):
        await redis.flushall()
        await jobs.create(call_of(redis, team), a_job())
        names += [work.intent for work in await claim(redis)]

    assert len(set(names)) == 2
