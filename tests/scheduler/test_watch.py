"""A correction of the clock, and records computed from a time that proves wrong."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.promote import promote_due
from services.scheduler.reschedule import reschedule_doubtful
from services.scheduler.watch import Watch
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Postpone, Result, Retry, Verdict
from shared import clock
from shared.actions import crons, executions, jobs, pings
from shared.actions.pings import Kind, Ping
from shared.actions.reports import listed
from shared.schemas.crons import CronUpdate
from shared.schemas.jobs import JobCreate
from shared.schemas.reports.executions import ListedQuery
from shared.store import keyspace, moments, transitions
from shared.store.keyspace import Team
from tests import fires
from tests.calls import call_of
from tests.vouching import SHARD, vouch

HOUR = 3_600_000
HOURS = timedelta(hours=2)
PREFIX = keyspace.prefix(SHARD)
JOB = JobCreate(queue="mail", url="https://a.example/")
SOON = timedelta(seconds=10)


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def present(redis: Redis) -> int:
    return clock.milliseconds(await moments.now(redis, SHARD))


async def jump(redis: Redis, by: int) -> None:
    """Let transitions find that the clock is so much (ms) ahead of what is vouched for."""
    await vouch(redis, await present(redis) - by)


async def correct(redis: Redis, seen: int, to: int, limit: int = 500) -> int:
    return await transitions.correct(redis, SHARD, seen_ms=seen, correction_ms=to, most=limit)


@pytest.mark.parametrize("by", [2 * HOUR, -HOUR])
async def test_jobs_made_by_a_wrong_clock_get_the_moments_they_would_have_had(
    redis: Redis, team: Team, by: int
) -> None:
    await jump(redis, by)
    late = await jobs.create(call_of(redis, team), JOB.model_copy(update={"delay": 3 * 3600}))
    ready = await jobs.create(call_of(redis, team), JOB)

    moved = await correct(redis, 0, -by)

    now = await moments.now(redis, SHARD)
    shown = {job.id: job for job in await jobs.read(redis, team, [late.id, ready.id])}
    assert moved == 2
    assert abs(shown[late.id].scheduled_at - now - timedelta(hours=3)) < SOON
    assert abs(shown[late.id].created_at - now) < SOON
    assert abs(shown[ready.id].scheduled_at - now) < SOON
    assert abs(await redis.zscore(keyspace.due(SHARD), f"j:1:{late.id:014d}") - clock.milliseconds(now)) < (
        3 * HOUR + 10_000
    )
    assert await promote_due(redis, SHARD) > 0  # neither is due early


@pytest.mark.parametrize("by", [2 * HOUR, -HOUR])
@pytest.mark.parametrize("status", ["all", "failed"])
async def test_a_run_by_hand_that_a_wrong_clock_made_is_listed_by_the_moment_it_would_have_had(
    redis: Redis, team: Team, worker: Claims, by: int, status: str
) -> None:
    cron = await fires.a_cron(redis, team, at=await moments.now(redis, SHARD), cron_expression="0 0 1 1 *")
    await jump(redis, by)
    await executions.create(call_of(redis, team), cron.id)
    await worker.finish([Result(work, Fail(), "[1,500,1,1]") for work in await worker.claim(1)])

    await correct(redis, 0, -by)

    now = await moments.now(redis, SHARD)
    asked = {"filter": status, "from": now - SOON, "to": now + SOON}
    (row,) = (await listed.page(call_of(redis, team), ListedQuery.model_validate(asked))).data
    assert abs(row.scheduled_at - now) < SOON


@pytest.mark.parametrize("verdict", [Retry(60), Postpone(60.0, "its host")])
async def test_a_retry_and_what_waits_for_its_host_are_not_hours_late(
    redis: Redis, team: Team, worker: Claims, verdict: Verdict
) -> None:
    await jobs.create(call_of(redis, team), JOB, await present(redis) - 2 * HOUR)
    works = await worker.claim(1)
    await jump(redis, 2 * HOUR)
    await worker.finish([Result(work, verdict, "[1,500,1,1]") for work in works])

    await correct(redis, 0, -2 * HOUR)
    moved = await reschedule_doubtful(redis, SHARD)

    ((_, due),) = await redis.zrange(keyspace.due(SHARD), 0, 0, withscores=True)
    assert 0 < due - await present(redis) < 70_000
    assert moved == 0  # once is enough


async def test_what_was_computed_before_the_jump_with_no_scheduler_alive_stays(
    redis: Redis, team: Team
) -> None:
    await vouch(redis, await present(redis) - 10 * HOUR)
    made = await jobs.create(call_of(redis, team), JOB.model_copy(update={"delay": 60}))
    await redis.zadd(f"{PREFIX}doubtful", {f"j:1:{made.id:014d}": await present(redis) - 2 * HOUR})

    await correct(redis, 0, -2 * HOUR)

    (job,) = await jobs.read(redis, team, [made.id])
    assert job.scheduled_at == made.scheduled_at


async def test_a_heartbeat_awaits_its_ping_until_the_moment_its_cron_says(redis: Redis, team: Team) -> None:
    now = await moments.now(redis, SHARD)
    await fires.a_cron(redis, team, at=now - 2 * fires.MINUTE, mode="heartbeat", url="", grace_seconds=300)
    await fire_due(redis, SHARD)
    before = await redis.zrange(keyspace.due(SHARD), 0, -1, withscores=True)
    await redis.zadd(f"{PREFIX}doubtful", {before[0][0]: await present(redis)})

    await correct(redis, 0, -2 * HOUR)

    assert before
    assert await redis.zrange(keyspace.due(SHARD), 0, -1, withscores=True) == before


async def test_work_that_began_while_the_clock_was_wrong_is_missed_no_hours_later(
    redis: Redis, team: Team
) -> None:
    now = await moments.now(redis, SHARD)
    cron = await fires.a_cron(redis, team, at=now - fires.MINUTE, mode="heartbeat", url="", grace_seconds=300)
    await fire_due(redis, SHARD)
    assert cron.ping_key
    await jump(redis, 2 * HOUR)
    await pings.ping(redis, cron.ping_key, Ping(Kind.START))

    await correct(redis, 0, -2 * HOUR)

    ((_, due),) = await redis.zrange(keyspace.due(SHARD), 0, 0, withscores=True)
    assert 290_000 < due - await present(redis) <= 300_000
    await pings.ping(redis, cron.ping_key)
    (record,) = await fires.history(redis, team, cron)
    assert record.run
    assert record.run.duration_ms is None or record.run.duration_ms >= 0


async def test_a_job_that_is_damaged_moves_alone_and_keeps_no_clock_wrong(redis: Redis, team: Team) -> None:
    await jump(redis, 2 * HOUR)
    asked = JOB.model_copy(update={"delay": 60})
    spoiled, right = [await jobs.create(call_of(redis, team), asked) for _ in range(2)]
    await redis.set(f"{PREFIX}j:1:{spoiled.id}", "junk")

    moved = await correct(redis, 0, -2 * HOUR)

    (job,) = await jobs.read(redis, team, [right.id])
    assert moved == 2
    assert await redis.get(keyspace.correction(SHARD)) == str(-2 * HOUR)
    assert job.scheduled_at - await moments.now(redis, SHARD) < fires.MINUTE


async def test_the_clock_is_corrected_once_all_records_have_moved_along(redis: Redis, team: Team) -> None:
    await jump(redis, 2 * HOUR)
    await jobs.create_many(call_of(redis, team), [JOB] * 12)

    steps = [await correct(redis, 0, -2 * HOUR, limit=5) for _ in range(2)]
    before = await redis.get(keyspace.correction(SHARD))
    steps.append(await correct(redis, 0, -2 * HOUR, limit=5))

    assert (steps, before) == ([5, 5, 2], None)
    assert await redis.get(keyspace.correction(SHARD)) == str(-2 * HOUR)


async def test_of_two_schedulers_one_corrects_the_clock(redis: Redis) -> None:
    assert await correct(redis, 0, -2 * HOUR) == 0
    assert await correct(redis, 0, -3 * HOUR) == -1
    assert await correct(redis, -2 * HOUR, 0) == 0

    assert await redis.get(keyspace.correction(SHARD)) is None


async def test_a_watch_vouches_for_what_it_saw_and_not_for_what_jumped_since(redis: Redis) -> None:
    watch = Watch(redis, SHARD)
    now = await watch.look()
    assert now

    did = await watch.vouch(now)
    await redis.set(keyspace.correction(SHARD), 2 * HOUR)

    assert did
    assert not await watch.vouch(now)
    until = await redis.get(keyspace.trusted_until(SHARD))
    assert until == str(round(now * 1000) + 5000)
    assert not (await moments.read(redis, SHARD)).is_vouched


async def test_what_a_watch_says_of_its_own_clock_can_be_read(redis: Redis) -> None:
    watch = Watch(redis, SHARD)
    now = await watch.look()
    assert now
    await watch.vouch(now)

    seen = await moments.read(redis, SHARD)

    assert seen.is_vouched
    assert [abs(one.ahead_ms) < 1000 for one in seen.witnesses] == [True]


async def test_what_was_doubtful_is_right_once_somebody_vouches(redis: Redis, team: Team) -> None:
    await jump(redis, HOUR)
    await jobs.create(call_of(redis, team), JOB)

    watch = Watch(redis, SHARD)
    await watch.vouch((await present(redis)) / 1000)

    assert await redis.exists(f"{PREFIX}doubtful") == 0
    assert await Claims(redis, SHARD, "w").claim(1)


async def test_a_correction_that_nobody_needs_any_more_is_lifted_at_the_start(redis: Redis) -> None:
    await redis.set(keyspace.correction(SHARD), -2 * HOUR)

    watch = Watch(redis, SHARD)
    now = await watch.look()

    assert now
    assert abs(clock.moment(now * 1000) - clock.now()) < SOON
    assert await redis.get(keyspace.correction(SHARD)) is None


async def test_a_cron_that_is_edited_as_the_clock_jumps_fires_nothing_that_is_still_to_come(
    redis: Redis, team: Team
) -> None:
    now = await moments.now(redis, SHARD)
    hourly = f"{(now.minute + 30) % 60} * * * *"  # none is due while the test runs, and two within the jump
    cron = await fires.a_cron(redis, team, at=now, cron_expression=hourly)
    await vouch(redis, await present(redis))
    await redis.set(keyspace.correction(SHARD), 2 * HOUR)

    async def mend() -> None:
        await asyncio.sleep(0.3)  # as long as a scheduler may take to see it
        await correct(redis, 2 * HOUR, 0)

    changed, _ = await asyncio.gather(
        crons.update(call_of(redis, team), cron.id, CronUpdate(max_runs=9)), mend()
    )

    assert await fires.history(redis, team, cron) == []
    assert changed.next_run_at
    assert changed.next_run_at - now <= 31 * fires.MINUTE


async def test_a_cron_is_edited_though_no_scheduler_vouches_for_anything(redis: Redis, team: Team) -> None:
    cron = await fires.a_cron(redis, team, at=await moments.now(redis, SHARD))
    await vouch(redis, await present(redis) - HOUR)

    assert (await crons.update(call_of(redis, team), cron.id, CronUpdate(max_runs=9))).max_runs == 9


async def test_work_goes_on_after_a_correction(redis: Redis, team: Team, worker: Claims) -> None:
    await jump(redis, 2 * HOUR)
    await jobs.create(call_of(redis, team), JOB.model_copy(update={"delay": 1}))
    await correct(redis, 0, -2 * HOUR)
    await vouch(redis, await present(redis) + 2000)

    works = await worker.claim(1, await present(redis) + 2000)

    assert await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works]) == [1]
