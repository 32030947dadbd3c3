"""/api/crons"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.security import tokens

CRON = {"name": "Tidy", "url": "https://example.com/tidy", "cron_expression": "*/5 * * * *"}
FIRST = ["id", "name", "cron_expression", "next_run_at", "is_active"]


async def test_a_new_cron_begins_with_the_documented_fields_and_is_whole(client: AsyncClient) -> None:
    answer = await client.post("/api/crons", json=CRON)

    body = answer.json()
    assert answer.status_code == 201
    assert list(body)[:5] == FIRST
    assert (body["id"], body["is_active"], body["method"], body["timezone"]) == (1, True, "POST", "UTC")
    ahead = datetime.fromisoformat(body["next_run_at"]) - datetime.now(UTC)
    assert timedelta(seconds=-30) < ahead <= timedelta(minutes=5)
    assert (await client.get("/api/crons/1")).json() == body


async def test_a_paused_cron_has_no_next_run(client: AsyncClient) -> None:
    answer = await client.post("/api/crons", json={**CRON, "is_active": False})

    assert (answer.json()["is_active"], answer.json()["next_run_at"]) == (False, None)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_secrets_do_not_follow_the_url_to_another_host(client: AsyncClient, method: str) -> None:
    headers = {"Authorization": "Bearer canary", "X-Tenant": "7"}
    await client.post("/api/crons", json={**CRON, "headers": headers})

    answer = await client.request(method, "/api/crons/1", json={"url": "https://b.example.com/"})

    assert answer.json()["headers"] == {"X-Tenant": "7"}
    (warning,) = answer.json()["warnings"]
    assert "Authorization" in warning
    assert "https://b.example.com:443" in warning


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_only_given_fields_change(client: AsyncClient, method: str) -> None:
    before = (await client.post("/api/crons", json={**CRON, "method": "PUT", "payload": "p"})).json()

    answer = await client.request(method, "/api/crons/1", json={"payload": None, "name": "Sweep"})

    assert answer.status_code == 200
    assert answer.json() == {**before, "payload": None, "name": "Sweep"}


async def test_pausing_and_resuming_take_and_give_the_next_run(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)

    paused = (await client.patch("/api/crons/1", json={"is_active": False})).json()
    resumed = (await client.patch("/api/crons/1", json={"is_active": True})).json()

    assert paused["next_run_at"] is None
    assert resumed["next_run_at"] is not None


async def test_crons_are_listed_by_state_and_search(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons", json={**CRON, "name": "Wait", "is_active": False})

    async def listed(**params: str) -> list[int]:
        return [cron["id"] for cron in (await client.get("/api/crons", params=params)).json()["data"]]

    assert await listed() == await listed(filter="all") == [2, 1]
    assert await listed(filter="active") == [1]
    assert await listed(filter="paused") == [2]
    assert await listed(search="WAIT") == [2]
    assert await listed(search="/tidy") == [2, 1]
    assert await listed(search="tidy example-com wait") == [2]


async def test_a_deleted_cron_is_gone(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await client.delete("/api/crons/1")

    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "id": 1})
    for gone in (
        await client.get("/api/crons/1"),
        await client.patch("/api/crons/1", json={"name": "x"}),
        await client.delete("/api/crons/1"),
    ):
        assert (gone.status_code, gone.json()) == (404, {"error": "Cron not found"})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "n" * 256}, "name"),
    ({"url": "example.com"}, "url"),
    ({"url": "https://exa mple.com"}, "url"),
    ({"cron_expression": "every day"}, "cron_expression"),
    ({"cron_expression": "61 * * * *"}, "cron_expression"),
    ({"cron_expression": "0 0 30 2 *"}, "cron_expression"),
    ({"cron_expression": "* " * 200}, "cron_expression"),
    ({"cron_expression": 5}, "cron_expression"),
    ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "../etc/passwd"}, "timezone"),
    ({"method": "get"}, "method"),
    ({"headers": {"bad name": "x"}}, "headers"),
    ({"payload": {"an": "object"}}, "payload"),
    ({"timeout_seconds": 301}, "timeout_seconds"),
    ({"alert_threshold": 4}, "alert_threshold"),
    ({"callback_url": "javascript:alert(1)"}, "callback_url"),
    ({"is_active": None}, "is_active"),
    ({"id": 7}, "id"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
async def test_a_wrong_field_is_named_at_creation_and_at_change(
    client: AsyncClient, change: dict[str, Any], field: str
) -> None:
    await client.post("/api/crons", json=CRON)

    creation = await client.post("/api/crons", json={**CRON, **change})
    update = await client.patch("/api/crons/1", json=change)

    assert (creation.status_code, update.status_code) == (422, 422)
    assert list(creation.json()["errors"]) == list(update.json()["errors"]) == [field]
    assert (await client.get("/api/crons")).json()["total"] == 1


async def test_a_change_names_a_field_at_least(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)

    for method in ("PATCH", "PUT"):
        answer = await client.request(method, "/api/crons/1", json={})

        assert answer.status_code == 422
        assert answer.json()["message"].startswith("At least one field is required: name, url, ")
        assert list(answer.json()["errors"]) == ["body"]


@pytest.mark.parametrize("query", ["filter=dead", "page=0", "per_page=0", "sort=color", "queue_id=1"])
async def test_a_wrong_query_parameter_is_named(client: AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/crons?{query}")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


async def test_a_heartbeat_is_pinged_without_a_token(client: AsyncClient) -> None:
    asked = {"name": "Backup", "mode": "heartbeat", "cron_expression": "0 3 * * *", "grace_seconds": 600}
    cron = (await client.post("/api/crons", json=asked)).json()
    client.headers.pop("Authorization")

    pinged = await client.post(f"/ping/{cron['ping_key']}", content=b"\xff done")
    looked = await client.get(f"/ping/{cron['ping_key']}")
    failed = await client.post(f"/ping/{cron['ping_key']}/fail")
    wrong = await client.post(f"/ping/{cron['ping_key']}x")

    assert (cron["url"], cron["alert_threshold"]) == ("", 1)
    assert [answer.json()["ok"] for answer in (pinged, looked, failed)] == [True] * 3
    assert (wrong.status_code, wrong.json()) == (404, {"error": "Ping key not found"})


async def test_a_reader_is_not_shown_the_key_that_a_ping_needs(client: AsyncClient, redis: Redis) -> None:
    asked = {"name": "Backup", "mode": "heartbeat", "cron_expression": "0 3 * * *"}
    await client.post("/api/crons", json=asked)
    reader = {"Authorization": f"Bearer {await tokens.create(redis, team='one', name='r', scopes=('read',))}"}

    shown = [(await client.get("/api/crons/1", headers=headers)).json() for headers in ({}, reader)]
    listed = (await client.get("/api/crons", headers=reader)).json()["data"]

    assert [bool(cron["ping_key"]) for cron in (*shown, *listed)] == [True, False, False]


async def test_who_calls_must_be_clear(client: AsyncClient) -> None:
    asked = {"name": "Backup", "cron_expression": "0 3 * * *"}

    answer = await client.post("/api/crons", json=asked)
    changed = await client.post("/api/crons", json={**CRON, "mode": "heartbeat"})

    assert answer.json()["errors"] == {"url": ["The url field is required."]}
    assert list(changed.json()["errors"]) == ["url"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("at=2026-11-25T12:00:00Z", 200),
        ("at=2026-11-25T12:00:00+00:00", 200),
        ("from=2026-11-25T12:00:00Z&to=2026-11-25T13:00:00Z", 200),
        ("", 200),
        ("from=2026-11-25T12:00:00Z", 200),
        ("to=2026-11-25T12:00:00Z", 422),
        ("at=noon", 422),
        ("at=2026-11-25T12:00:00", 422),
        ("at=2026-11-25T12:00:00Z&to=2026-11-25T13:00:00Z", 422),
        ("from=2026-11-25T12:00:00Z&to=2026-11-25T11:00:00Z", 422),
    ],
)
async def test_why_is_asked_for_an_instant_or_a_range(client: AsyncClient, query: str, status: int) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await client.get(f"/api/crons/1/why?{query}")

    assert answer.status_code == status, answer.text
    assert status != 422 or answer.json()["message"].startswith(("The at field", "Ask "))


async def test_an_expression_is_explained_before_it_is_kept(client: AsyncClient) -> None:
    answer = await client.post("/api/crons/explain", json={"cron_expression": "0 9 * * MON-FRI", "count": 3})
    wrong = await client.post("/api/crons/explain", json={"cron_expression": "0 9 * * MOM"})
    nobody = await client.post("/api/crons/explain", json={}, headers={"Authorization": "Bearer rc_nobody"})

    body = answer.json()
    assert (answer.status_code, body["description"]) == (200, "At 09:00, Monday through Friday")
    assert len(body["next_runs"]) == 3
    assert wrong.json()["errors"]["cron_expression"][0].endswith("did you mean 0 9 * * MON?")
    assert nobody.status_code == 401
    assert (await client.get("/api/crons")).json()["total"] == 0
