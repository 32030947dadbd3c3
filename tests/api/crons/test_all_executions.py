"""/api/executions"""

from datetime import datetime
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.replay import step_backfills
from services.worker.work import Fail
from shared import clock
from shared.actions.reports import backfills
from shared.schemas.reports.backfills import BackfillCreate
from shared.store import transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, end
from tests.vouching import let_it_be

LISTS = ("", ":failed", ":skipped", ":late")


async def listed(client: AsyncClient, **query: object) -> dict[str, Any]:
    answer = await client.get("/api/executions", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(page: dict[str, Any]) -> list[tuple[int, str, int]]:
    """Per row: its cron, its status, minutes since noon."""
    return [
        (row["cron_id"], row["status"], (datetime.fromisoformat(row["scheduled_at"]) - NOON) // MINUTE)
        for row in page["data"]
    ]


async def an_hour(redis: Redis, team: Team) -> None:
    """From noon on: cron 1 goes well; cron 2 fails at :10, waits at :30, is skipped at :40; cron 3 is late at :50."""
    await let_it_be(redis, NOON + HOUR)
    await a_cron(redis, team, name="good", cron_expression="*/20 * * * *")
    await a_cron(redis, team, name="bad", cron_expression="10,30,40 * * * *", overlap_policy="skip")
    await a_cron(redis, team, name="late", cron_expression="50 * * * *")
    for minute in (10, 20, 30, 40, 50):
        now = NOON + minute * MINUTE + (2 * SECOND if minute == 50 else 0 * SECOND)
        await fire_due(redis, SHARD, now)
        if minute != 30:
            works = [work for work in await claim(redis, now) if work.id != 3]
            await end(redis, works, now, Fail() if minute == 10 else None)


ALL = [
    (3, "completed", 50),
    (2, "skipped", 40),
    (1, "completed", 40),
    (2, "processing", 30),
    (1, "completed", 20),
    (2, "failed", 10),
]


async def test_executions_of_all_crons_come_newest_first(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)

    page = await listed(client)

    assert sorted(seen(page), key=lambda row: -row[2]) == seen(page)
    assert sorted(seen(page)) == sorted(ALL)
    assert (page["total"], page["looked_from"], page["looked_to"]) == (6, None, None)
    assert [row["cron_name"] for row in page["data"] if row["status"] == "failed"] == ["bad"]
    row = page["data"][0]
    assert (row["execution"]["id"], row["coming"]) == (6, None)


@pytest.mark.parametrize("cron", [None, 1, 2, 3])
@pytest.mark.parametrize("status", ["completed", "failed", "skipped", "late", "all"])
async def test_a_filter_and_a_cron_leave_what_is_meant(
    client: AsyncClient, redis: Redis, team: Team, status: str, cron: int | None
) -> None:
    await an_hour(redis, team)

    page = await listed(client, filter=status, **({"cron_id": cron} if cron else {}))

    meant = [
        row
        for row in ALL
        if cron in (None, row[0])
        and (row[1] == status or status == "all" or (status == "late" and row[0] == 3))
    ]
    assert sorted(seen(page)) == sorted(meant)
    assert [row[2] for row in seen(page)] == sorted((row[2] for row in meant), reverse=True)
    assert page["total"] == len(meant)


@pytest.mark.parametrize("cron", [None, 2])
@pytest.mark.parametrize("status", ["completed", "failed", "skipped", "all"])
async def test_a_range_includes_both_its_ends(
    client: AsyncClient, redis: Redis, team: Team, status: str, cron: int | None
) -> None:
    await an_hour(redis, team)
    low, high = NOON + 20 * MINUTE, NOON + 40 * MINUTE

    query = {"filter": status, "from": low.isoformat(), "to": high.isoformat()} | (
        {"cron_id": cron} if cron else {}
    )
    page = await listed(client, **query)

    meant = [
        row for row in ALL if 20 <= row[2] <= 40 and status in ("all", row[1]) and cron in (None, row[0])
    ]
    assert sorted(seen(page)) == sorted(meant)


@pytest.mark.parametrize("query", [{}, {"filter": "completed"}, {"cron_id": 1}])
async def test_pages_show_each_once_while_new_ones_come(
    client: AsyncClient, redis: Redis, team: Team, query: dict[str, object]
) -> None:
    await an_hour(redis, team)
    whole = await listed(client, **query)

    first = await listed(client, per_page=2, **query)
    await client.post("/api/crons/1/run")
    pages = [first, *[await listed(client, per_page=2, page=n, to=first["to"], **query) for n in (2, 3)]]

    assert [row for page in pages for row in page["data"]] == whole["data"]
    assert {page["total"] for page in pages} == {whole["total"]}


async def test_fires_to_come_stand_before_what_was_made(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await let_it_be(redis, NOON + MINUTE)
    await client.post(
        "/api/crons", json={"name": "a", "url": "https://a.example/", "cron_expression": "0 * * * *"}
    )
    await client.post("/api/crons/1/run")
    soon = datetime.fromisoformat((await client.get("/api/crons/1")).json()["next_run_at"])

    to = soon + 3 * HOUR
    both = await listed(client, to=to.isoformat(), per_page=3)
    rest = await listed(client, to=to.isoformat(), per_page=3, page=2)
    only = await listed(client, filter="due", to=to.isoformat(), **{"from": (soon + HOUR).isoformat()})

    assert [row["status"] for row in both["data"] + rest["data"]] == ["due"] * 4 + ["pending"]
    assert [row["scheduled_at"] for row in both["data"]] == [(soon + n * HOUR).isoformat() for n in (3, 2, 1)]
    assert (both["total"], rest["last_page"]) == (5, 2)
    assert both["data"][0]["coming"]["nominal_at"] == to.isoformat()
    assert [row["scheduled_at"] for row in only["data"]] == [(soon + n * HOUR).isoformat() for n in (3, 2, 1)]


async def test_without_a_moment_a_day_of_fires_is_due(client: AsyncClient) -> None:
    await client.post(
        "/api/crons", json={"name": "a", "url": "https://a.example/", "cron_expression": "0 * * * *"}
    )

    page = await listed(client, filter="due")

    assert page["total"] == 24


async def test_too_many_fires_to_come_end_where_it_says(client: AsyncClient) -> None:
    await client.post(
        "/api/crons", json={"name": "a", "url": "https://a.example/", "cron_expression": "* * * * * *"}
    )

    page = await listed(client, filter="due")

    assert page["total"] == 10_000
    assert page["data"][0]["scheduled_at"] == page["looked_to"]


async def test_a_range_behind_all_fires_that_are_looked_at_is_empty(client: AsyncClient) -> None:
    await client.post(
        "/api/crons", json={"name": "a", "url": "https://a.example/", "cron_expression": "* * * * * *"}
    )
    all_of_them = await listed(client, filter="due")
    last = datetime.fromisoformat(all_of_them["looked_to"])

    page = await listed(
        client,
        filter="due",
        **{"from": (last + 2 * HOUR).isoformat(), "to": (last + 3 * HOUR).isoformat()},
    )

    assert (page["data"], page["total"]) == ([], 0)
    assert last <= datetime.fromisoformat(page["looked_to"]) < last + HOUR


async def test_fires_to_come_are_listed_in_parts(client: AsyncClient) -> None:
    for minutes in ("*/7", "*/20", "3", "*/7"):
        cron = {"name": minutes, "url": "https://a.example/", "cron_expression": f"{minutes} * * * *"}
        await client.post("/api/crons", json=cron)
    to = datetime.fromisoformat((await listed(client))["to"]) + 5 * HOUR
    begins = {"filter": "due", "to": to.isoformat(), "from": (to - 4 * HOUR).isoformat()}

    whole = await listed(client, **begins, per_page=100)
    parts = [await listed(client, **begins, per_page=7, page=page) for page in range(1, 15)]

    assert [row for part in parts for row in part["data"]] == whole["data"]
    assert {part["total"] for part in parts} == {whole["total"]} == {len(whole["data"])}
    moments = [(row["scheduled_at"], row["cron_id"]) for row in whole["data"]]
    assert moments == sorted(moments, reverse=True)
    assert {cron for _, cron in moments} == {1, 2, 3, 4}


@pytest.mark.writes_records
async def test_a_fire_by_the_rules_before_is_listed_once(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await let_it_be(redis, NOON)
    await client.post(
        "/api/crons", json={"name": "a", "url": "https://a.example/", "cron_expression": "0 0 * * *"}
    )
    other = NOON + 11 * HOUR
    await redis.hset(f"{team.prefix}c:{team.id}:1", "next", str(int(other.timestamp() * 1000)))  # type: ignore[misc]
    await reconcile.patrol_crons(redis, team)

    page = await listed(client, filter="due", to=(other + 30 * HOUR).isoformat())

    assert other.isoformat() in [row["scheduled_at"] for row in page["data"]]


async def test_what_is_deleted_is_listed_no_more(client: AsyncClient, redis: Redis, team: Team) -> None:
    await an_hour(redis, team)

    await client.delete("/api/crons/2")
    hidden = await listed(client)
    while await transitions.prune(redis, SHARD, limit=100):
        pass
    gone = await listed(client)

    assert {row[0] for row in seen(hidden)} == {row[0] for row in seen(gone)} == {1, 3}
    assert gone["total"] == 3
    assert [await redis.zcard(f"{team.prefix}x:1:executions{of}") for of in LISTS] == [3, 0, 0, 1]


async def test_what_is_deleted_counts_no_more_where_each_is_looked_at(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)

    await client.delete("/api/crons/1")
    hidden = await listed(client, filter="completed")

    assert (seen(hidden), hidden["total"]) == ([(3, "completed", 50)], 1)


@pytest.mark.parametrize(("status", "minutes"), [("all", [2, 1]), ("completed", [1]), ("failed", [])])
async def test_what_a_backfill_made_is_listed_with_its_cron_by_moment_and_state(
    client: AsyncClient, redis: Redis, team: Team, status: str, minutes: list[int]
) -> None:
    now = NOON + HOUR
    await let_it_be(redis, now)
    cron = await a_cron(redis, team, at=now)
    asked = {"from": NOON + MINUTE, "to": NOON + 2 * MINUTE, "max_parallelism": 2}
    await backfills.create(call_of(redis, team), cron.id, BackfillCreate.model_validate(asked), now)
    await step_backfills(redis, SHARD, clock.milliseconds(now))
    await end(redis, await claim(redis, now, 1), now)

    page = await listed(client, cron_id=cron.id, filter=status)

    assert [row[2] for row in seen(page)] == minutes


async def half_an_hour(redis: Redis, team: Team) -> int:
    """A cron that from noon on runs each minute, and fails in the second one."""
    cron = await a_cron(redis, team)
    for minute in range(1, 31):
        now = NOON + minute * MINUTE
        await fire_due(redis, SHARD, now)
        await end(redis, await claim(redis, now), now, Fail() if minute == 2 else None)
    return cron.id


@pytest.mark.parametrize(
    ("since", "ended", "minutes"), [(0, 19, range(30, 18, -1)), (29, None, range(30, 28, -1))]
)
async def test_a_list_of_a_cron_ends_where_a_look_did_unless_its_range_begins_before(
    redis: Redis, team: Team, since: int, ended: int | None, minutes: range
) -> None:
    cron = await half_an_hour(redis, team)
    low, high = (clock.milliseconds(NOON + minute * MINUTE) for minute in (since, 30))

    looked_to, ids = await transitions.list_of_cron(
        redis, team, ["completed", "failed"], cron=cron, from_ms=low, to_ms=high, most=20
    )

    assert ids == list(minutes)
    assert looked_to == (clock.milliseconds(NOON + ended * MINUTE) if ended else 0)


async def test_reconciling_finds_what_is_listed_wrong(client: AsyncClient, redis: Redis, team: Team) -> None:
    await an_hour(redis, team)
    right = await listed(client)
    lists = [f"{team.prefix}x:1:executions{of}" for of in LISTS]
    before = [await redis.zrange(one, 0, -1, withscores=True) for one in lists]
    await redis.delete(*lists[:2])
    await redis.zadd(lists[2], {"1": 5, "99": 7})
    await redis.zadd(lists[3], {"2": 5})

    mended = {ref async for step in reconcile.patrol(redis, team, whole=True) for ref in step.mended}
    again = [ref async for step in reconcile.patrol(redis, team, whole=True) for ref in step.mended]

    assert mended == {"e:1", "e:2", "e:3", "e:4", "e:5", "e:6", "e:99"}
    assert again == []
    assert [await redis.zrange(one, 0, -1, withscores=True) for one in lists] == before
    assert (await listed(client, to=right["to"])) == right


async def test_nothing_is_wrong_after_all_that_happens(redis: Redis, team: Team) -> None:
    await an_hour(redis, team)

    assert [ref async for step in reconcile.relist_executions(redis, team) for ref in step.mended] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("filter=due&to=2900-01-01T00:00:00Z", "to"),
        ("filter=pending", "filter"),
        ("cron_id=x", "cron_id"),
        ("per_page=101", "per_page"),
        ("page=0", "page"),
        ("search=a", "search"),
    ],
)
async def test_a_wrong_query_is_named(client: AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/api/executions?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_a_cron_that_is_not_there_is_named(client: AsyncClient) -> None:
    answer = await client.get("/api/executions?cron_id=9")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["cron_id"])


async def test_another_team_sees_none(
    client: AsyncClient, stranger: AsyncClient, redis: Redis, team: Team
) -> None:
    await an_hour(redis, team)

    assert (await listed(stranger))["data"] == []
