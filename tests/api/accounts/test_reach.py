"""A token that may not reach a host cannot reach it by a detour either."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from shared.actions import alerts
from shared.store import records, transitions
from shared.store.keyspace import Team
from tests import dead
from tests.api import described
from tests.writes import CHANNELS, CRON, JOB, PAST

INSIDE, OUTSIDE = "https://api.inside.example/", "https://outside.example/"
Way = Callable[[AsyncClient], Awaitable[Response]]


@pytest.fixture
async def other(api: str, client: AsyncClient) -> AsyncIterator[AsyncClient]:
    """A client of team 1 that may have only `*.inside.example` called."""
    given = {"name": "inside", "scopes": ["admin"], "hosts": ["*.inside.example"], "queues": ["in-*"]}
    token = (await client.post("/api/tokens", json=given)).json()["token"]
    hooks: Any = {"response": [described.check]}
    async with AsyncClient(base_url=api, timeout=30, verify=False, event_hooks=hooks) as found:
        found.headers["Authorization"] = f"Bearer {token}"
        yield found


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("POST", "/api/jobs", {"queue": "in-a", "url": INSIDE, "callback_url": OUTSIDE}, "outside.example"),
        ("POST", "/api/crons", {**CRON, "url": INSIDE, "callback_url": OUTSIDE}, "outside.example"),
        ("PATCH", "/api/crons/1", {"url": INSIDE, "callback_url": None}, "outside.example"),
        ("PATCH", "/api/crons/2", {"name": "renamed"}, "outside.example"),
        ("PATCH", "/api/crons/2", {"is_active": True}, "outside.example"),
        ("PATCH", "/api/crons/3", {"url": OUTSIDE}, "outside.example"),
        ("POST", "/api/crons/1/run", None, "outside.example"),
        ("POST", "/api/crons/2/run", None, "outside.example"),
        ("POST", "/api/crons/1/backfill", PAST, "outside.example"),
        ("POST", "/api/crons/2/backfill", PAST | {"dry_run": True}, "outside.example"),
        ("PUT", CHANNELS, {"slack": {"url": OUTSIDE}}, "outside.example"),
        ("PUT", CHANNELS, {"email": {"to": ["a@x.inside.example", "b@outside.example"]}}, "outside.example"),
        ("POST", f"{CHANNELS}/test", {"channel": "webhook"}, "outside.example"),
        ("POST", f"{CHANNELS}/test", {"channel": "email"}, "outside.example"),
        ("PATCH", "/api/queues/1", {"name": "in-mine"}, "the queue mail"),
        ("PATCH", "/api/queues/2", {"name": "out"}, "the queue out"),
    ],
)
async def test_a_detour_is_refused(
    client: AsyncClient, other: AsyncClient, method: str, path: str, body: Any, named: str
) -> None:
    for given in (
        {"url": OUTSIDE},
        {"url": INSIDE, "callback_url": OUTSIDE, "is_active": False},
        {"url": INSIDE},
    ):
        await client.post("/api/crons", json={**CRON, **given})
    for name in ("mail", "in-a"):
        await client.post("/api/queues", json={"name": name})
    channels = {"webhook": {"url": OUTSIDE}, "email": {"to": ["ops@outside.example"]}}
    await client.put(CHANNELS, json=channels)
    before = [(await client.get(one)).json() for one in ("/api/crons", "/api/queues", CHANNELS)]

    answer = await other.request(method, path, json=body)

    assert answer.status_code == 403, answer.text
    assert named in answer.json()["error"]
    assert before == [(await client.get(one)).json() for one in ("/api/crons", "/api/queues", CHANNELS)]
    assert (await client.get("/api/jobs")).json()["total"] == 0


async def test_what_is_inside_is_done(
    client: AsyncClient, other: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)
    channels = {"webhook": {"url": INSIDE}, "email": {"to": ["ops@mail.inside.example"]}}

    answers = [
        await other.post("/api/jobs", json={"queue": "in-a", "url": INSIDE, "callback_url": INSIDE}),
        await other.post("/api/crons", json={**CRON, "url": INSIDE}),
        await other.patch("/api/crons/1", json={"is_active": False}),
        await other.patch("/api/crons/1", json={"is_active": True}),
        await other.post("/api/crons/1/run"),
        await other.put(CHANNELS, json=channels),
        await other.post(f"{CHANNELS}/test", json={"channel": "webhook"}),
        await other.post("/api/jobs/1/cancel"),
        await other.delete("/api/jobs/1"),
    ]

    assert [one.status_code for one in answers] == [201, 201, 200, 200, 202, 200, 202, 200, 200]
    assert (await client.delete("/api/crons/1")).status_code == 200


async def test_cancelling_and_deleting_call_nobody(client: AsyncClient, other: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/jobs", json={**JOB, "queue": "in-a"})

    cancelled, deleted = await other.post("/api/jobs/1/cancel"), await other.delete("/api/crons/1")

    assert (cancelled.status_code, deleted.status_code) == (200, 200)


async def test_of_a_batch_what_is_outside_stops_no_other_job(other: AsyncClient) -> None:
    jobs = [
        {"queue": "in-a", "url": INSIDE},
        {"queue": "in-a", "url": OUTSIDE},
        {"queue": "mail", "url": INSIDE},
    ]

    results = (await other.post("/api/jobs/batch", json={"jobs": jobs})).json()["results"]

    assert [one["success"] for one in results] == [True, False, False]
    assert [list(one["errors"]) for one in results[1:]] == [["url"], ["queue"]]


LONG = {"X-Long": "x" * 8000}


@pytest.mark.parametrize(
    ("given", "is_inside"),
    [
        ({"url": INSIDE}, True),
        ({"url": INSIDE, "headers": LONG, "payload": {"a": "y" * 70_000}}, True),
        (
            {"url": INSIDE, "headers": LONG, "callback_url": INSIDE, "payload": None, "body": "z" * 70_000},
            True,
        ),
        ({"url": OUTSIDE}, False),
        ({"url": INSIDE, "callback_url": OUTSIDE}, False),
        ({"url": f"{INSIDE}{'p' * 1900}", "headers": LONG, "callback_url": f"{OUTSIDE}{'q' * 1900}"}, False),
        ({"url": INSIDE, "callback_url": OUTSIDE, "headers": LONG, "payload": {"a": "y" * 70_000}}, False),
        ({"url": INSIDE, "queue": "mail"}, False),
    ],
)
async def test_only_dead_letters_inside_are_tried_again(
    client: AsyncClient,
    other: AsyncClient,
    redis: Redis,
    team: Team,
    given: dict[str, Any],
    is_inside: bool,
) -> None:
    await dead.dead_letters(redis, team, 1, **{"queue": "in-a", **given})

    later = (await other.post("/api/dead-letters/replay", json={"all": True})).json()
    at_once = (await other.post("/api/dead-letters/replay", json={"ids": [1]})).json()

    assert [one["job_id"] for one in at_once["replayed"]] == ([1] if is_inside else [])
    assert [one["reason"] for one in at_once["skipped"]] == (
        [] if is_inside else ["Its queue, or a host that it calls, is outside the limits of the token."]
    )
    assert later["total"] == (1 if is_inside else 0)


async def test_a_cron_that_changed_since_it_was_checked_is_not_run(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await client.post("/api/crons", json={**CRON, "url": INSIDE})
    checked = (await transitions.read_crons(redis, team, [1]))[1][0]
    version = records.fields_of(checked.fields)["version"]
    await client.patch("/api/crons/1", json={"url": OUTSIDE})

    ran = await transitions.run_cron(redis, team, cron=1, version=version)

    assert ran == -2
    assert (await client.get("/api/crons/1/executions")).json()["total"] == 0
