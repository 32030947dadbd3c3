import httpx
import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from shared import clock
from shared.security import tokens
from shared.store import keyspace
from shared.store.keyspace import Team


async def test_without_limits_requests_are_counted_all_the_same(
    client: httpx.AsyncClient, redis: Redis
) -> None:
    await client.post("/api/jobs", json={"queue": "mail", "url": "https://a.example/"})
    await Claims(redis, keyspace.SHARDS[0], "w").claim(1)

    usage = (await client.get("/api/usage")).json()

    seconds, _ = await redis.time()
    month = f"{clock.moment(seconds * 1000):%Y-%m}"
    resets_at = usage.pop("resets_at")
    assert resets_at.endswith("-01T00:00:00+00:00")
    assert resets_at > f"{month}-31"
    assert usage == {
        "monthly_request_limit": None,
        "soft_limit": None,
        "month": month,
        "requests": 1,
        "months": {month: 1},
    }


async def test_a_limit_holds_from_the_next_start_on(client: httpx.AsyncClient, redis: Redis) -> None:
    asked = {"monthly_request_limit": 1, "soft_limit": 1}
    for _ in range(2):
        await client.post("/api/jobs", json={"queue": "mail", "url": "https://a.example/"})

    put = await client.put("/api/settings/limits", json=asked)
    works = await Claims(redis, keyspace.SHARDS[0], "w").claim(5)

    assert put.json() == (await client.get("/api/settings/limits")).json() == asked
    assert [work.id for work in works] == [1]
    refused = (await client.get("/api/jobs/2")).json()
    assert (refused["final_status"], refused["run"]["failure_reason"]) == (
        "failed_no_retries",
        "limit_exceeded",
    )


async def test_null_lifts_a_limit(client: httpx.AsyncClient) -> None:
    await client.put("/api/settings/limits", json={"monthly_request_limit": 0})

    await client.put("/api/settings/limits", json={})

    assert (await client.get("/api/settings/limits")).json() == {
        "monthly_request_limit": None,
        "soft_limit": None,
    }


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"monthly_request_limit": -1}, "monthly_request_limit"),
        ({"monthly_request_limit": "many"}, "monthly_request_limit"),
        ({"monthly_request_limit": True}, "monthly_request_limit"),
        ({"soft_limit": 1.5}, "soft_limit"),
        ({"hard_limit": 1}, "hard_limit"),
        ({"monthly_request_limit": 1, "soft_limit": 2}, "body"),
    ],
)
async def test_a_wrong_limit_is_named(
    client: httpx.AsyncClient, asked: dict[str, object], field: str
) -> None:
    answer = await client.put("/api/settings/limits", json=asked)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


async def test_only_an_admin_sets_limits(api: str, redis: Redis, token: str) -> None:
    writer = await tokens.create(redis, team="one", name="w", scopes=("write",))
    async with httpx.AsyncClient(base_url=api, headers={"Authorization": f"Bearer {writer}"}) as client:
        refused = await client.put("/api/settings/limits", json={})

        assert refused.status_code == 403
        assert (await client.get("/api/usage")).status_code == 200


async def test_the_limits_of_one_team_are_not_anothers(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await client.put("/api/settings/limits", json={"monthly_request_limit": 7})

    assert (await stranger.get("/api/settings/limits")).json()["monthly_request_limit"] is None


def test_the_key_of_a_teams_settings_is_its_own() -> None:
    assert keyspace.team_settings(Team(2)) == "r:{s0}:t:2"
