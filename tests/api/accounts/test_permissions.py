"""Every operation, tried with tokens of every limit, does what the table of docs/tokens.md says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from shared.actions import alerts
from shared.operations import Operation
from shared.store.keyspace import Team
from tests.api import described
from tests.api.accounts.test_auth import path_of
from tests.docs.pages import code, tables
from tests.writes import WRITES, Write, ask, ready

ROWS = {
    code(row["Operation"])[0]: row
    for table in tables("tokens.md")
    for row in table.rows
    if "Operation" in row
}
OFTEN = {"cron_expression": "* * * * *"}
LIMITS: dict[str, dict[str, Any]] = {
    "hosts": {"hosts": ["inside.example"]},
    "queues": {"queues": ["inside-*"]},
    "min_interval_seconds": {"min_interval_seconds": 3600},
    "may_delete": {"may_delete": False},
    "runs_per_…": {"runs_per_hour": 1},
}
"""By its column, of what all that `tests.writes` asks for is outside."""
COLUMNS = {"may_delete": "`may_delete` false"}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker tells what became of a test call."""
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)


@pytest.fixture
async def other(api: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(
        base_url=api, timeout=30, verify=False, event_hooks={"response": [described.check]}
    ) as client:
        yield client


def test_the_page_has_every_operation_with_its_scope() -> None:
    assert [(name, row["Scope"]) for name, row in ROWS.items()] == [
        (one.name, one.scope) for one in OPERATIONS
    ]


def writes_of(operation: Operation) -> list[Write]:
    """The ways in which it is tried that no other step is needed for; a read in one."""
    found = [one for one in WRITES if (one.method, one.route) == (operation.method, operation.path)]
    if found:
        return [one for one in found if one.steps == 1]
    path = operation.path.format_map({each.name: 1 for each in operation.ids})
    bodies = {"explain-schedule": {"cron_expression": "0 0 * * *"}, "check-signature": {"headers": {}}}
    return [Write(operation.method, operation.path, path, "", bodies.get(operation.name))]


async def limited(client: AsyncClient, other: AsyncClient, **limits: Any) -> dict[str, Any]:
    """A token with these limits, with which the other client calls."""
    answer = await client.post("/api/tokens", json={"name": "limited", "scopes": ["admin"], **limits})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    other.headers["Authorization"] = f"Bearer {found['token']}"
    return found


async def tried(other: AsyncClient, write: Write, limit: str) -> Response:
    body = write.body
    if (
        limit == "min_interval_seconds"
        and write.route.startswith("/api/crons")
        and body
        and not write.route.endswith(("explain", "backfill"))
    ):
        body = {"change": OFTEN, "ids": [1]} if write.route.endswith("bulk") else {**body, **OFTEN}
    return await ask(other, write.method, write.path, body)


def is_as_said(cell: str, answer: Response, limit: str) -> bool:
    """Whether an answer is what the cell says."""
    match cell:
        case "403":
            said = answer.json().get("error", "")
            return answer.status_code == 403 and f"its {limit} limit" in said
        case "never":
            return answer.status_code == 403 and "with limits" in answer.json()["error"]
        case "422":
            return (
                answer.status_code == 422
                and "min_interval_seconds" in answer.json()["errors"]["cron_expression"][0]
            )
        case "each":
            refused = [one for one in answer.json()["results"] if f"its {limit} limit" in one["message"]]
            return answer.status_code == 200 and len(refused) == 2
        case "left out":
            said = answer.json()
            done = said.get("replayed") or said.get("total") or said.get("purged") or said.get("done")
            return answer.is_success and not done
        case "counted":
            return answer.status_code == 429
    return answer.status_code not in (403, 429)


def cell_of(operation: Operation, limit: str) -> str:
    return ROWS[operation.name][COLUMNS.get(limit, f"`{limit}`")]


TRIED = [(one, limit) for limit in LIMITS for one in OPERATIONS if cell_of(one, limit) != "own"]
"""What a token gives another is tried in tests/security/test_limits.py and tests/api/accounts/test_tokens.py."""


@pytest.mark.parametrize(("operation", "limit"), TRIED, ids=lambda of: getattr(of, "name", of))
async def test_a_limit_does_what_the_page_says(
    client: AsyncClient, other: AsyncClient, redis: Redis, team: Team, operation: Operation, limit: str
) -> None:
    cell = cell_of(operation, limit)
    for write in writes_of(operation):
        write = await ready(client, redis, team, write)
        token = await limited(client, other, **LIMITS[limit])
        if limit == "runs_per_…":
            await other.post("/api/jobs", json={"queue": "any", "url": "https://a.example/"})

        answer = await tried(other, write, limit)

        assert is_as_said(cell, answer, limit), (cell, answer.status_code, answer.text)
        await client.delete(f"/api/tokens/{token['id']}")
        await client.delete("/api/tokens/2")


@every_operation
async def test_every_call_counts(client: AsyncClient, other: AsyncClient, operation: Operation) -> None:
    await limited(client, other, calls_per_day=1)
    await other.get("/api/usage")

    answer = await ask(other, operation.method, path_of(operation), None)

    assert answer.status_code == 429
    assert answer.headers["RateLimit"].startswith('"calls-day";r=0;')


@pytest.mark.parametrize("ended", ["deleted", "regenerated", "mistyped", "of an earlier form"])
async def test_a_token_that_has_ended_opens_nothing(
    client: AsyncClient, other: AsyncClient, ended: str
) -> None:
    token = await limited(client, other)
    match ended:
        case "deleted":
            await client.delete(f"/api/tokens/{token['id']}")
        case "regenerated":
            await client.post(f"/api/tokens/{token['id']}/regenerate")
        case "mistyped":
            other.headers["Authorization"] = f"Bearer {token['token'][:-1]}-"
        case _:
            other.headers["Authorization"] = f"Bearer {token['token'][:46]}"

    # One token for all operations: each other would be a guess more.
    answers = [await ask(other, one.method, path_of(one), None) for one in OPERATIONS]

    assert {(one.status_code, one.json()["error"]) for one in answers} == {
        (401, "Invalid authorization token")
    }


async def test_resuming_a_key_needs_a_token_for_all_hosts(client: AsyncClient, other: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail"})
    await client.post("/api/queues/1/keys/pause", json={"key": "a"})
    await limited(client, other, **LIMITS["hosts"])

    paused = await other.post("/api/queues/1/keys/pause", json={"key": "b"})
    resumed = await other.post("/api/queues/1/keys/resume", json={"key": "a"})

    assert (paused.status_code, resumed.status_code) == (200, 403)
    assert "may not resume a queue" in resumed.json()["error"]


async def test_resuming_a_queue_needs_a_token_for_all_hosts(client: AsyncClient, other: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail", "is_active": False})
    await limited(client, other, **LIMITS["hosts"])

    renamed = await other.patch("/api/queues/1", json={"weight": 2})
    resumed = await other.patch("/api/queues/1", json={"is_active": True})

    assert (renamed.status_code, resumed.status_code) == (200, 403)
    assert "may not resume a queue" in resumed.json()["error"]
