"""`q` of the lists: words and keys."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Dead, Result
from shared.store import keyspace, paging
from tests.dead import REFUSED

JOBS = (
    {"queue": "mail", "url": "https://a.example.com/send", "payload": {"order": {"id": 7}}},
    {"queue": "mail", "url": "https://b.example.com/send", "method": "PUT"},
    {"queue": "sync-eu", "url": "https://a.example.com/health-check", "body": "x"},
)
CRONS = (
    {"name": "Health Check", "url": "https://a.example.com/health", "cron_expression": "* * * * *"},
    {
        "name": "Report",
        "url": "https://b.example.com/report",
        "cron_expression": "0 3 * * *",
        "timezone": "Europe/Berlin",
        "is_active": False,
    },
    {"name": "Nightly", "mode": "heartbeat", "cron_expression": "0 4 * * *"},
)


async def found(client: AsyncClient, path: str, q: str, **query: Any) -> list[int]:
    answer = await client.get(path, params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    assert "looked_at" not in answer.json()
    return [row["id"] for row in answer.json()["data"]]


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("send", [2, 1]),
        ("check health", [3]),
        ("queue:mail method:put", [2]),
        ("queue:sync-*", [3]),
        ("host:a.example.com -queue:mail", [3]),
        ("payload.order.id:7", [1]),
        ("status:pending", [3, 2, 1]),
        ("status:completed,failed", []),
        ("attempt>1", []),
        ("since:1h", [3, 2, 1]),
        ("until:1h", []),
    ],
)
async def test_jobs(client: AsyncClient, q: str, ids: list[int]) -> None:
    for job in JOBS:
        await client.post("/api/jobs", json=job)

    assert await found(client, "/api/jobs", q) == ids


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("healthcheck", [1]),
        ("status:active", [3, 1]),
        ("status:paused zone:Europe/Berlin", [2]),
        ("-status:paused mode:request", [1]),
        ("host:*.example.com", [2, 1]),
        ("name:night", [3]),
        ("failures>0", []),
    ],
)
async def test_crons(client: AsyncClient, q: str, ids: list[int]) -> None:
    for cron in CRONS:
        await client.post("/api/crons", json=cron)

    assert await found(client, "/api/crons", q) == ids
    assert (await found(client, "/api/crons", q, filter="active")) == [one for one in ids if one != 2]


async def test_dead_letters_by_what_came_back(client: AsyncClient, redis: Redis) -> None:
    for job in JOBS[:2]:
        await client.post("/api/jobs", json=job)
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    works = await worker.claim(8)
    await worker.finish([Result(work, Dead(), REFUSED, "", "http_server_error 500") for work in works])

    assert await found(client, "/api/dead-letters", "reason:http_server_error code:500") == [2, 1]
    assert await found(client, "/api/dead-letters", "-reason:http_server_error") == []
    assert await found(client, "/api/dead-letters", "host:a.example.com code>500") == []
    assert await found(client, "/api/jobs", "status:dead_lettered,completed host:a.*") == [1]
    assert await found(client, "/api/jobs", "status:failed") == [2, 1]


@pytest.mark.parametrize("path", ["/api/jobs", "/api/crons", "/api/dead-letters"])
async def test_what_cannot_be_understood_is_said(client: AsyncClient, path: str) -> None:
    answer = await client.get(path, params={"q": "hots:a.example.com"})

    assert answer.status_code == 422
    assert answer.json()["message"] == (
        "The q field has no key hots: did you mean host? Text with a colon goes into quotes."
    )


async def test_a_search_that_did_not_look_at_all_says_so(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_LIMIT", 200)
    await client.post("/api/jobs/batch", json={"jobs": [JOBS[0]] * 201})

    first = (await client.get("/api/jobs", params={"q": "queue:mail"})).json()
    further = await client.get("/api/jobs", params={"q": "queue:mail", "before": first["next_before"]})

    assert (first["total"], first["looked_at"], first["next_before"]) == (200, 200, 2)
    assert [job["id"] for job in further.json()["data"]] == [1]
    assert not {"looked_at", "next_before"} & further.json().keys()


@pytest.mark.parametrize(
    ("q", "looked_at"),
    [
        ("reason:http_server_error", None),
        ("code:500", None),
        ("-reason:http_server_error", 2),
        ("method:post", 2),
    ],
)
async def test_what_only_ended_jobs_have_is_looked_for_among_these(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch, q: str, looked_at: int | None
) -> None:
    for job in JOBS[:1] * 4:
        await client.post("/api/jobs", json=job)
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    works = await worker.claim(2)
    await worker.finish([Result(work, Dead(), REFUSED, "", "http_server_error 500") for work in works])
    monkeypatch.setattr(paging, "PAGE_LIMIT", 2)

    page = (await client.get("/api/jobs", params={"q": q})).json()

    assert (page["total"], page.get("looked_at")) == (2, looked_at)


async def test_jobs_before_an_id_are_listed_without_a_search(client: AsyncClient) -> None:
    await client.post("/api/jobs/batch", json={"jobs": [JOBS[0]] * 4})

    older = (await client.get("/api/jobs", params={"before": 3, "per_page": 1})).json()

    assert ([job["id"] for job in older["data"]], older["total"], older["last_page"]) == ([2], 2, 2)


async def test_a_search_ends_when_it_has_found_many(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_FOUND", 150)
    await client.post("/api/jobs/batch", json={"jobs": [JOBS[0]] * 501})

    many = await client.get("/api/jobs", params={"q": "queue:mail"})
    few = await client.get("/api/jobs", params={"q": "-queue:mail"})

    assert (many.json()["total"], many.json()["looked_at"]) == (200, 200)
    assert (few.json()["total"], few.json().get("looked_at")) == (0, None)
