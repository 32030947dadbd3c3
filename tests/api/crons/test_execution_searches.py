"""`q` of the executions of one cron and of all, beside their filters, ranges and pages."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result
from shared import clock
from shared.actions.reports import listed
from shared.store import keyspace, paging
from shared.store.keyspace import Team
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim
from tests.writes import CRON

OK, GONE = '[1,200,1500,1,"",{},false]', '[1,503,20,1,"",{},false,"http_server_error","It answered 503."]'
ALL = "/api/executions"


async def an_hour(redis: Redis, team: Team) -> None:
    """From noon on: 1 of cron 2 fails at :10, 2 of cron 1 goes well at :20, 3 of cron 2 waits at :30, 4 is skipped, 5 at :50 is late."""
    good: dict[str, Any] = {"url": "https://good.example.com/x", "labels": {"team": "billing"}}
    await a_cron(redis, team, name="Nightly report", cron_expression="20 * * * *", **good)
    bad: dict[str, Any] = {"url": "https://bad.example.com/y", "method": "PUT", "overlap_policy": "skip"}
    await a_cron(redis, team, name="bad", cron_expression="10,30,40 * * * *", **bad)
    await a_cron(redis, team, name="late", cron_expression="50 * * * *")
    for minute in (10, 20, 30, 40, 50):
        now = NOON + minute * MINUTE + (2 * SECOND if minute == 50 else 0 * SECOND)
        await fire_due(redis, SHARD, now)
        if minute == 30:
            continue
        results = [
            Result(work, Fail() if minute == 10 else Complete(), GONE if minute == 10 else OK)
            for work in await claim(redis, now)
            if work.id != 3
        ]
        await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(now))


async def found(client: AsyncClient, path: str = ALL, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def ids(page: dict[str, Any]) -> list[int]:
    return [(row.get("execution") or row)["id"] for row in page["data"]]


@pytest.mark.parametrize(
    ("q", "of_all"),
    [
        ("report", [2]),
        ('"bad.example"', [4, 3, 1]),
        ("cron:nightly*", [2]),
        ("cron:2 -status:skipped", [3, 1]),
        ("status:failed,late", [5, 1]),
        ("host:good.example.com", [2]),
        ("host:*.example.com -host:bad.*", [2]),
        ("method:put", [4, 3, 1]),
        ("code>499", [1]),
        ("code:200", [5, 2]),
        ("reason:http_server_error", [1]),
        ("took>1s", [5, 2]),
        ("late>1s", [5]),
        ("late<1s", [3, 2, 1]),
        ("skip:overlap", [4]),
        ("label:team=billing", [2]),
        ("backfill:1", []),
        ("since:2026-11-25T12:30:00Z until:2026-11-25T12:50:00Z", [4, 3]),
        ("nobody", []),
    ],
)
async def test_executions_are_found(
    client: AsyncClient, redis: Redis, team: Team, q: str, of_all: list[int]
) -> None:
    await an_hour(redis, team)

    of_cron = [ids(await found(client, f"/api/crons/{cron}/executions", q=q)) for cron in (1, 2, 3)]
    by_cron = [ids(await found(client, q=q, cron_id=cron)) for cron in (1, 2, 3)]

    assert ids(await found(client, q=q)) == of_all
    assert of_cron == by_cron
    assert sorted(one for some in of_cron for one in some) == sorted(of_all)


async def test_a_search_goes_with_filters_ranges_and_pages(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)
    low, high = NOON + 20 * MINUTE, NOON + 40 * MINUTE

    failed = await found(client, q="host:bad.*", filter="failed")
    completed = await found(client, q="-cron:late", filter="completed")
    late = await found(client, q="code:200", filter="late", cron_id=3)
    ranged = await found(client, q="bad", **{"from": low.isoformat(), "to": high.isoformat()})
    pages = [await found(client, q="bad", per_page=2, page=page) for page in (1, 2)]
    of_one = await found(client, "/api/crons/2/executions", q="bad", filter="skipped")

    assert [ids(page) for page in (failed, completed, late, ranged, of_one)] == [[1], [2], [5], [4, 3], [4]]
    assert [ids(page) for page in pages] == [[4, 3], [1]]
    assert [(page["total"], page["last_page"]) for page in pages] == [(3, 2)] * 2
    assert all("looked_at" not in page for page in (failed, completed, late, ranged, *pages, of_one))


async def test_fires_to_come_are_found_by_their_cron(client: AsyncClient) -> None:
    for name in ("a", "b"):
        await client.post("/api/crons", json=CRON | {"name": name, "cron_expression": "0 * * * *"})
    await client.post("/api/crons/2/run")
    to = (await found(client, filter="due"))["to"]

    due = await found(client, q="cron:b", filter="due")
    both = await found(client, q="cron:b", to=to)
    made = await found(client, q="cron:b -status:due", to=to)
    none = await found(client, q="nobody", filter="due")

    assert (due["total"], both["total"], made["total"], none["total"]) == (24, 25, 1, 0)
    assert {row["cron_name"] for row in both["data"]} == {"b"}


async def test_what_ends_before_all_was_looked_at_says_so(
    client: AsyncClient, redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await an_hour(redis, team)
    monkeypatch.setattr(listed, "_STEP", 2)
    monkeypatch.setattr(listed, "MOST_LOOKED_AT", 4)
    little = await found(client, q="took:>1h")
    monkeypatch.setattr(listed, "MOST_LOOKED_AT", 2_000)
    monkeypatch.setattr(paging, "PAGE_FOUND", 1)
    enough = await found(client, q="cron:late")

    assert (little["total"], little["looked_at"]) == (0, 4)
    assert little["looked_from"] == (NOON + 20 * MINUTE).isoformat()
    assert (enough["total"], enough["looked_at"], ids(enough)) == (1, 2, [5])


@pytest.mark.parametrize(
    ("q", "found_ids", "looked_at"),
    [
        ("reason:http_server_error", [1], None),
        ("status:failed", [1], None),
        ("skip:overlap", [4], None),
        ("status:failed,skipped", [], 1),
        ("-skip:overlap", [5], 1),
    ],
)
async def test_what_has_a_list_of_its_own_is_looked_for_there(
    client: AsyncClient,
    redis: Redis,
    team: Team,
    monkeypatch: pytest.MonkeyPatch,
    q: str,
    found_ids: list[int],
    looked_at: int | None,
) -> None:
    await an_hour(redis, team)
    monkeypatch.setattr(listed, "_STEP", 1)
    monkeypatch.setattr(listed, "MOST_LOOKED_AT", 1)

    page = await found(client, q=q)

    assert (ids(page), page.get("looked_at")) == (found_ids, looked_at)


async def test_a_search_of_one_cron_says_how_far_it_looked(
    client: AsyncClient, redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_cron(redis, team, name="often")
    for minute in range(1, 31):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    monkeypatch.setattr(listed, "MOST_OF_CRON", 10)

    page = await found(client, q="often", cron_id=1)

    assert page["total"] == page["looked_at"] < 30
    assert page["looked_from"] is not None


async def test_what_a_backfill_made_is_found_by_it_and_was_not_late(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)
    await redis.hset(f"{keyspace.prefix(SHARD)}e:1:5", "backfill", "7")  # type: ignore[misc]

    assert ids(await found(client, q="backfill:7")) == [5]
    assert ids(await found(client, "/api/crons/3/executions", q="backfill:7 -late>1s")) == [5]


async def test_a_record_without_moments_ends_no_search(client: AsyncClient, redis: Redis, team: Team) -> None:
    await an_hour(redis, team)
    await redis.hdel(f"{keyspace.prefix(SHARD)}e:1:1", "due", "created")  # type: ignore[misc]

    assert 1 not in ids(await found(client, q="cron:bad late>1s"))
    assert ids(await found(client, "/api/crons/2/executions", q="cron:bad")) == [4, 3]


@pytest.mark.parametrize("path", [ALL, "/api/crons/1/executions", "/api/audit"])
async def test_what_cannot_be_understood_is_said(client: AsyncClient, path: str) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await client.get(path, params={"q": "sinze:1h"})

    assert answer.status_code == 422
    assert answer.json()["message"] == (
        "The q field has no key sinze: did you mean since? Text with a colon goes into quotes."
    )


async def test_another_team_finds_none(
    client: AsyncClient, stranger: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)

    assert (await found(stranger, q="-nobody", to=(NOON + HOUR).isoformat()))["data"] == []
