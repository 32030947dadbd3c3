import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from services.worker.intake.arq_shell import StreamWorker
from services.worker.intake.runner import BACKSTOP_SECONDS
from services.worker.main import create_worker
from services.worker.work import Job, Lease
from shared.actions import jobs
from shared.clock import elapsed
from shared.schemas.jobs import JobCreate, JobStatus
from shared.settings import Settings
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.poll import until
from tests.refusing import denying
from tests.target import Target


@pytest.mark.parametrize(("ended", "cancelled"), [(False, True), (True, False)])
async def test_only_what_is_still_being_sent_can_be_overdue(
    redis: Redis, settings: Settings, ended: bool, cancelled: bool
) -> None:
    worker = create_worker(settings, handle_signals=False)
    long_ago = elapsed() - BACKSTOP_SECONDS - 1
    lease = Lease(ended=ended)
    work = Job("s0", 1, "1", 1, "s:", "1-0", 1, 0, "{}", claimed_at=long_ago, lease=lease)
    task = asyncio.ensure_future(_never())
    worker.runner._tasks[work] = task

    worker.runner.cancel_overdue()

    assert (task.cancelling() > 0) is cancelled
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await worker.runner.leave()


async def _never() -> None:
    await asyncio.Event().wait()


UNNOTICED = ("function", "xreadgroup")
"""What is not asked for while there is no work."""


@pytest.fixture
async def working(settings: Settings, redis: Redis) -> AsyncIterator[StreamWorker]:
    worker = create_worker(settings, handle_signals=False)
    serving = asyncio.ensure_future(worker.async_run())
    yield worker
    assert not serving.done()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    await worker.close()


@pytest.mark.parametrize("denied", ["fcall", "function", "xreadgroup", "hset", "time", "xadd", "zadd"])
async def test_a_worker_goes_on_after_any_refusal(
    working: StreamWorker, redis: Redis, target: Target, team: Team, denied: str
) -> None:
    target.answer_with(200, delay=0.2)
    asked = JobCreate(queue="mail", url=f"{target.url}/")
    first = await jobs.create(call_of(redis, team), asked)

    async def has_arrived() -> bool:
        return bool(target.received)

    await until(has_arrived)

    async def has_met_it() -> bool:
        return working.jobs_complete > 0 and (denied in UNNOTICED or bool(working.runner.troubles.sentences))

    async with denying(redis, denied):
        await until(has_met_it)  # the request ends, and its result cannot be written
    second = await jobs.create(call_of(redis, team), asked)

    async def both_are_done() -> bool:
        found = await jobs.read(redis, team, [first.id, second.id])
        return {job.status for job in found} == {JobStatus.COMPLETED}

    await until(both_are_done)
    assert len(target.received) == 2
