"""/api/crons/{id}/backfill and /api/backfills"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.replay import step_backfills
from shared.store import keyspace, moments
from tests.fires import claim, end

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SHARD = keyspace.SHARDS[0]


async def a_cron(client: AsyncClient, **fields: object) -> int:
    cron = {"name": "ping", "url": "https://a.example/", "cron_expression": "0 * * * *", **fields}
    answer = await client.post("/api/crons", json=cron)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def now_of(redis: Redis) -> datetime:
    return await moments.now(redis, SHARD)


async def a_range(redis: Redis, hours: int) -> dict[str, str]:
    """One that has so many fires at full hours, all of them over a minute ago."""
    last = (await now_of(redis) - timedelta(minutes=1)).replace(minute=0, second=0, microsecond=0)
    return {"from": (last - (hours - 1) * HOUR).isoformat(), "to": last.isoformat()}


async def test_a_backfill_is_looked_at_begun_followed_and_finished(client: AsyncClient, redis: Redis) -> None:
    cron = await a_cron(client)
    asked: dict[str, Any] = await a_range(redis, 3)

    looked = await client.post(f"/api/crons/{cron}/backfill", json={**asked, "dry_run": True})
    begun = await client.post(
        f"/api/crons/{cron}/backfill", json={**asked, "expected_count": looked.json()["count"]}
    )
    for _ in range(4):
        await step_backfills(redis, SHARD)
        await end(redis, await claim(redis, await now_of(redis)), await now_of(redis))
    shown = await client.get(f"/api/backfills/{begun.json()['id']}")

    assert (looked.status_code, looked.json()["count"], looked.json()["fires"]) == (200, 3, 3)
    assert (begun.status_code, begun.json()["status"], begun.json()["left"]) == (202, "running", 3)
    assert shown.json() | {"ended_at": None} == begun.json() | {
        "status": "finished",
        "left": 0,
        "made": 3,
        "completed": 3,
    }
    executions = (await client.get(f"/api/crons/{cron}/executions")).json()["data"][::-1]
    assert [one["scheduled_at"] for one in executions] == looked.json()["moments"]
    assert {(one["is_backfill"], one["backfill_id"]) for one in executions} == {(True, begun.json()["id"])}


async def test_backfills_are_listed_of_all_crons_and_of_one(client: AsyncClient, redis: Redis) -> None:
    first, second = await a_cron(client), await a_cron(client)
    for cron in (first, second):
        await client.post(f"/api/crons/{cron}/backfill", json=await a_range(redis, 3))

    listed = (await client.get("/api/backfills")).json()
    of_one = (await client.get("/api/backfills", params={"cron_id": first})).json()

    assert [one["cron_id"] for one in listed["data"]] == [second, first]
    assert ([one["cron_id"] for one in of_one["data"]], of_one["total"]) == ([first], 1)


async def test_a_cancelled_one_says_so_again(client: AsyncClient, redis: Redis) -> None:
    cron = await a_cron(client)
    begun = (await client.post(f"/api/crons/{cron}/backfill", json=await a_range(redis, 3))).json()

    cancelled = await client.post(f"/api/backfills/{begun['id']}/cancel")
    again = await client.post(f"/api/backfills/{begun['id']}/cancel")

    assert cancelled.status_code == 200
    assert (cancelled.json()["status"], cancelled.json()["left"]) == ("cancelled", 3)
    assert again.json() == cancelled.json()


async def test_a_range_into_the_future_is_cut_to_now_and_the_answer_says_so(
    client: AsyncClient, redis: Redis
) -> None:
    cron = await a_cron(client)
    asked = await a_range(redis, 3)

    ahead = (await now_of(redis) + 90 * HOUR).isoformat()
    answer = (await client.post(f"/api/crons/{cron}/backfill", json={**asked, "to": ahead})).json()

    assert datetime.fromisoformat(answer["to_at"]) <= await now_of(redis)
    assert answer["warnings"][0].startswith("The to field lies ahead; it is cut to now.")
    assert (await client.get(f"/api/backfills/{answer['id']}")).json()["warnings"] == answer["warnings"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
        ({"from": "2998-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}, "from"),
        ({"from": "1999-01-01T00:00:00Z"}, "to"),
        ({"from": "2025-01-01T00:00:00Z"}, "to"),
        ({"max_parallelism": 0}, "max_parallelism"),
        ({"max_parallelism": 101}, "max_parallelism"),
        ({"rate": 0}, "rate"),
        ({"expected_count": 10_001}, "expected_count"),
        ({"form": "x"}, "form"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_and_makes_nothing(
    client: AsyncClient, redis: Redis, fields: dict[str, Any], field: str
) -> None:
    cron = await a_cron(client)

    answer = await client.post(f"/api/crons/{cron}/backfill", json={**await a_range(redis, 3), **fields})

    assert answer.status_code == 422
    assert field in answer.json()["errors"] or field in answer.json()["message"]
    assert await redis.keys("*backfill*") == []


async def test_a_heartbeat_cannot_be_backfilled_and_the_answer_says_what_can(
    client: AsyncClient, redis: Redis
) -> None:
    cron = await a_cron(client, mode="heartbeat", url="")

    answer = await client.post(f"/api/crons/{cron}/backfill", json=await a_range(redis, 3))

    assert answer.status_code == 422
    assert answer.json()["errors"]["cron_id"][0].endswith("Make one with a url.")


async def test_another_count_or_another_that_runs_is_a_conflict(client: AsyncClient, redis: Redis) -> None:
    cron, asked = await a_cron(client), await a_range(redis, 3)

    other_count = await client.post(f"/api/crons/{cron}/backfill", json={**asked, "expected_count": 2})
    begun = await client.post(f"/api/crons/{cron}/backfill", json=asked)
    other = await client.post(f"/api/crons/{cron}/backfill", json=asked)

    assert (other_count.status_code, begun.status_code, other.status_code) == (409, 202, 409)
    assert f"POST /api/backfills/{begun.json()['id']}/cancel" in other.json()["error"]


async def test_what_is_not_there_is_not_found(client: AsyncClient, redis: Redis) -> None:
    asked = await a_range(redis, 3)

    answers = [
        await client.post("/api/crons/7/backfill", json=asked),
        await client.get("/api/backfills/7"),
        await client.post("/api/backfills/7/cancel"),
    ]

    assert [one.status_code for one in answers] == [404, 404, 404]


async def test_why_names_the_backfill_that_made_the_execution_of_a_moment(
    client: AsyncClient, redis: Redis
) -> None:
    cron = await a_cron(client)
    asked = await a_range(redis, 3)
    await client.post(f"/api/crons/{cron}/backfill", json=asked)
    await step_backfills(redis, SHARD)
    await end(redis, await claim(redis, await now_of(redis)), await now_of(redis))

    why = (await client.get(f"/api/crons/{cron}/why", params=asked)).json()

    assert [(one["verdict"], one["why"]) for one in why["reasons"]] == [
        ("completed", "The target answered with status 200 in 1 ms; backfill 1 made it.")
    ]
