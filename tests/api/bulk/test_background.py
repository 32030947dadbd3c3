"""/api/bulk: changes of more than a thousand, which schedulers go on with."""

from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.scheduler.replay import step_bulks
from shared.actions.bulk import background, steps
from shared.store.keyspace import Team
from shared.store.transitions import Bounds
from tests import lost
from tests.fires import SHARD
from tests.writes import CRON, JOB

COUNTS = ("matched", "done", "unchanged", "missing", "refused", "remaining")


async def begun(client: AsyncClient, noun: str, key: str = "", **body: Any) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await client.post(f"/api/{noun}/bulk", json=body, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return answer


async def shown(client: AsyncClient, bulk: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/bulk/{bulk}")).json()
    return found


def counts(progress: dict[str, Any]) -> dict[str, int]:
    """Those that are not 0."""
    return {name: progress[name] for name in COUNTS if progress[name]}


async def finish(redis: Redis) -> None:
    for _ in range(100):
        if not await step_bulks(redis, SHARD, "a scheduler"):
            return
    raise AssertionError("it does not end")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are too many for one call."""
    monkeypatch.setattr(steps, "AT_ONCE", 1)


async def crons(client: AsyncClient, count: int) -> None:
    for number in range(count):
        made = await client.post("/api/crons", json=CRON | {"name": f"cron {number}"})
        assert made.status_code == 201


async def test_more_than_a_thousand_jobs_are_deleted_in_the_background(
    client: AsyncClient, redis: Redis
) -> None:
    for _ in range(2):
        await client.post("/api/jobs/batch", json={"jobs": [JOB] * 600}, timeout=60)

    answer = await begun(client, "jobs", action="delete", q="queue:mail", expected_count=1200)
    before = answer.json()
    await finish(redis)

    assert answer.headers["location"] == "/api/bulk/1"
    assert (before["state"], counts(before)) == ("running", {"matched": 1200, "remaining": 1200})
    after = await shown(client)
    assert (after["state"], counts(after)) == ("completed", {"matched": 1200, "done": 1200})
    assert after["ended_at"] >= after["started_at"]
    assert (await client.get("/api/jobs")).json()["total"] == 0


@pytest.mark.usefixtures("few")
async def test_what_became_of_each_is_counted(client: AsyncClient, redis: Redis) -> None:
    await crons(client, 2)
    await client.patch("/api/crons/1", json={"timeout_seconds": 9})
    await client.post("/api/crons", json=CRON | {"ends_at": "2999-01-01T00:00:00Z"})

    change = {"timeout_seconds": 9, "starts_at": "2999-06-01T00:00:00Z"}
    await begun(client, "crons", change=change, ids=[3, 2, 9, 1, 2])
    await finish(redis)
    await begun(client, "crons", change={"timeout_seconds": 9}, ids=[1, 2])
    await finish(redis)

    first, second = await shown(client), await shown(client, 2)
    assert counts(first) == {"matched": 4, "done": 2, "missing": 1, "refused": 1}
    assert first["refusals"] == [{"id": 3, "reason": "The ends_at field must be later than starts_at."}]
    assert (first["noun"], first["action"], sorted(first["change"])) == ("cron", None, sorted(change))
    assert (first["actor"], first["state"]) == ("test", "completed")
    assert counts(second) == {"matched": 2, "unchanged": 2}
    listed = (await client.get("/api/bulk")).json()
    assert listed["data"] == [second, first]


@pytest.mark.usefixtures("few")
async def test_cancelling_keeps_what_was_done(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crons(client, 5)
    monkeypatch.setattr("shared.actions.bulk.stepping.BATCH", 2)
    await begun(client, "crons", action="pause", q="name:cron")
    await step_bulks(redis, SHARD, "a scheduler")

    cancelled = await client.post("/api/bulk/1/cancel")
    await finish(redis)

    assert cancelled.status_code == 200
    after = await shown(client)
    assert after == cancelled.json()
    assert (after["state"], after["reason"]) == ("cancelled", "requested")
    assert counts(after) == {"matched": 5, "done": 2, "remaining": 3}
    assert (await client.get("/api/crons", params={"filter": "paused"})).json()["total"] == 2
    assert await redis.keys("*bulk_[ib]*") == []
    assert (await client.post("/api/bulk/7/cancel")).status_code == 404


@pytest.mark.usefixtures("few")
async def test_one_that_is_over_is_not_cancelled(client: AsyncClient, redis: Redis) -> None:
    await crons(client, 2)
    await begun(client, "crons", action="pause", ids=[1, 2])
    await finish(redis)
    before = await shown(client)

    answer = await client.post("/api/bulk/1/cancel")

    assert (answer.status_code, answer.json()) == (200, before)
    assert await shown(client) == before
    assert (before["state"], before["reason"]) == ("completed", None)


@pytest.mark.usefixtures("few")
async def test_a_repeat_under_its_key_begins_no_other(client: AsyncClient, redis: Redis, team: Team) -> None:
    await crons(client, 2)

    first = await begun(client, "crons", "k", action="run", q="name:cron")
    await finish(redis)
    await crons(client, 1)
    again = await begun(client, "crons", "k", action="run", q="name:cron")
    await finish(redis)

    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"] == "/api/bulk/1"
    assert (await client.get("/api/bulk")).json()["total"] == 1
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions") == 2


@pytest.mark.usefixtures("few")
async def test_one_line_of_the_audit_trail_names_it_and_all_of_them(
    client: AsyncClient, redis: Redis
) -> None:
    await crons(client, 4)

    await begun(client, "crons", action="pause", ids=[4, 1, 2])
    await finish(redis)

    lines = (await client.get("/api/audit")).json()["data"]
    (line,) = [one for one in lines if one["operation"] != "create-cron"]
    assert (line["operation"], line["about"]) == ("change-crons", ["bulk:1", "cron:1-2", "cron:4"])
    assert {name: change["after"] for name, change in line["changes"].items()} == {
        "action": "pause",
        "count": "3",
    }


@pytest.mark.usefixtures("few")
async def test_so_many_may_run_and_not_more(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crons(client, 2)
    monkeypatch.setattr(background, "BOUNDS", Bounds(most_running=1, most_kept=1))
    body: dict[str, Any] = {"action": "pause", "ids": [1, 2]}
    await begun(client, "crons", **body)
    before = await lost.everything(redis)

    refused = await client.post("/api/crons/bulk", json=body)

    assert refused.status_code == 409
    assert "GET /api/bulk" in refused.json()["error"]
    assert await lost.everything(redis) == before
    for _ in range(2):
        await finish(redis)
        await begun(client, "crons", **body)
    listed = (await client.get("/api/bulk")).json()["data"]
    assert [(one["id"], one["state"]) for one in listed] == [(3, "running"), (2, "completed")]


async def test_more_ids_than_ten_thousand_are_refused(client: AsyncClient) -> None:
    answer = await client.post("/api/jobs/bulk", json={"action": "cancel", "ids": list(range(1, 10_002))})

    assert answer.status_code == 422


@pytest.mark.usefixtures("few")
async def test_the_limits_of_the_token_hold_for_each_until_it_is_gone(
    client: AsyncClient, anonymous: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crons(client, 3)
    await client.post("/api/crons", json=CRON | {"url": "https://inside.example/"})
    made = await client.post(
        "/api/tokens", json={"name": "limited", "scopes": ["write"], "hosts": ["inside.example"]}
    )
    anonymous.headers["Authorization"] = f"Bearer {made.json()['token']}"
    monkeypatch.setattr("shared.actions.bulk.stepping.BATCH", 2)
    await begun(anonymous, "crons", action="run", ids=[4, 3, 2, 1])
    await step_bulks(redis, SHARD, "a scheduler")

    await client.delete(f"/api/tokens/{made.json()['id']}")
    await finish(redis)

    after = await shown(client)
    assert (after["state"], after["reason"], after["actor"]) == ("cancelled", "token_ended", "limited")
    assert counts(after) == {"matched": 4, "done": 1, "refused": 1, "remaining": 2}
    assert "its hosts limit allows inside.example" in after["refusals"][0]["reason"]


@pytest.mark.usefixtures("few")
async def test_each_run_is_counted_when_it_begins(client: AsyncClient, anonymous: AsyncClient) -> None:
    await crons(client, 3)
    made = await client.post("/api/tokens", json={"name": "limited", "scopes": ["write"], "runs_per_hour": 4})
    anonymous.headers["Authorization"] = f"Bearer {made.json()['token']}"

    await begun(anonymous, "crons", action="run", ids=[1, 2, 3])
    again = await anonymous.post("/api/crons/bulk", json={"action": "run", "ids": [1, 2]})

    assert again.status_code == 429
    assert (await client.get("/api/bulk")).json()["total"] == 1


@pytest.mark.usefixtures("few")
async def test_what_would_have_to_be_sealed_is_refused(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON | {"payload": '{"pin": "1234"}'})
    await crons(client, 1)
    await client.put("/api/settings/redaction", json={"redact": ["body.pin"]})

    await begun(client, "crons", change={"timeout_seconds": 9}, ids=[1, 2])
    await finish(redis)

    after = await shown(client)
    assert counts(after) == {"matched": 2, "done": 1, "refused": 1}
    assert "change it alone" in after["refusals"][0]["reason"]
    assert (await client.patch("/api/crons/1", json={"timeout_seconds": 9})).status_code == 200
