"""Nothing is deleted, ended or moved on by a moment that no scheduler vouches for."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.forget import forget
from services.scheduler.promote import promote_due
from services.scheduler.replay import step
from services.scheduler.retire import retire, retire_alerts
from services.worker import throttles
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared import clock
from shared.actions import alerts, crons, dead_letters, jobs, limits, pings, queues
from shared.schemas.alerts import AlertQuery
from shared.schemas.jobs import Job, JobCreate, JobFilter, JobQuery
from shared.schemas.queues import QueueCreate, RateLimit
from shared.schemas.teams import MonthlyLimits
from shared.settings import Settings
from shared.store import keyspace, transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.transitions import probe_host, throttle_host
from tests import dead, fires
from tests.calls import call_of
from tests.fires import NOON
from tests.vouching import SHARD, vouch

NOW = clock.milliseconds(NOON)
HOST = "a.example:443"
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
AHEAD = [2 * HOUR, 25 * HOUR, 40 * DAY]
JOB = JobCreate(queue="mail", url="https://a.example/")


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


@pytest.fixture(autouse=True)
async def _vouched(redis: Redis) -> None:
    await vouch(redis, NOW)


async def a_job(redis: Redis, team: Team, **asked: object) -> int:
    wanted = JobCreate.model_validate({**JOB.model_dump(exclude_unset=True), **asked})
    return (await jobs.create(call_of(redis, team), wanted, NOW)).id


async def get(redis: Redis, team: Team, job: int) -> Job:
    return await jobs.get(redis, team, job)


async def count(redis: Redis, team: Team, state: JobFilter) -> int:
    return (await jobs.page(redis, team, JobQuery(filter=state))).total


@pytest.mark.parametrize("jump", AHEAD)
async def test_a_job_that_would_have_expired_is_neither_ended_nor_sent_and_starts_once_the_clock_is_right(
    redis: Redis, team: Team, worker: Claims, jump: int
) -> None:
    job = await a_job(redis, team, expires_at=NOON + timedelta(hours=1))

    early = await worker.claim(9, NOW + jump)
    await promote_due(redis, SHARD, clock.moment(NOW + jump))
    waiting = (await get(redis, team, job)).status
    await vouch(redis, NOW + 2 * SECOND)

    assert (early, waiting) == ([], "pending")
    assert [work.id for work in await worker.claim(9, NOW + 2 * SECOND)] == [job]


async def test_a_job_that_has_expired_by_a_vouched_moment_ends_whoever_looked_before(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job = await a_job(redis, team, expires_at=NOON + timedelta(hours=1))
    await worker.claim(9, NOW + 2 * HOUR)

    await vouch(redis, NOW + 2 * HOUR)

    assert await worker.claim(9, NOW + 2 * HOUR) == []
    run = (await get(redis, team, job)).run
    assert run
    assert run.failure_reason == "expired"


async def test_a_job_that_expires_before_a_moment_nobody_vouches_for_is_taken(
    redis: Redis, team: Team
) -> None:
    wanted = JOB.model_copy(update={"expires_at": NOON + timedelta(hours=1)})

    made = await jobs.create(call_of(redis, team), wanted, NOW + 2 * HOUR)

    assert (await get(redis, team, made.id)).status == "pending"


async def test_dead_letters_history_and_alerts_are_kept(redis: Redis, team: Team, worker: Claims) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", alerts_enabled=True))
    letters = await dead.dead_letters(redis, team, 3, now=NOW)
    await a_job(redis, team)
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in await worker.claim(1, NOW)], NOW)
    settings = Settings(retention_days=30)

    removed = await retire(redis, SHARD, settings, NOW + 40 * DAY)
    removed += await retire_alerts(redis, team, settings, NOW + 40 * DAY)
    await vouch(redis, NOW + 40 * DAY)

    assert removed == 0
    assert await retire(redis, SHARD, settings, NOW + 40 * DAY) == len(letters) + 1 + 1  # and an alert


async def test_a_dead_letter_of_a_moment_that_is_too_early_is_as_old_as_what_is_vouched_for(
    redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 1, now=NOW - 40 * DAY)

    assert await retire(redis, SHARD, Settings(), NOW + DAY) == 0
    assert await count(redis, team, JobFilter.DEAD_LETTERED) == 1


@pytest.mark.parametrize("jump", AHEAD)
async def test_what_was_done_under_an_idempotency_key_is_not_forgotten(
    redis: Redis, team: Team, jump: int
) -> None:
    key = IdempotencyKey(team, "order-7", "0" * 32)
    (first,) = await jobs.create_many(call_of(redis, team, key), [JOB], NOW)

    forgotten = await forget(redis, SHARD, NOW + jump)
    (again,) = await jobs.create_many(call_of(redis, team, key), [JOB], NOW + jump)

    assert forgotten == 0
    assert again.id == first.id


async def test_an_idempotency_key_is_free_again_after_a_day_that_is_vouched_for(
    redis: Redis, team: Team
) -> None:
    key = IdempotencyKey(team, "order-7", "0" * 32)
    (first,) = await jobs.create_many(call_of(redis, team, key), [JOB], NOW)
    await vouch(redis, NOW + 24 * HOUR)

    early, late = await forget(redis, SHARD, NOW + 24 * HOUR - 1), await forget(redis, SHARD, NOW + 24 * HOUR)
    (again,) = await jobs.create_many(call_of(redis, team, key), [JOB], NOW + 24 * HOUR)

    assert (early, late) == (0, 1)
    assert again.id != first.id
    assert await redis.pttl(team.prefix + key.name()) == -1  # the server's own expiry goes by its clock alone


async def test_failures_that_are_alike_stay_one_alert(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", alerts_enabled=True))
    await dead.dead_letters(redis, team, 1, now=NOW)

    await dead.dead_letters(redis, team, 1, now=NOW + 2 * HOUR)
    await forget(redis, SHARD, NOW + 60 * DAY)
    await dead.dead_letters(redis, team, 1, now=NOW + 60 * DAY)

    assert (await alerts.page(redis, team, AlertQuery())).total == 1


async def test_an_alert_from_before_the_clock_was_set_back_silences_no_other(
    redis: Redis, team: Team
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", alerts_enabled=True))
    await vouch(redis, NOW + 40 * DAY)
    await dead.dead_letters(redis, team, 1, now=NOW + 40 * DAY)
    await vouch(redis, NOW)

    await dead.dead_letters(redis, team, 2, now=NOW)

    assert [one.count for one in (await alerts.page(redis, team, AlertQuery())).data] == [2, 1]


async def test_a_host_has_the_rest_it_asked_for(redis: Redis, team: Team, worker: Claims) -> None:
    await throttle_host(redis, team, host=HOST, wanted_ms=60 * SECOND, most_ms=60 * SECOND)
    await a_job(redis, team)

    (work,) = await worker.claim(1, NOW + 2 * HOUR)

    assert work.of_team.throttled["a.example:443"] - work.now_ms == pytest.approx(60 * SECOND, abs=100)


async def test_a_rest_from_before_the_clock_was_set_back_is_none(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await vouch(redis, NOW + 30 * HOUR)
    for host, asked in (("a.example:443", 60 * SECOND), ("b.example:443", 24 * HOUR)):
        most = throttles.LONGEST_SECONDS * SECOND
        await throttle_host(redis, team, host=host, wanted_ms=asked, most_ms=most, now_ms=NOW + 30 * HOUR)
    await vouch(redis, NOW)
    await a_job(redis, team)

    (work,) = await worker.claim(1, NOW)

    assert (work.of_team.throttled, work.of_team.busy) == ({}, {})
    assert await probe_host(redis, team, host=HOST, alone_ms=SECOND, now_ms=NOW) == 0


async def test_the_longest_rest_is_kept(redis: Redis, team: Team, worker: Claims) -> None:
    day, most = 24 * HOUR, throttles.LONGEST_SECONDS * SECOND
    await throttle_host(redis, team, host=HOST, wanted_ms=day, most_ms=most, now_ms=NOW)
    await a_job(redis, team)

    (work,) = await worker.claim(1, NOW)

    ends = [each["a.example:443"] - work.now_ms for each in (work.of_team.throttled, work.of_team.busy)]
    assert ends == pytest.approx([most, day], abs=100)


async def test_a_rate_is_kept(redis: Redis, team: Team, worker: Claims) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate(name="mail", rate_limit=RateLimit(count=2, per_seconds=60))
    )
    await jobs.create_many(call_of(redis, team), [JOB] * 5, now_ms=NOW)
    assert len(await worker.claim(9, NOW)) == 2

    assert await worker.claim(9, NOW + 2 * HOUR) == []
    assert await worker.claim(9, NOW - 2 * HOUR) == []


async def test_a_request_counts_in_the_month_that_has_come(redis: Redis, team: Team, worker: Claims) -> None:
    await limits.put(call_of(redis, team), MonthlyLimits(monthly_request_limit=1, soft_limit=None))
    await jobs.create_many(call_of(redis, team), [JOB] * 2, now_ms=NOW)

    started = await worker.claim(9, NOW + 40 * DAY)

    fields = await redis.hgetall(keyspace.ledger(team))  # type: ignore[misc]
    assert len(started) == 1
    assert fields[f"requests.{NOON:%Y-%m}"] == "1"


async def test_who_waits_for_the_next_due_moment_looks_again_in_a_while(redis: Redis, team: Team) -> None:
    await a_job(redis, team, delay=60)

    wait = await promote_due(redis, SHARD, clock.moment(NOW + 2 * HOUR))

    assert 0 < wait <= 5


async def test_a_replay_goes_on_being_collected(redis: Redis, team: Team) -> None:
    replay = await transitions.start_replay(redis, team, rate=20, stop_after=None, most_kept=10, now_ms=NOW)

    await step(redis, SHARD, NOW + 2 * HOUR)

    assert (await dead_letters.get_replay(redis, team, replay)).state == "collecting"


async def test_no_cron_fires_and_no_heartbeat_is_missed(redis: Redis, team: Team) -> None:
    cron = await fires.a_cron(redis, team, mode="heartbeat", url="", grace_seconds=300)
    await vouch(redis, NOW + 60 * SECOND)
    await fire_due(redis, SHARD, NOON + fires.MINUTE)

    await fire_due(redis, SHARD, NOON + 2 * fires.HOUR)
    await promote_due(redis, SHARD, NOON + 2 * fires.HOUR)

    records = await fires.history(redis, team, cron)
    assert [record.status for record in records] == ["pending"]
    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON + 2 * fires.MINUTE


async def test_a_ping_of_a_moment_nobody_vouches_for_ends_no_fire_to_come(redis: Redis, team: Team) -> None:
    cron = await fires.a_cron(redis, team, mode="heartbeat", url="", grace_seconds=300)
    assert cron.ping_key

    await pings.ping(redis, cron.ping_key, now_ms=NOW + 2 * HOUR)
    await vouch(redis, NOW + 60 * SECOND)
    await fire_due(redis, SHARD, NOON + fires.MINUTE)

    assert [record.status for record in await fires.history(redis, team, cron)] == ["pending"]
    assert (await crons.get(redis, team, cron.id)).last_ping_at == datetime(2026, 11, 25, 12, tzinfo=UTC)


async def test_a_late_claim_of_a_stopped_worker_takes_nothing_for_a_minute(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await redis.delete(keyspace.trusted_until(SHARD))
    await worker.withdraw(set())
    await a_job(redis, team)

    await forget(redis, SHARD)

    assert await worker.claim(1) == []
    assert await redis.exists(f"{team.prefix}stopped:a-worker") == 1
    await forget(redis, SHARD, clock.milliseconds(clock.now()) + 70 * SECOND)
    assert await redis.exists(f"{team.prefix}stopped:a-worker") == 0
