"""What the limits of a token do to changes of many."""

import re
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from shared.actions.bulk import background, steps
from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions import Bounds
from tests import dead
from tests.writes import CRON, JOB

BULK = "/api/crons/bulk"
BEAT = {"name": "beat", "mode": "heartbeat"}
PAST = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:03:00Z"}


async def as_limited(client: AsyncClient, other: AsyncClient, **limits: Any) -> None:
    made = await client.post("/api/tokens", json={"name": "limited", "scopes": ["write"], **limits})
    other.headers["Authorization"] = f"Bearer {made.json()['token']}"


async def test_hosts_outside_are_refused_of_each(client: AsyncClient, anonymous: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons", json=CRON | {"url": "https://inside.example/"})
    await as_limited(client, anonymous, hosts=["inside.example"])

    for body in ({"action": "run"}, {"action": "pause"}, {"change": {"timeout_seconds": 3}}):
        answer = (await anonymous.post(BULK, json=body | {"ids": [1, 2]})).json()

        assert (answer["done"], answer["refused"]) == (1, 1), body
        assert answer["refusals"][0]["id"] == 1
        assert "its hosts limit allows inside.example" in answer["refusals"][0]["reason"]
    assert (await client.get("/api/crons/1")).json()["is_active"]


async def test_who_may_not_delete_deletes_none(client: AsyncClient, anonymous: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/jobs", json=JOB)
    await as_limited(client, anonymous, may_delete=False)

    answers = [
        await anonymous.post(path, json={"action": "delete", "ids": [1]}) for path in (BULK, "/api/jobs/bulk")
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (await client.get("/api/crons/1")).status_code == 200
    assert (await client.get("/api/jobs/1")).status_code == 200


async def test_each_run_of_many_is_counted(
    client: AsyncClient, anonymous: AsyncClient, redis: Redis, team: Team
) -> None:
    for _ in range(3):
        await client.post("/api/crons", json=CRON)
    await as_limited(client, anonymous, runs_per_hour=4)

    first = await anonymous.post(BULK, json={"action": "run", "ids": [1, 2, 3]})
    again = await anonymous.post(BULK, json={"action": "run", "ids": [1, 2]})
    one = await anonymous.post(BULK, json={"action": "run", "ids": [1]})

    assert [answer.status_code for answer in (first, again, one)] == [200, 429, 200]
    assert await redis.zcard(f"{keyspace.prefix(team.shard)}x:{team.id}:executions") == 4


def left(answer: Response) -> int:
    """Of the token's runs of the hour, as the answer says."""
    found = re.search(r'"runs-hour";r=(\d+)', answer.headers["RateLimit"])
    assert found
    return int(found[1])


async def test_what_is_refused_uses_up_no_runs(
    client: AsyncClient, anonymous: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "AT_ONCE", 1)
    monkeypatch.setattr(background, "BOUNDS", Bounds(most_running=0, most_kept=9))
    await client.post("/api/crons", json=CRON | {"cron_expression": "* * * * *"})
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons", json={**BEAT, "cron_expression": "* * * * *"})
    await client.post("/api/crons/1/backfill", json=PAST)
    await dead.dead_letters(redis, Team(1), 2)
    await as_limited(client, anonymous, runs_per_hour=5)

    asked: list[tuple[str, dict[str, Any], int]] = [
        (BULK, {"action": "run", "ids": [1, 2]}, 409),
        ("/api/crons/1/backfill", PAST, 409),
        ("/api/crons/3/run", {}, 409),
        ("/api/crons/9/run", {}, 404),
        ("/api/dead-letters/replay", {"all": True, "expected_count": 3}, 409),
    ]
    refused = [await anonymous.post(path, json=body) for path, body, _ in asked]
    done = await anonymous.post("/api/crons/1/run")

    assert [answer.status_code for answer in refused] == [status for *_, status in asked]
    assert [left(answer) for answer in refused] == [5] * len(asked)
    assert (done.status_code, left(done)) == (202, 4)
