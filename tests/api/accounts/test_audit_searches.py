"""`q` of the audit trail, beside its other filters."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.searches import audit as searches
from shared.actions.searches.audit import LookedLine
from shared.store import keyspace, records, streams
from shared.store.keyspace import Team
from tests.writes import CRON, JOB


async def found(client: AsyncClient, q: str, **query: Any) -> list[str]:
    """What was done to what, oldest first."""
    page = (await client.get("/api/audit", params={"q": q, **query})).json()
    assert "looked_at" not in page
    return [f"{line['operation']} {','.join(line['about'])}" for line in page["data"]][::-1]


@pytest.fixture
async def trail(client: AsyncClient) -> None:
    """Two crons, of which the first is changed by another token; jobs 1 to 3; that token."""
    made = await client.post("/api/tokens", json={"name": "ci", "scopes": ["write"]})
    other = {"Authorization": f"Bearer {made.json()['token']}", "User-Agent": "deploy/2"}
    await client.post("/api/crons", json=CRON | {"name": "Health check"})
    await client.post("/api/crons", json=CRON | {"name": "Report"})
    why = other | {"Recuro-Reason": "too many calls, see ticket 812"}
    await client.patch("/api/crons/1", json={"cron_expression": "*/10 * * * *"}, headers=why)
    await client.post("/api/jobs/batch", json={"jobs": [JOB] * 3})


CRONS, CHANGE, JOBS, TOKEN = (
    ["create-cron cron:1", "create-cron cron:2"],
    ["update-cron cron:1"],
    ["create-jobs queue:1,job:1-3"],
    ["create-token token:2"],
)


@pytest.mark.parametrize(
    ("q", "lines"),
    [
        ("by:ci", CHANGE),
        ("by:test", TOKEN + CRONS + JOBS),
        ("by:token", TOKEN + CRONS + CHANGE + JOBS),
        ("by:user,mcp", []),
        ("action:*-cron -by:ci", CRONS),
        ("action:update-cron", CHANGE),
        ("what:token", TOKEN),
        ("what:cron id:1", [CRONS[0], *CHANGE]),
        ("what:cron:2", CRONS[1:]),
        ("what:job id:2", JOBS),
        ("what:job:3", JOBS),
        ("what:job:4", []),
        ("changed:cron_expression -action:create*", CHANGE),
        ("via:rest client:deploy", CHANGE),
        ("reason:ticket", CHANGE),
        ('"ticket 812"', CHANGE),
        ("healthcheck", CRONS[:1]),
        ("since:1h what:token,job", TOKEN + JOBS),
        ("until:1h", []),
    ],
)
async def test_lines_are_found(client: AsyncClient, trail: None, q: str, lines: list[str]) -> None:
    assert sorted(await found(client, q)) == sorted(lines)


async def test_a_search_goes_with_the_other_filters_and_from_page_to_page(
    client: AsyncClient, trail: None
) -> None:
    first = (await client.get("/api/audit", params={"q": "by:test", "limit": 2})).json()
    query = {"q": "by:test", "limit": 2, "before": first["next"]}
    second = (await client.get("/api/audit", params=query)).json()

    assert await found(client, "by:token", about="cron:1") == [CRONS[0], *CHANGE]
    assert await found(client, "what:cron", operation="update-cron") == CHANGE
    assert await found(client, "what:cron", actor="test") == CRONS
    shown = [line["operation"] for page in (first, second) for line in page["data"]]
    assert sorted(shown) == ["create-cron", "create-cron", "create-jobs", "create-token"]


@pytest.mark.parametrize(
    "word",
    [
        *("before", "after", "fore", "cronexpressionbefore", "5after10", "after10", "ter", "r10", "null"),
        *("5 * * * *", "healthcheck", "ticket812", "nobody", "ci", "*", "café", "cafe", "a-b", "deploy/2"),
    ],
)
async def test_no_line_is_passed_over_that_has_a_word(
    client: AsyncClient, redis: Redis, team: Team, trail: None, word: str
) -> None:
    await client.post("/api/crons", json=CRON | {"name": 'Caf\u00e9 "a"-b'})
    wanted = await searches.understood(redis, team, f'"{word}"')
    stored = [
        flat
        for entries in await streams.older(redis, dict.fromkeys(keyspace.audit_trails(team), "+"), 100)
        for _, flat in entries
        if wanted.finds(LookedLine(records.fields_of(flat)))
    ]

    assert not any(map(searches.passed_over(wanted), stored))
    assert len(await found(client, f'"{word}"')) == len(stored)


@pytest.mark.parametrize("step", [1, 2, 3])
async def test_lines_of_all_streams_are_in_order_however_many_are_read_at_once(
    client: AsyncClient, trail: None, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    for _ in range(3):
        await client.post("/api/jobs", json=JOB)
        await client.post("/api/invitations", json={"email": "ada@example.com"})
    all_at_once = (await client.get("/api/audit")).json()
    monkeypatch.setattr(audit, "_STEP", step)

    shown = (await client.get("/api/audit")).json()
    later = (await client.get("/api/audit", params={"before": shown["data"][4]["id"]})).json()

    assert shown == all_at_once
    assert later["data"] == shown["data"][5:]
    assert [line["at"] for line in shown["data"]] == sorted(
        (line["at"] for line in shown["data"]), reverse=True
    )


async def test_what_ends_before_all_was_looked_at_says_so(
    client: AsyncClient, trail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_STEP", 2)
    monkeypatch.setattr(audit, "_MOST_READ", 2)

    page = (await client.get("/api/audit", params={"q": "by:nobody"})).json()

    assert (page["data"], page["looked_at"]) == ([], 2)
    assert page["next"]


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize("most", [1, 3, 4, 5, 1000])
@pytest.mark.parametrize("q", ["report", "health check", "nothing-has-this", "müller", "812"])
async def test_parts_that_are_passed_over_change_no_answer(
    client: AsyncClient, trail: None, monkeypatch: pytest.MonkeyPatch, step: int, most: int, q: str
) -> None:
    monkeypatch.setattr(audit, "_STEP", step)
    monkeypatch.setattr(audit, "_MOST_READ", most)
    answer = (await client.get("/api/audit", params={"q": q})).json()

    monkeypatch.setattr(audit, "_are_within", lambda *_: False)
    each_by_itself = (await client.get("/api/audit", params={"q": q})).json()

    assert answer == each_by_itself


@pytest.mark.parametrize(
    ("q", "why"),
    [
        ("id>3", "has the key id, which must be a number, after a colon"),
        ("id:x", "has the key id, which must be a number, after a colon"),
        ("what>cron", "has the key what, which must be a noun as cron, or one of them as cron:7"),
        ("via:rets", "has the key via, which must be one of those that there are, which rets is not: rest?"),
    ],
)
async def test_what_is_wrong_is_said(client: AsyncClient, q: str, why: str) -> None:
    answer = await client.get("/api/audit", params={"q": q})

    assert (answer.status_code, answer.json()["message"]) == (422, f"The q field {why}.")
