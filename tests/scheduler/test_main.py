"""A scheduler goes on, whatever Redis says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from services.scheduler import metrics
from services.scheduler.main import serve
from shared.actions import jobs
from shared.runtime import health
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.poll import until
from tests.refusing import denying

JOB = JobCreate(queue="mail", url="https://a.example/", delay=1)


@pytest.fixture
async def scheduler(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncio.Task[None]]:
    monkeypatch.setattr(metrics, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(health, "HEALTH_SECONDS", 0.2)
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, stopping))
    yield serving
    stopping.set()
    await serving


@pytest.mark.parametrize("denied", [("fcall", "function"), ("smembers", "zrange", "xread"), ("time", "zadd")])
async def test_it_goes_on_after_any_refusal(
    scheduler: asyncio.Task[None], redis: Redis, team: Team, denied: tuple[str, ...]
) -> None:
    async def shows_it() -> bool:
        return any(
            sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
            if sample.name == "recuro_scheduler_trouble"
        )

    async with denying(redis, *denied):
        await until(shows_it)
    await jobs.create(call_of(redis, team), JOB)

    async def is_promoted() -> bool:
        return not await redis.zcard(f"{team.prefix}due")

    await until(is_promoted)
    assert not scheduler.done()


async def test_what_it_cannot_go_on_with_stands_beside_its_sign_of_life(
    scheduler: asyncio.Task[None], redis: Redis
) -> None:
    async def is_said() -> bool:
        said = (await health.troubles(redis)).values()
        return any("patrolling cannot go on" in each and "no permissions" in each for each in said)

    async with denying(redis, "smembers"):
        await until(is_said)
    assert not scheduler.done()
