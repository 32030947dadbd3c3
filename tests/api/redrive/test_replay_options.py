"""POST /api/dead-letters/replay with a dry run, an expected count, a trial and a change, as callers meet it."""

from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.work import Complete, Dead
from shared.store import ledger
from shared.store.keyspace import Team
from tests import dead
from tests.api import described

PATH = "/api/dead-letters/replay"


async def test_a_dry_run_says_what_would_be_done(client: httpx.AsyncClient, redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)

    answer = await client.post(PATH, json={"all": True, "rate": 2, "dry_run": True})

    assert answer.status_code == 200
    assert answer.json() == {
        "replayed": [],
        "skipped": [],
        "plan": {
            "selected": 3,
            "would_replay": 3,
            "skipped": [],
            "by_queue": [{"name": "mail", "count": 3}],
            "by_host": [{"name": "a.example", "count": 3}],
            "by_failure_reason": [{"name": "timeout", "count": 3}],
            "drops_headers": [],
            "seconds": 2,
            "looked_at": 3,
            "has_more": False,
        },
    }
    assert (await client.get("/api/dead-letters/replays")).json()["total"] == 0
    assert (await ledger.read(redis, team)).accepted == 3


async def test_another_count_is_refused_with_409_and_both_numbers(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 3)
    headers = {"Idempotency-Key": "redrive-1"}

    for _ in range(2):
        answer = await client.post(PATH, json={"all": True, "expected_count": 2}, headers=headers)
        assert answer.status_code == 409
        assert "is 2, but 3" in answer.json()["error"]

    assert await step(redis, team.shard) == 0
    assert (await ledger.read(redis, team)).accepted == 3


async def test_a_trial_shows_its_state_and_why_it_stopped(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 3)
    made = await client.post(PATH, json={"all": True, "send_one_first": True})
    await step(redis, team.shard)
    tries = (await client.get("/api/dead-letters/replays/1")).json()

    await dead.end_all(redis, Dead())

    stopped = (await client.get("/api/dead-letters/replays/1")).json()
    assert (made.status_code, made.json()["state"]) == (202, "trying")
    assert (tries["state"], tries["first_job_id"], tries["reason"]) == ("trying", 4, None)
    assert (stopped["state"], stopped["reason"], stopped["replayed"]) == ("stopped", "first_failed", 1)


async def test_one_is_edited_and_sent_again(client: httpx.AsyncClient, redis: Redis, team: Team) -> None:
    given = {"queue": "mail", "url": dead.URL, "headers": {"Authorization": "Bearer of-a", "X-Tenant": "7"}}
    await client.post("/api/jobs", json=given)
    await dead.end_all(redis, Dead(), int((await redis.time())[0]) * 1000)
    change = {
        "url": "https://b.example/fixed",
        "payload": {"n": 2},
        "headers": {"X-Tenant": None},
        "timeout_seconds": 9,
    }

    answer = await client.post(PATH, json={"ids": [1], "change": change})

    assert answer.status_code == 200
    assert "Authorization" in answer.json()["warnings"][0]
    job = (await client.get("/api/jobs/2")).json()
    assert (job["url"], job["payload"], job["headers"]) == ("https://b.example/fixed", {"n": 2}, None)
    assert (job["timeout_seconds"], job["replay_of"]) == (9, 1)
    assert await dead.end_all(redis, Complete(), int((await redis.time())[0]) * 1000) == [2]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"change": {}}, "change"),
        ({"change": {"url": "https://b.example/"}}, ""),
        ({"change": {"origin": "https://b.example/path"}}, "change.origin"),
        ({"change": {"origin": "http://127.0.0.1"}}, "change.origin"),
        ({"change": {"headers": {"Host": "b.example"}}}, "change.headers"),
        ({"change": {"headers": {"Authorization": "********"}}}, "change.headers"),
        ({"change": {"payload": {}, "headers": {"Content-Type": "text/xml"}}}, "change.payload"),
        ({"dry_run": True, "expected_count": 3}, ""),
        ({"expected_count": -1}, "expected_count"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, redis: Redis, team: Team, given: dict[str, Any], field: str
) -> None:
    await dead.dead_letters(redis, team, 2)

    answer = await client.post(PATH, json={"all": True, **given})

    assert answer.status_code == 422, answer.text
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.text
    assert (await ledger.read(redis, team)).accepted == 2


async def test_a_token_moves_nothing_to_or_from_hosts_that_it_may_not_reach(
    api: str, client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    limits = {"name": "inside", "scopes": ["write"], "hosts": ["*.inside.example"], "queues": ["mail"]}
    token = (await client.post("/api/tokens", json=limits)).json()["token"]
    await dead.dead_letters(redis, team, 2, url="https://a.inside.example/")
    await dead.dead_letters(redis, team, 1, url="https://outside.example/")
    await dead.dead_letters(redis, team, 1, url="https://a.inside.example/", queue="other")
    hooks: Any = {"response": [described.check]}
    async with httpx.AsyncClient(base_url=api, timeout=30, event_hooks=hooks) as limited:
        limited.headers["Authorization"] = f"Bearer {token}"

        out = await limited.post(PATH, json={"all": True, "change": {"origin": "https://outside.example"}})
        change = {"origin": "https://b.inside.example"}
        plan = (await limited.post(PATH, json={"all": True, "change": change, "dry_run": True})).json()[
            "plan"
        ]
        moved = await limited.post(PATH, json={"all": True, "change": change, "expected_count": 2})

    assert out.status_code == 403
    assert (plan["would_replay"], [one["count"] for one in plan["skipped"]]) == (2, [2])
    assert (moved.status_code, moved.json()["total"]) == (202, 2)
