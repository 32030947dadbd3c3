"""Whoever loses the answer to a write does what the 503 says, and it is done once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions import alerts
from shared.settings import Settings
from shared.store.keyspace import Team
from tests import lost
from tests.api.serving import serving
from tests.faults.parts.proxy import Proxy
from tests.writes import JOB, WRITES, Write, ask, do, ready, routes

KEY = {"Idempotency-Key": "order-7"}
ACCOUNTS = ("/api/team", "/api/members", "/api/invitations")
"""What is done to accounts lies in no shard, and remembers its keys apart."""
GO_ON = {("start_replay", 1), ("note_bulk", 1)}
"""Writes that had more to do when their answer was lost: a repeat goes on where they were broken off."""
ALONE = [write for write in WRITES if write.steps == 1]


@pytest.fixture(scope="module")
def way(server: EmbeddedServer) -> Iterator[Proxy]:
    with lost.way_to(server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def cut_api(way: Proxy) -> Iterator[str]:
    """An API whose way to Redis may be cut."""
    with serving(Settings(redis_url=way.url, api_port=0)) as address:
        yield address


@pytest.fixture
async def cut(cut_api: str, token: str, redis: Redis) -> AsyncIterator[AsyncClient]:
    await lost.teach(redis)
    headers = {"Authorization": f"Bearer {token}"}
    async with AsyncClient(base_url=cut_api, headers=headers, timeout=30, verify=False) as client:
        await client.get("/api/usage")  # the token is known from here on, and Redis not asked for it
        yield client


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker tells what became of a test call."""
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)


def test_every_write_of_the_api_is_among_those_that_are_tried() -> None:
    assert {(write.method, write.route) for write in WRITES} == routes()


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_a_write_whose_answer_was_lost_is_done_once_by_who_repeats_it_under_its_key(
    cut: AsyncClient, way: Proxy, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(cut, redis, team, write)
    before = await lost.everything(redis)

    way.cut_after(lost.on_the_wire(write.script), skip=write.steps - 1)
    unheard = await do(cut, write, Idempotency_Key="order-7")
    done = await lost.everything(redis)
    again = await do(cut, write, Idempotency_Key="order-7")
    once_more = await do(cut, write, Idempotency_Key="order-7")

    assert (unheard.status_code, unheard.json()["error"]) == (503, "Outcome unknown")
    assert "same Idempotency-Key" in unheard.json()["message"]
    assert unheard.headers["Retry-After"]
    assert done != before, "it was not done at all, and nothing was tried here"
    assert again.is_success, again.text
    assert (once_more.status_code, once_more.json()) == (again.status_code, again.json())
    assert {one.headers.get("Idempotent-Replayed") for one in (again, once_more)} == {"true"}
    if (write.script, write.steps) not in GO_ON:
        assert await lost.everything(redis) == done


@pytest.mark.parametrize("write", ALONE, ids=str)
async def test_a_repeat_is_answered_as_the_first_was(
    cut: AsyncClient, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(cut, redis, team, write)

    first = await do(cut, write, Idempotency_Key="order-7")
    again = await do(cut, write, Idempotency_Key="order-7")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert [one.headers.get("Idempotent-Replayed") for one in (first, again)] == [None, "true"]


@pytest.mark.parametrize("write", ALONE, ids=str)
async def test_who_gave_no_key_is_told_where_to_look(
    cut: AsyncClient, way: Proxy, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(cut, redis, team, write)

    way.cut_after(lost.on_the_wire(write.script))
    unheard = await do(cut, write)

    assert (unheard.status_code, unheard.json()["error"]) == (503, "Outcome unknown")
    _, _, look = unheard.json()["message"].partition("GET /")
    if write.path.endswith("/test"):
        assert look == ""  # a message in somebody's channel
        return
    found = await cut.get("/" + look.split()[0].rstrip("."))
    if write.method == "DELETE" and "settings" not in write.route:
        assert found.status_code == (401 if write.route == "/api/team" else 404)
    else:
        assert found.status_code == 200


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_a_write_that_never_left_was_not_done_and_nobody_says_else(
    cut: AsyncClient, way: Proxy, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(cut, redis, team, write)
    before = await lost.everything(redis)

    with way.shut():
        await cut.get("/api/usage")  # the connection that was kept is found broken
        refused = await do(cut, write, Idempotency_Key="order-7")
    after = await lost.everything(redis)
    done = await do(cut, write, Idempotency_Key="order-7")

    assert (refused.status_code, refused.json()) == (503, {"error": "Storage unavailable"})
    assert refused.headers["Retry-After"]
    assert after == before
    assert done.is_success, done.text
    assert "Idempotent-Replayed" not in done.headers


@pytest.mark.parametrize("write", [write for write in ALONE if write.body], ids=str)
async def test_a_key_that_was_used_for_something_else_is_refused(
    cut: AsyncClient, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(cut, redis, team, write)
    path, body = "/api/jobs", {**JOB, "queue": "another"}
    if write.route.startswith(ACCOUNTS):
        path, body = "/api/invitations", {"email": "another@example.com"}
    await ask(cut, "POST", path, body, Idempotency_Key="order-7")
    before = await lost.everything(redis)

    answer = await do(cut, write, Idempotency_Key="order-7")

    assert answer.status_code == 409
    assert "idempotency key" in answer.json()["error"]
    assert await lost.everything(redis) == before


async def test_what_redis_refuses_was_not_done(cut: AsyncClient, redis: Redis) -> None:
    await redis.config_set("min-replicas-to-write", 1)
    try:
        refused = await cut.post("/api/jobs", json=JOB, headers=KEY)
    finally:
        await redis.config_set("min-replicas-to-write", 0)

    assert (refused.status_code, refused.json()) == (503, {"error": "Storage unavailable"})
    assert (await cut.post("/api/jobs", json=JOB, headers=KEY)).json()["job_id"] == 1


async def test_a_redis_that_hangs_leaves_the_outcome_unknown(cut: AsyncClient, way: Proxy) -> None:
    with way.black_hole():
        unheard = await cut.post("/api/jobs", json=JOB, headers=KEY)

    again = await cut.post("/api/jobs", json=JOB, headers=KEY)

    assert (unheard.status_code, unheard.json()["error"]) == (503, "Outcome unknown")
    assert again.json()["job_id"] == 1
    assert (await cut.get("/api/jobs")).json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "script"),
    [
        ("GET", "/api/crons/1", None, "read_crons"),
        ("GET", "/api/jobs", None, "page"),
        ("PATCH", "/api/crons/1", {"name": "pong"}, "read_crons"),
    ],
)
async def test_a_read_whose_answer_was_lost_did_nothing(
    cut: AsyncClient, way: Proxy, redis: Redis, method: str, path: str, body: Any, script: str
) -> None:
    """Also the one before a change."""
    cron = {"name": "ping", "url": "https://a.example/", "cron_expression": "0 0 1 1 *"}
    await cut.post("/api/crons", json=cron)
    before = await lost.everything(redis)

    way.cut_after(lost.on_the_wire(script))
    answer = await ask(cut, method, path, body)

    assert (answer.status_code, answer.json()) == (503, {"error": "Storage unavailable"})
    assert await lost.everything(redis) == before


@pytest.mark.parametrize("limit", ["calls_per_day", "runs_per_day"])
async def test_what_cannot_be_counted_was_not_done(
    cut: AsyncClient, way: Proxy, redis: Redis, limit: str
) -> None:
    given = {"name": "limited", "scopes": ["write"], limit: 2}
    token = (await cut.post("/api/tokens", json=given)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    await cut.get("/api/usage", headers=headers)

    way.cut_after(lost.on_the_wire("count_use"), skip=limit == "runs_per_day")
    refused = await cut.post("/api/jobs", json=JOB, headers=headers)
    total = (await cut.get("/api/jobs")).json()["total"]
    again = await cut.post("/api/jobs", json=JOB, headers=headers)

    assert (refused.status_code, refused.json()) == (503, {"error": "Storage unavailable"})
    assert total == 0
    assert again.status_code == (429 if limit == "calls_per_day" else 201)  # its count was not lost
