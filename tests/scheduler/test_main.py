"""A scheduler goes on, whatever Redis says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.scheduler.main import serve
from shared import health, jobs
from shared.keyspace import Team
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from tests.poll import until
from tests.refusing import denying

JOB = JobCreate(queue="mail", url="https://a.example/", delay=1)


@pytest.fixture
async def scheduler(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncio.Task[None]]:
    monkeypatch.setattr(health, "HEALTH_SECONDS", 0.2)
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, stopping))
    yield serving
    stopping.set()
    await serving


async def test_it_goes_on_after_any_refusal(scheduler: asyncio.Task[None], redis: Redis, team: Team) -> None:
    async def is_red() -> bool:
        return any("NOPERM" in said or "no permissions" in said for said in await said_in_trouble(redis))

    async with denying(redis, "smembers"):
        await until(is_red)
    await jobs.create(redis, team, JOB)

    async def is_promoted() -> bool:
        return not await redis.zcard(f"{team.prefix}due")

    await until(is_promoted)
    assert not scheduler.done()


async def said_in_trouble(redis: Redis) -> list[str]:
    return list((await health.troubles(redis)).values())
