"""/healthz and /readyz"""

import time

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.store.keyspace import Team


async def test_a_living_process_says_so(anonymous: AsyncClient) -> None:
    answer = await anonymous.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_with_redis_and_nothing_overdue_it_is_ready(client: AsyncClient) -> None:
    await client.post("/api/jobs", json={"queue": "q", "url": "https://example.com", "delay": 900})

    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "overdue_seconds": 0})


@pytest.mark.parametrize("key", ["due", "crons"])
async def test_overdue_work_is_told_and_leaves_it_ready(
    anonymous: AsyncClient, redis: Redis, team: Team, key: str
) -> None:
    await redis.zadd(f"{team.prefix}{key}", {"1:1": (time.time() - 75) * 1000})

    answer = await anonymous.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert 74 <= answer.json()["overdue_seconds"] <= 80


async def test_a_list_of_due_work_that_cannot_be_read_leaves_it_ready(
    anonymous: AsyncClient, redis: Redis, team: Team
) -> None:
    await redis.set(f"{team.prefix}due", "no list")

    answer = await anonymous.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "overdue_seconds": None})


@pytest.mark.parametrize("key", ["live", "troubles"])
async def test_signs_of_life_that_are_damaged_leave_it_ready(
    anonymous: AsyncClient, redis: Redis, team: Team, key: str
) -> None:
    await redis.set(f"{team.prefix}{key}", "no signs")

    answer = await anonymous.get("/readyz")

    assert answer.status_code == 200


async def test_a_redis_that_takes_no_writes_makes_it_unready(anonymous: AsyncClient, redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)
    try:
        answer = await anonymous.get("/readyz")
    finally:
        await redis.config_set("maxmemory", 0)

    assert (answer.status_code, answer.json()["error"]) == (503, "Storage unavailable")
    assert "maxmemory" in answer.json()["message"]
