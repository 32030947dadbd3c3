"""Every write leaves a line in the audit trail, and what was not done leaves none."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from services.scheduler import retire
from shared.actions import alerts
from shared.security import tokens
from shared.settings import Settings
from shared.store.keyspace import Team
from tests import lost
from tests.writes import CRON, JOB, WRITES, Write, do, ready

OF_OPERATIONS = [write for write in WRITES if write.steps == 1 and not write.route.startswith("/ping/")]
NAMES: dict[tuple[str, str], str] = {(one.method, one.path): one.name for one in OPERATIONS}
DAY = 86_400_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker tells what became of a test call."""
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)


async def lines(client: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize("write", OF_OPERATIONS, ids=str)
async def test_a_write_leaves_one_line_that_says_who_made_it_and_why(
    client: AsyncClient, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(client, redis, team, write)
    before = len(await lines(client))

    answer = await do(
        client,
        write,
        Idempotency_Key="k",
        Recuro_Reason="ticket 812",
        User_Agent="tester",
        X_Request_Id="r-7",
    )
    again = await do(client, write, Idempotency_Key="k")

    assert answer.is_success, answer.text
    assert again.headers["Idempotent-Replayed"] == "true"
    line, *older = [one for one in await lines(client) if one["reason"]] + (await lines(client))[1:]
    assert len(older) == before
    assert line["operation"] == NAMES[write.method, write.route]
    assert (line["actor"], line["interface"], line["client"]) == ("test", "rest", "tester")
    assert (line["request_id"], line["reason"]) == ("r-7", "ticket 812")
    assert line["about"]


@pytest.mark.parametrize("write", OF_OPERATIONS, ids=str)
async def test_a_refused_write_leaves_no_line(
    client: AsyncClient, anonymous: AsyncClient, redis: Redis, team: Team, write: Write
) -> None:
    write = await ready(client, redis, team, write)
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))
    before = await lost.everything(redis)

    refused = await do(anonymous, write, Authorization=f"Bearer {reader}")

    assert refused.status_code == 403
    assert await lost.everything(redis) == before


async def test_a_change_is_told_with_what_was_before_and_secrets_are_masked(client: AsyncClient) -> None:
    secret = {"Authorization": "Bearer of-somebody", "X-Kind": "a"}
    await client.post("/api/crons", json={**CRON, "headers": secret})
    await client.patch("/api/crons/1", json={"url": "https://a.example/other", "alert_threshold": 3})
    await client.delete("/api/crons/1")

    deleted, changed, made = await lines(client, about="cron:1")

    assert made["changes"]["headers"]["after"] == {"Authorization": "********", "X-Kind": "a"}
    assert made["changes"]["name"] == {"before": None, "after": "ping"}
    assert changed["changes"] == {
        "url": {"before": "https://a.example/", "after": "https://a.example/other"},
        "alert_threshold": {"before": None, "after": 3},
    }
    assert deleted["changes"]["url"] == {"before": "https://a.example/other", "after": None}
    assert "of-somebody" not in str((deleted, changed, made))


async def test_lines_are_found_by_what_they_say_and_read_page_by_page(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "letters"})
    for number in range(30):
        await client.patch("/api/queues/1", json={"weight": number + 2})
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 5})

    first = (await client.get("/api/audit", params={"operation": "update-queue"})).json()
    rest = (
        await client.get("/api/audit", params={"operation": "update-queue", "before": first["next"]})
    ).json()

    weights = [line["changes"]["weight"]["after"] for page in (first, rest) for line in page["data"]]
    assert weights == list(range(31, 1, -1))
    assert (len(first["data"]), rest["next"]) == (25, None)
    assert [line["operation"] for line in await lines(client, about="job:3")] == ["create-jobs"]
    assert await lines(client, about="job:6") == []
    assert await lines(client, actor="nobody") == []
    assert len(await lines(client, interface="rest", limit=100)) == 32


async def test_before_any_id_there_may_be_lines_or_none(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "letters"})

    assert await lines(client, before="0-0") == []
    assert await lines(client, before="0-1") == []
    assert len(await lines(client, before=f"{'9' * 20}-{'9' * 20}")) == 1


async def test_after_is_a_moment_with_an_offset(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "letters"})

    numbers = await client.get("/api/audit", params={"after": "0"})

    assert (numbers.status_code, list(numbers.json()["errors"])) == (422, ["after"])
    assert len(await lines(client, after="2026-01-01T00:00:00+00:00")) == 1
    assert await lines(client, after="2999-01-01T00:00:00Z") == []


async def test_another_teams_lines_are_not_shown(client: AsyncClient, stranger: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)

    assert await lines(stranger) == []


async def test_a_reason_has_a_bound(client: AsyncClient) -> None:
    answer = await client.post("/api/crons", json=CRON, headers={"Recuro-Reason": "x" * 501})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "Recuro-Reason": ["The Recuro-Reason header must hold 500 characters at most."]
    }


async def test_old_lines_go(client: AsyncClient, redis: Redis, team: Team) -> None:
    trail = f"{team.prefix}audit:{team.id}"
    for number in range(300):
        await redis.xadd(trail, {"at": 1}, id=f"{number + 1}-0")
    await client.post("/api/queues", json={"name": "letters"})

    await retire.retire_trails(redis, team, Settings(), now_ms=366 * DAY)

    assert 1 <= await redis.xlen(trail) < 110
    assert len(await redis.xrevrange(trail, max="+", min=str(DAY))) == 1
