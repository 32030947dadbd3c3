"""Those who wait for the same are answered alike, as who does not wait; and only those who still may know."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.worker.work import Complete
from shared.security import tokens
from shared.store import keyspace
from tests.api.work.test_waiting import LONG, answered, asked, end, end_next, everybody_left, waiting
from tests.writes import CRON, JOB

Ask = Callable[[], asyncio.Task[Response]]

__all__ = ["everybody_left"]


@pytest.fixture
async def other(api: str, token: str) -> AsyncIterator[AsyncClient]:
    """A second client of the same token, with connections of its own."""
    async with AsyncClient(base_url=api, headers={"Authorization": f"Bearer {token}"}) as one:
        yield one


async def test_those_who_wait_for_one_job_are_answered_as_who_does_not_wait(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/jobs", json={**JOB, "payload": {"name": "Zoë"}})
    tasks = [asked(client, f"/api/jobs/1?wait={LONG}") for _ in range(20)]
    await waiting(20)

    await end(redis)

    bodies = [(await answered(task)).content for task in tasks]
    assert set(bodies) == {(await client.get("/api/jobs/1")).content}


async def test_those_who_wait_for_different_jobs_are_each_answered_with_theirs(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 3})
    ids = [1, 2, 3] * 5
    tasks = [asked(client, f"/api/jobs/{job}?wait={LONG}") for job in ids]
    await waiting(15)

    await end(redis)

    assert [(await answered(task)).json()["id"] for task in tasks] == ids


async def test_a_job_that_changes_is_not_answered_as_it_was(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    await end(redis)
    before = await client.get(f"/api/jobs/1?wait={LONG}")
    await client.delete("/api/jobs/1")

    after = await client.get(f"/api/jobs/1?wait={LONG}")

    assert (before.status_code, after.status_code) == (200, 404)


async def test_who_hangs_up_leaves_those_who_wait_for_the_same(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/jobs", json=JOB)
    leaving, staying = (asked(one, f"/api/jobs/1?wait={LONG}") for one in (other, client))
    await waiting(2)
    leaving.cancel()
    await waiting(1)

    await end(redis)

    assert (await answered(staying)).json()["status"] == "completed"


async def test_after_all_hung_up_others_can_wait_for_the_same(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/jobs", json=JOB)
    leaving = asked(other, f"/api/jobs/1?wait={LONG}")
    await waiting(1)
    leaving.cancel()
    await waiting(0)
    coming = asked(client, f"/api/jobs/1?wait={LONG}")
    await waiting(1)

    await end(redis)

    assert (await answered(coming)).json()["status"] == "completed"


async def test_all_who_wait_learn_that_the_record_is_damaged(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    tasks = [asked(client, f"/api/crons/1/executions/1?wait={LONG}") for _ in range(3)]
    await waiting(3)
    await redis.hset("r:{s0}:e:1:1", "state", "dreaming")  # type: ignore[misc]

    await redis.xadd(keyspace.events("s0"), {"v": 1, "name": "cron.completed", "team": 1, "refs": "e:1"})

    assert [(await answered(task)).status_code for task in tasks] == [409] * 3


async def test_each_answer_has_the_id_of_its_own_request(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/jobs", json=JOB)
    names = [f"mine-{number}" for number in range(5)]
    tasks = [
        asyncio.create_task(
            client.get(f"/api/jobs/1?wait={LONG}", headers={"X-Request-Id": name}, timeout=LONG)
        )
        for name in names
    ]
    await waiting(5)

    await end_next(redis, Complete())

    assert [(await answered(task)).headers.get_list("x-request-id") for task in tasks] == [
        [name] for name in names
    ]


@pytest.fixture
async def guest(api: str, client: AsyncClient, redis: Redis) -> AsyncClient:
    """A client of team 1 whose token is that of `GUEST`."""
    await redis.ping()
    text = await tokens.create(redis, team="one", name="guest", scopes=("write",))
    return AsyncClient(base_url=api, headers={"Authorization": f"Bearer {text}"})


async def revoke(redis: Redis, guest: AsyncClient) -> None:
    digest = tokens.digest_of(guest.headers["authorization"].removeprefix("Bearer "))
    await tokens.revoke(redis, digest[: tokens.ID_DIGITS])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"/api/jobs/1?wait={LONG}"), ("POST", f"/api/crons/1/run?wait={LONG}")]
)
async def test_a_token_that_was_revoked_while_it_waited_learns_nothing_more(
    client: AsyncClient,
    guest: AsyncClient,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 0.0)
    await client.post("/api/jobs", json=JOB)
    await client.post("/api/crons", json=CRON)
    async with guest:
        tasks = [asked(guest, path, method), asked(client, f"/api/jobs/1?wait={LONG}")]
        await waiting(2)
        await revoke(redis, guest)

        await end(redis)

        refused, fine = [await answered(task) for task in tasks]
    assert (refused.status_code, refused.json()["error"]) == (401, "Invalid authorization token")
    assert fine.status_code == 200


async def test_a_token_that_was_revoked_does_not_learn_that_the_record_is_damaged(
    client: AsyncClient, guest: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 0.0)
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    path = f"/api/crons/1/executions/1?wait={LONG}"
    async with guest:
        tasks = [asked(guest, path), asked(client, path)]
        await waiting(2)
        await revoke(redis, guest)
        await redis.hset("r:{s0}:e:1:1", "state", "dreaming")  # type: ignore[misc]

        await redis.xadd(keyspace.events("s0"), {"v": 1, "name": "cron.completed", "team": 1, "refs": "e:1"})

        assert [(await answered(task)).status_code for task in tasks] == [401, 409]
