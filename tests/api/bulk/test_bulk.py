"""POST /api/crons/bulk and /api/jobs/bulk"""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.actions import crons
from shared.actions.bulk import steps
from shared.operations import Call
from shared.schemas.crons import CronUpdate, CronWithWarnings
from shared.store import paging
from shared.store.connection import OutcomeUnknown
from shared.store.keyspace import Team
from tests import lost
from tests.fires import a_cron
from tests.writes import CRON, HEARTBEAT, JOB

COUNTS = ("matched", "done", "unchanged", "missing", "refused")


async def bulk(client: AsyncClient, noun: str, key: str = "", **body: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await client.post(f"/api/{noun}/bulk", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(result: dict[str, Any]) -> dict[str, int]:
    """Those that are not 0."""
    return {name: result[name] for name in COUNTS if result[name]}


async def make(client: AsyncClient, *names: str) -> None:
    for name in names:
        assert (await client.post("/api/crons", json=CRON | {"name": name})).status_code == 201


async def names(client: AsyncClient, state: str) -> set[str]:
    page = (await client.get("/api/crons", params={"filter": state})).json()
    return {cron["name"] for cron in page["data"]}


async def lines(client: AsyncClient, operation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/audit", params={"operation": operation})).json()[
        "data"
    ]
    return found


async def test_crons_that_a_search_finds_are_paused(client: AsyncClient) -> None:
    await make(client, "night one", "night two", "day")
    await client.patch("/api/crons/1", json={"is_active": False})

    result = await bulk(client, "crons", action="pause", q="name:night")

    assert counts(result) == {"matched": 2, "done": 1, "unchanged": 1}
    assert await names(client, "paused") == {"night one", "night two"}
    assert [(await client.get(f"/api/crons/{one}")).headers["etag"] for one in (1, 2, 3)] == [
        '"2"',
        '"2"',
        '"1"',
    ]


async def test_a_change_touches_only_the_fields_that_it_names(client: AsyncClient) -> None:
    await make(client, "one", "two")
    await client.patch("/api/crons/1", json={"payload": "kept", "timeout_seconds": 7})

    result = await bulk(
        client,
        "crons",
        ids=[2, 1, 2, 9],
        change={"cron_expression": "0 3 * * *", "timezone": "Europe/Berlin"},
    )

    assert counts(result) == {"matched": 3, "done": 2, "missing": 1}
    one = (await client.get("/api/crons/1")).json()
    assert (one["cron_expression"], one["timezone"], one["payload"], one["timeout_seconds"]) == (
        "0 3 * * *",
        "Europe/Berlin",
        "kept",
        7,
    )
    assert one["next_run_at"][11:16] in ("01:00", "02:00")


async def test_what_does_not_go_with_a_cron_is_refused_of_it(client: AsyncClient) -> None:
    await make(client, "one")
    await client.post("/api/crons", json=CRON | {"ends_at": "2999-01-01T00:00:00Z"})

    result = await bulk(client, "crons", ids=[1, 2], change={"starts_at": "2999-06-01T00:00:00Z"})

    assert counts(result) == {"matched": 2, "done": 1, "refused": 1}
    (refusal,) = result["refusals"]
    assert refusal["id"] == 2
    assert refusal["reason"] == "The ends_at field must be later than starts_at."


async def test_crons_are_run_once_under_a_key(client: AsyncClient, redis: Redis, team: Team) -> None:
    await make(client, "one", "two")
    await client.post("/api/crons", json=HEARTBEAT)

    first = await bulk(client, "crons", "k", action="run", ids=[1, 2, 3])
    again = await bulk(client, "crons", "k", action="run", ids=[1, 2, 3])

    assert counts(first) == {"matched": 3, "done": 2, "refused": 1}
    assert again == first
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions") == 2


async def test_crons_are_deleted(client: AsyncClient) -> None:
    await make(client, "one", "two", "three")

    result = await bulk(client, "crons", action="delete", ids=[1, 3], expected_count=2)

    assert counts(result) == {"matched": 2, "done": 2}
    assert await names(client, "all") == {"two"}


async def test_a_dry_run_changes_nothing(client: AsyncClient, redis: Redis) -> None:
    await make(client, *(f"cron {number}" for number in range(22)))
    await client.post("/api/jobs", json=JOB)
    before = await lost.everything(redis)

    result = await bulk(client, "crons", "k", change={"timeout_seconds": 9}, q="name:cron", dry_run=True)
    of_jobs = await bulk(client, "jobs", action="delete", ids=[1, 2], dry_run=True)

    assert await lost.everything(redis) == before
    assert (result["dry_run"], counts(result), len(result["sample"])) == (True, {"matched": 22}, 20)
    assert result["sample"][0] == {
        "id": 22,
        "name": "cron 21",
        "changes": {"timeout_seconds": {"before": 30, "after": 9}},
    }
    assert of_jobs["sample"] == [{"id": 1, "name": JOB["url"], "changes": {}}]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_another_count_than_expected_does_nothing(
    client: AsyncClient, redis: Redis, dry_run: bool
) -> None:
    await make(client, "one", "two")
    before = await lost.everything(redis)
    body = {"action": "pause", "q": "status:active", "expected_count": 3, "dry_run": dry_run}

    answer = await client.post("/api/crons/bulk", json=body)

    assert answer.status_code == 409
    assert "expected_count is 3, but 2 are meant" in answer.json()["error"]
    assert await lost.everything(redis) == before


async def test_a_search_that_did_not_look_at_all_does_nothing(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(client, "one", "two", "three")
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 2)
    monkeypatch.setattr(paging, "_CHUNK", 2)
    before = await lost.everything(redis)
    body = {"action": "pause", "q": "name:two"}

    answer = await client.post("/api/crons/bulk", json=body)
    dry = await bulk(client, "crons", **body, dry_run=True)

    assert answer.status_code == 422
    assert "give ids instead" in answer.json()["errors"]["q"][0]
    assert (dry["matched"], dry["looked_at"]) == (1, 2)
    assert await lost.everything(redis) == before


async def test_jobs_are_cancelled_and_deleted(client: AsyncClient) -> None:
    for _ in range(3):
        await client.post("/api/jobs", json=JOB)
    await client.post("/api/jobs/1/cancel")

    cancelled = await bulk(client, "jobs", action="cancel", ids=[1, 2, 3, 4])
    deleted = await bulk(client, "jobs", action="delete", q="queue:mail status:failed")

    assert counts(cancelled) == {"matched": 4, "done": 2, "unchanged": 1, "missing": 1}
    assert counts(deleted) == {"matched": 3, "done": 3}
    assert (await client.get("/api/jobs")).json()["total"] == 0


async def test_one_line_of_the_audit_trail_names_all(client: AsyncClient) -> None:
    await make(client, *"abcd")

    await bulk(client, "crons", action="pause", ids=[4, 1, 2, 3])
    await bulk(client, "crons", "k", change={"timeout_seconds": 5}, ids=[1, 4])
    await bulk(client, "crons", "k", change={"timeout_seconds": 5}, ids=[1, 4])

    changed, paused = await lines(client, "change-crons")
    assert (changed["about"], paused["about"]) == (["cron:1", "cron:4"], ["cron:1-4"])
    assert {name: change["after"] for name, change in changed["changes"].items()} == {
        "action": "change",
        "change": '{"timeout_seconds":5}',
        "count": "2",
    }
    assert not await lines(client, "update-cron")


async def test_a_repeat_goes_on_with_what_was_meant_first(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(client, "one", "two", "three")
    update = crons.update

    async def broken(call: Call, cron_id: int, changes: CronUpdate) -> CronWithWarnings:
        if cron_id == 2:
            raise OutcomeUnknown("the answer is lost")
        return await update(call, cron_id, changes)

    with monkeypatch.context() as patch:
        patch.setattr(crons, "update", broken)
        body = {"action": "pause", "q": "status:active"}
        answer = await client.post("/api/crons/bulk", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    await make(client, "four")

    result = await bulk(client, "crons", "k", action="pause", q="status:active")

    assert counts(result) == {"matched": 3, "done": 2, "unchanged": 1}
    assert await names(client, "active") == {"four"}
    assert [(await client.get(f"/api/crons/{one}")).headers["etag"] for one in (1, 2, 3)] == ['"2"'] * 3


async def test_what_there_was_no_time_for_is_done_by_repeats(
    client: AsyncClient, redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(client, "one", "two", "three")
    monkeypatch.setattr(steps, "SECONDS", 0.0)

    first = await bulk(client, "crons", "k", action="run", ids=[1, 2, 3])
    monkeypatch.undo()
    again = await bulk(client, "crons", "k", action="run", ids=[1, 2, 3])

    assert (first["done"], first["remaining"]) == (1, 2)
    assert (again["done"], again["remaining"]) == (3, 0)
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions") == 3


async def test_hundreds_are_paused_and_resumed_once_each(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    for number in range(200):
        await a_cron(redis, team, name=f"cron {number}")
    ids = list(range(1, 201))

    await until_none_remain(client, action="pause", ids=ids, expected_count=200)
    assert len(await redis.zrange(f"{team.prefix}x:{team.id}:crons:paused", 0, -1)) == 200
    await until_none_remain(client, action="resume", q="name:cron")

    versions = {await redis.hget(f"{team.prefix}c:{team.id}:{one}", "version") for one in ids}  # type: ignore[misc]
    assert versions == {"3"}


async def until_none_remain(client: AsyncClient, **body: Any) -> None:
    while (await bulk(client, "crons", **body))["remaining"]:
        continue


async def test_a_thousand_jobs_are_cancelled(client: AsyncClient) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 1000}, timeout=60)

    done = 0
    while done < 1000:
        result = await bulk(client, "jobs", action="cancel", q="status:pending")
        assert result["matched"] == 1000 - done == result["done"] + result["remaining"]
        done += result["done"]

    assert (await client.get("/api/jobs", params={"filter": "pending"})).json()["total"] == 0


async def test_a_search_that_looked_at_just_so_many_as_it_may_is_of_all(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(client, "one", "two")
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 2)
    monkeypatch.setattr(paging, "_CHUNK", 2)

    result = await bulk(client, "crons", action="pause", q="name:one")

    assert counts(result) == {"matched": 1, "done": 1}


WRONG = (
    {"action": "pause"},
    {"action": "pause", "ids": [1], "q": "name:one"},
    {"ids": [1]},
    {"ids": [1], "action": "pause", "change": {"timeout_seconds": 3}},
    {"ids": [1], "change": {}},
    {"ids": [1], "change": {"name": "all alike"}},
    {"ids": [], "action": "pause"},
    {"q": "nonsense:1", "action": "pause"},
)


@pytest.mark.parametrize("body", WRONG, ids=str)
async def test_what_is_not_clear_is_refused(client: AsyncClient, body: dict[str, Any]) -> None:
    await make(client, "one")

    answer = await client.post("/api/crons/bulk", json=body)

    assert answer.status_code == 422
    assert await names(client, "active") == {"one"}


@pytest.mark.parametrize("noun", ["crons", "jobs"])
@pytest.mark.parametrize("q", [" ", "\u00a0", '""', '"" ""'])
async def test_a_search_that_says_nothing_deletes_nothing(client: AsyncClient, noun: str, q: str) -> None:
    await client.post(f"/api/{noun}", json={"crons": CRON, "jobs": JOB}[noun])

    for more in ({}, {"dry_run": True}):
        answer = await client.post(f"/api/{noun}/bulk", json={"action": "delete", "q": q, **more})
        assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["q"])

    assert (await client.get(f"/api/{noun}")).json()["total"] == 1
