import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.retry import OF_NOTICES
from services.worker.work import Complete, Result, Work
from shared.actions import crons, executions, jobs, queues
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

SHARD = keyspace.SHARDS[0]
LATER = 10_000_000


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as sending:
        yield sending


async def run_next(redis: Redis, sender: Sender, after_ms: int = 0) -> Work:
    worker = Claims(redis, SHARD, "w")
    seconds, _ = await redis.time()
    now = seconds * 1000 + 1000 + after_ms
    (work,) = await worker.claim(1, now)
    await worker.finish([await process(work, Context(redis, sender, VAULT, MAILER))], now)
    return work


async def now_of(redis: Redis) -> int:
    seconds, _ = await redis.time()
    return int(seconds) * 1000


async def run_due(redis: Redis, sender: Sender, after_ms: float) -> None:
    """Do what is ready by then, if anything is."""
    worker, now = Claims(redis, SHARD, "w"), await now_of(redis) + 1000 + round(after_ms)
    for work in await worker.claim(9, now):
        await worker.finish([await process(work, Context(redis, sender, VAULT, MAILER))], now)


async def a_job(redis: Redis, team: Team, target: Target) -> int:
    asked = JobCreate(queue="mail", url=f"{target.url}/work", callback_url=f"{target.url}/told")
    return (await jobs.create(call_of(redis, team), asked)).id


async def test_a_completed_job_is_told_once(redis: Redis, team: Team, sender: Sender, target: Target) -> None:
    target.answer("/work", 200, b"done")
    job_id = await a_job(redis, team, target)

    await run_next(redis, sender)
    await run_next(redis, sender)

    (told,) = [request for request in target.received if request.path == "/told"]
    said = json.loads(told.body)
    assert (told.method, said["event"], said["id"]) == ("POST", "job.completed", job_id)
    assert (said["status"], said["run"]["response_body"]) == ("completed", "done")
    assert "created_by" not in said  # who of the team made it is not the target's to know
    assert (await jobs.get(redis, team, job_id)).callback_status == "delivered"
    assert await Claims(redis, SHARD, "w").claim(9) == []
    assert [key async for key in redis.scan_iter("*:n:*")] == []


async def test_only_the_end_of_a_chain_is_told(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", retry_delays=(1,)))
    target.answer("/work", 500)
    await a_job(redis, team, target)

    for step in range(3):
        await run_next(redis, sender, after_ms=step * 5000)

    (told,) = [request for request in target.received if request.path == "/told"]
    said = json.loads(told.body)
    assert (said["event"], said["attempt_number"], said["original_job_id"]) == ("job.dead_lettered", 2, 1)
    shown = [(await jobs.get(redis, team, number)).callback_status for number in (1, 2)]
    assert shown == ["delivered", "delivered"]


async def test_the_callback_of_a_deleted_queue_brings_no_record_back(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    queue = await queues.create(call_of(redis, team), QueueCreate(name="mail", retry_delays=(1,)))
    target.answer("/work", 500)
    first = await a_job(redis, team, target)
    await run_next(redis, sender)
    await jobs.cancel(call_of(redis, team), first)

    await queues.delete(call_of(redis, team), queue.id)
    await prune(redis, team.shard, 1)
    gone = await redis.exists(f"{team.prefix}j:{team.id}:{first}")
    (notice,) = await Claims(redis, SHARD, "w").claim(1)
    await Claims(redis, SHARD, "w").finish([Result(notice, Complete())])

    assert gone == 0
    assert await redis.hgetall(f"{team.prefix}j:{team.id}:{first}") == {}  # type: ignore[misc]


async def test_a_callback_has_retries_of_its_own_and_then_is_a_visible_failure(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer("/told", 503)
    job_id = await a_job(redis, team, target)
    await run_next(redis, sender)

    seen = []
    for step in range(1 + len(OF_NOTICES.retry_delays)):
        await run_next(redis, sender, after_ms=step * LATER)
        seen.append((await jobs.get(redis, team, job_id)).callback_status)

    assert seen == ["retrying", "retrying", "retrying", "failed"]
    keys = {request.headers["Idempotency-Key"] for request in target.received if request.path == "/told"}
    assert len(keys) == 1
    assert (await jobs.get(redis, team, job_id)).final_status == "success"


@pytest.mark.parametrize("status", [500, 503])  # the second holds the host for the whole team
async def test_a_callback_waits_for_no_more_than_minutes_whatever_is_asked(
    redis: Redis, team: Team, sender: Sender, target: Target, status: int
) -> None:
    target.answer("/told", status, retry_after="7200")
    await a_job(redis, team, target)
    await run_next(redis, sender)

    await run_next(redis, sender)
    early = await Claims(redis, SHARD, "w").claim(1, await now_of(redis) + 290_000)
    await run_next(redis, sender, after_ms=301_000)

    assert early == []
    assert [request.path for request in target.received] == ["/work", "/told", "/told"]


async def test_a_callback_is_not_held_for_longer_than_minutes_by_what_its_host_asked_a_job(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", retries_enabled=False))
    target.answer("/work", 503, retry_after="3600")
    job_id = await a_job(redis, team, target)
    await run_next(redis, sender)

    for after_seconds in (0, 200, 299):
        await run_due(redis, sender, after_seconds * 1000)
    held = (await jobs.get(redis, team, job_id)).callback_status
    await run_due(redis, sender, 300_000 * 1.25 + 2000)

    assert held is None
    assert (await jobs.get(redis, team, job_id)).callback_status == "delivered"


async def test_an_execution_is_told_too(redis: Redis, team: Team, sender: Sender, target: Target) -> None:
    asked = CronCreate(
        name="ping",
        url=f"{target.url}/work",
        cron_expression="0 0 1 1 *",
        callback_url=f"{target.url}/told",
    )
    cron = await crons.create(call_of(redis, team), asked)
    execution = await executions.create(call_of(redis, team), cron.id)

    await run_next(redis, sender)
    await run_next(redis, sender)

    said = json.loads(target.received[-1].body)
    assert (said["event"], said["id"], said["cron_id"]) == ("cron.completed", execution.id, cron.id)
    assert (await executions.get(redis, team, cron.id, execution.id)).callback_status == "delivered"


async def test_nobody_is_told_of_what_was_deleted(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    job_id = await a_job(redis, team, target)
    await run_next(redis, sender)

    await jobs.delete(call_of(redis, team), job_id)

    assert await Claims(redis, SHARD, "w").claim(9) == []
    assert [request.path for request in target.received] == ["/work"]
    assert [key async for key in redis.scan_iter("*:n:*")] == []
