"""Whatever Redis refuses with, the API says that the storage is in trouble, and never that it is itself."""

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from tests.refusing import denying

JOB = {"queue": "mail", "url": "https://a.example/"}


@pytest.mark.parametrize("command", ["fcall", "function|fcall"])
async def test_a_command_that_is_denied_is_a_503_until_it_is_allowed(
    client: AsyncClient, redis: Redis, command: str
) -> None:
    await client.post("/api/jobs", json=JOB)

    async with denying(redis, *command.split("|")):
        refused = await client.post("/api/jobs", json=JOB)
        listed = await client.get("/api/jobs")
    after = await client.post("/api/jobs", json=JOB)

    assert [one.status_code for one in (refused, listed, after)] == [503, 503, 201]
    assert refused.headers["Retry-After"] == "1"
    assert "fcall" in refused.json()["message"]


async def test_a_write_that_is_refused_in_its_middle_may_have_been_done(
    client: AsyncClient, redis: Redis
) -> None:
    async with denying(redis, "hset"):
        refused = await client.post("/api/jobs", json=JOB)

    assert (refused.status_code, refused.json()["error"]) == (503, "Outcome unknown")


async def test_readiness_says_what_redis_refuses_with(anonymous: AsyncClient, redis: Redis) -> None:
    async with denying(redis, "set"):
        red = await anonymous.get("/readyz")

    assert red.status_code == 503
    assert "no permissions to run the 'set' command" in red.json()["message"]


async def test_what_is_stored_in_a_wrong_way_is_no_fault_of_ours(client: AsyncClient, redis: Redis) -> None:
    await redis.set("r:{s0}:ledger:1", "no hash")

    answer = await client.get("/api/usage")

    assert (answer.status_code, answer.json()["error"]) == (409, "Record damaged")
    assert "recuro doctor" in answer.json()["message"]
