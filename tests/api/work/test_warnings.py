"""Writes that are accepted and will not do what was meant are answered with `warnings`, at the end."""

from typing import Any

import pytest
from httpx import AsyncClient

CRON = {"name": "Tidy", "url": "https://a.example/tidy", "cron_expression": "*/5 * * * *"}
JOB = {"queue": "mail", "url": "https://a.example/send"}
PAUSED = "It is paused: it will not fire until is_active is true."


async def test_a_cron_is_answered_with_warnings_when_it_is_written_and_not_when_it_is_read(
    client: AsyncClient,
) -> None:
    made = (await client.post("/api/crons", json={**CRON, "is_active": False})).json()
    named = (await client.patch("/api/crons/1", json={"name": "Sweep"})).json()
    resumed = (await client.patch("/api/crons/1", json={"is_active": True})).json()
    shown = (await client.get("/api/crons/1")).json()

    assert list(made)[-1] == list(named)[-1] == "warnings"
    assert made["warnings"] == named["warnings"] == [PAUSED]
    assert "warnings" not in resumed
    assert "warnings" not in shown


@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/batch"])
async def test_a_job_in_a_paused_queue_is_told_that_it_waits(client: AsyncClient, path: str) -> None:
    await client.post("/api/queues", json={"name": "mail", "is_active": False})

    async def made(queue: str) -> dict[str, Any]:
        asked = JOB | {"queue": queue}
        answer = (await client.post(path, json={"jobs": [asked]} if "batch" in path else asked)).json()
        found: dict[str, Any] = answer["results"][0] if "batch" in path else answer
        return found

    paused, active = await made("mail"), await made("other")

    assert list(paused) == ["success", "queue_id", "job_id", "scheduled_at", "message", "warnings"]
    assert paused["warnings"] == [
        "The queue mail is paused: the job waits until the queue's is_active is true."
    ]
    assert list(active) == ["success", "queue_id", "job_id", "scheduled_at", "message"]


async def test_a_repeat_under_the_same_key_is_told_the_same(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail", "is_active": False})

    first, again = [
        await client.post("/api/jobs", json=JOB, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["warnings"] == again.json()["warnings"] != []


async def test_rest_says_why_the_last_run_failed(client: AsyncClient) -> None:
    shown = (await client.post("/api/crons", json=CRON)).json()

    assert (shown["last_failure_reason"], shown["last_error"]) == (None, None)


@pytest.mark.parametrize(
    "expression",
    [
        "* */15 * * * *",
        "*/7 * * * *",
        "* 2 * * *",
        "0 0 31 * *",
        "0 0 29 2 *",
        "0 0 1 * MON",
        "*/10 * * * * *",
        "5 4 * * *",
    ],
)
async def test_a_new_cron_is_warned_of_all_that_explain_warns_of(
    client: AsyncClient, expression: str
) -> None:
    timing = {"cron_expression": expression, "timezone": "Europe/Berlin", "spread_seconds": 90}

    explained = await client.post("/api/crons/explain", json=timing)
    created = await client.post("/api/crons", json={"name": "a", "url": "https://a.example/", **timing})

    expected = explained.json()["warnings"]
    found = created.json().get("warnings", [])
    assert [warning for warning in found if warning in expected] == expected
