"""Jobs that end without being sent, or in the middle of it; records that only a newer version can read."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import NOT_OURS, RECORDED, TO_CANCEL, Claims
from services.worker.work import Cancelled, Complete, Postpone, Release, Result, Retry
from shared.actions import jobs
from shared.errors import Conflict, Invalid
from shared.schemas.jobs import Job, JobCreate
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.vouching import vouch

NOW = 1_760_000_000_000
SHARD = keyspace.SHARDS[0]


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW / 1000 + seconds, UTC)


async def a_job(redis: Redis, team: Team, expires: float | None = None, delay: int = 0) -> int:
    asked = JobCreate(
        queue="mail",
        url="https://a.example/",
        delay=delay,
        callback_url="https://b.example/",
        expires_at=None if expires is None else at(expires),
    )
    return (await jobs.create(call_of(redis, team), asked, NOW)).id


async def promote(redis: Redis, seconds: float) -> None:
    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + round(seconds * 1000))


def ending(job: Job) -> tuple[str, str | None, str | None]:
    return job.status, job.final_status, job.run.failure_reason if job.run else None


EXPIRED = ("failed", "failed_no_retries", "expired")
RETRIED = '[1,500,1,1,"no",{},false,"http_server_error","No."]'
CANCELLED = ("failed", "failed_no_retries", "cancelled")


@pytest.mark.parametrize("delay", [0, 5])
async def test_a_job_still_waiting_when_it_expires_is_never_sent(
    redis: Redis, team: Team, worker: Claims, delay: int
) -> None:
    job_id = await a_job(redis, team, expires=10, delay=delay)
    await promote(redis, 6)

    await promote(redis, 10)

    assert ending(await jobs.get(redis, team, job_id)) == EXPIRED
    assert [work.kind for work in await worker.claim(9, NOW + 10_000)] == ["n"]  # its callback
    assert (await ledger.read(redis, team)).holds
    assert await redis.zcard(keyspace.due(SHARD)) == 0


async def test_a_claim_sends_nothing_that_has_expired(redis: Redis, team: Team, worker: Claims) -> None:
    job_id = await a_job(redis, team, expires=10)
    await redis.zrem(keyspace.due(SHARD), f"x:1:{job_id:014}")

    assert await worker.claim(9, NOW + 10_000) == []

    assert ending(await jobs.get(redis, team, job_id)) == EXPIRED
    assert (await redis.xinfo_groups(f"{team.prefix}s:1:1"))[0]["pending"] == 0


async def test_a_job_that_started_in_time_does_not_expire(redis: Redis, team: Team, worker: Claims) -> None:
    job_id = await a_job(redis, team, expires=10)
    (work,) = await worker.claim(1, NOW)

    await promote(redis, 20)
    await worker.finish([Result(work, Complete(), "[1,200,1,1]")], NOW)

    assert (await jobs.get(redis, team, job_id)).status == "completed"
    assert (await jobs.get(redis, team, job_id)).expires_at == at(10)


async def test_a_retry_that_would_come_too_late_ends_its_chain(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team, expires=10)
    (work,) = await worker.claim(1, NOW)
    await worker.finish([Result(work, Retry(60), "[1,500,1,1]")], NOW)

    await promote(redis, 10)

    retry = await jobs.get(redis, team, first + 1)
    assert ending(retry) == ("failed", "failed_with_retries", "expired")
    assert (await jobs.get(redis, team, first)).final_status == "failed_no_retries"
    assert await redis.zcard(keyspace.due(SHARD)) == 0


@pytest.mark.parametrize(("expires", "delay"), [(-1, 0), (0, 0), (5, 5)])
async def test_a_job_cannot_expire_before_it_could_start(
    redis: Redis, team: Team, expires: float, delay: int
) -> None:
    with pytest.raises(Invalid, match="expires_at"):
        await a_job(redis, team, expires, delay)


@pytest.mark.parametrize("delay", [0, 60])
async def test_a_waiting_job_can_be_cancelled(redis: Redis, team: Team, worker: Claims, delay: int) -> None:
    job_id = await a_job(redis, team, delay=delay, expires=90)

    assert ending(await jobs.cancel(call_of(redis, team), job_id)) == CANCELLED

    assert [work.kind for work in await worker.claim(9, NOW + 60_000)] == ["n"]
    with pytest.raises(Conflict):
        await jobs.cancel(call_of(redis, team), job_id)


@pytest.mark.parametrize("any_id", [1, 2, 3])
async def test_a_chain_that_waits_to_be_tried_again_is_cancelled_by_any_of_its_ids(
    redis: Redis, team: Team, worker: Claims, any_id: int
) -> None:
    first = await a_job(redis, team)
    for step in range(2):
        (work,) = await worker.claim(1, NOW + step * 60_000)
        await worker.finish([Result(work, Retry(60), RETRIED)], NOW + step * 60_000)

    await jobs.cancel(call_of(redis, team), any_id)

    shown = [await jobs.get(redis, team, number) for number in (first, 2, 3)]
    assert [job.final_status for job in shown] == [
        "failed_no_retries",
        "failed_with_retries",
        "failed_with_retries",
    ]
    assert ending(shown[-1]) == ("failed", "failed_with_retries", "cancelled")
    assert [work.kind for work in await worker.claim(9, NOW + 600_000)] == ["n"]
    with pytest.raises(Conflict):
        await jobs.cancel(call_of(redis, team), any_id)


async def test_a_running_job_is_cancelled_by_the_worker_that_hears_of_it(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)

    running = await jobs.cancel(call_of(redis, team), job_id)

    assert running.status == "processing"
    assert await worker.beat([work]) == [TO_CANCEL]
    ((_, told),) = await redis.xrange(keyspace.cancels(SHARD))
    assert told["work"] == work.key
    assert await worker.finish([Result(work, Cancelled(), '{"failure_reason":"cancelled"}')], NOW) == [
        RECORDED
    ]
    assert ending(await jobs.get(redis, team, job_id)) == CANCELLED


async def test_a_cancelled_job_that_is_given_back_is_not_tried_again(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)
    await jobs.cancel(call_of(redis, team), job_id)

    await worker.finish([Result(work, Release())], NOW)

    assert ending(await jobs.get(redis, team, job_id)) == CANCELLED


async def test_a_cancelled_job_whose_host_is_given_a_rest_is_not_tried_again(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)
    await jobs.cancel(call_of(redis, team), job_id)

    await worker.finish([Result(work, Postpone(60, ""), facts="its host")], NOW)

    assert ending(await jobs.get(redis, team, job_id)) == CANCELLED


async def test_a_job_whose_moment_passed_in_hand_expires_while_it_waits_for_its_host(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team, expires=5)
    (work,) = await worker.claim(1, NOW)
    await promote(redis, 6)

    await worker.finish([Result(work, Postpone(3600, ""), facts="its host")], NOW + 6000)
    await promote(redis, 7)

    assert ending(await jobs.get(redis, team, job_id)) == EXPIRED


async def test_a_record_of_a_newer_version_is_left_for_later(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team)
    record = f"{team.prefix}j:1:{job_id}"
    await redis.hset(record, "v", "2")  # type: ignore[misc]

    assert await worker.claim(9, NOW) == []
    assert await worker.claim(9, NOW + 5000) == []
    await redis.hset(record, "v", "1")  # type: ignore[misc]

    (work,) = await worker.claim(9, NOW + 10_000)
    assert (work.id, work.attempt) == (job_id, 1)


async def test_a_result_named_twice_in_a_batch_counts_once(redis: Redis, team: Team, worker: Claims) -> None:
    await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)
    result = Result(work, Complete(), "[1,200,1,1]")

    assert await worker.finish([result, result, result, result], NOW) == [RECORDED, *[NOT_OURS] * 3]

    assert (await ledger.read(redis, team)).completed == 1


async def test_nothing_is_promoted_beyond_the_moment_that_is_vouched_for(
    redis: Redis, team: Team, worker: Claims
) -> None:
    soon, later = await a_job(redis, team, delay=1), await a_job(redis, team, delay=3600)
    await vouch(redis, NOW + 1000)

    early = await worker.claim(9, NOW + 7_200_000)
    await vouch(redis, NOW + 3_600_000)

    assert [work.id for work in early] == [soon]
    assert [work.id for work in await worker.claim(9, NOW + 7_200_000)] == [later]
