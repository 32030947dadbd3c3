"""/api/crons/coming and /api/crons/{id}/coming"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.store import transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions import ComingCron
from tests.fires import HOUR, MINUTE, NOON
from tests.vouching import let_it_be

DAY = timedelta(days=1)
PLANS: list[dict[str, Any]] = [
    {"cron_expression": "*/20 * * * *"},
    {"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"},
    {"cron_expression": "0 */6 * * *", "timezone": "Asia/Kathmandu", "spread_seconds": 300},
    {"cron_expression": "0,30 12 * * * *"},
]


async def made(client: AsyncClient, **fields: object) -> dict[str, Any]:
    cron = {"name": "ping", "url": "https://example.com/ping", "cron_expression": "*/20 * * * *", **fields}
    answer = await client.post("/api/crons", json=cron)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def coming(client: AsyncClient, **query: object) -> dict[str, Any]:
    answer = await client.get("/api/crons/coming", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def fires_of(client: AsyncClient, cron: int, **query: str) -> list[datetime]:
    answer = await client.get(f"/api/crons/{cron}/coming", params={"count": "1000", **query})
    assert answer.status_code == 200, answer.text
    return [datetime.fromisoformat(fire["scheduled_at"]) for fire in answer.json()["data"]]


@pytest.mark.parametrize("by", ["half_hour", "hour", "day"])
async def test_intervals_count_the_fires_that_each_cron_is_said_to_have(
    client: AsyncClient, redis: Redis, by: str
) -> None:
    await let_it_be(redis, NOON + MINUTE)
    crons = [(await made(client, **plan))["id"] for plan in PLANS]

    found = await coming(client, by=by, timezone="Europe/Berlin")

    ends = datetime.fromisoformat(found["ends_at"])
    fires = [
        fire for cron in crons for fire in await fires_of(client, cron, to=(ends - HOUR / 3600).isoformat())
    ]
    if by == "day":  # one of the crons has more than a list shows
        fires = fires[:0]
    spans = [
        (datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]))
        for one in found["data"]
    ]
    assert [before[1] for before in spans[:-1]] == [after[0] for after in spans[1:]]
    assert sum(one["fires"] for one in found["data"]) == found["total"]
    if fires:
        counted = [sum(low <= fire < high for fire in fires) for low, high in spans]
        assert [one["fires"] for one in found["data"]] == counted


async def test_the_busiest_minute_names_the_crons_that_meet(client: AsyncClient) -> None:
    for name, expression in (
        ("a", "0 3 * * *"),
        ("b", "0 3 * * *"),
        ("c", "0 4 * * *"),
        ("d", "0 */3 * * *"),
    ):
        await made(client, name=name, cron_expression=expression)

    busiest = (await coming(client))["busiest_minute"]

    assert busiest["at"].endswith("T03:00:00+00:00")
    assert (busiest["fires"], busiest["cron_count"]) == (3, 3)
    assert [cron["name"] for cron in busiest["crons"]] == ["a", "b", "d"]


async def test_without_crons_nothing_comes(client: AsyncClient) -> None:
    found = await coming(client)

    assert (found["total"], found["cron_count"], found["busiest_minute"]) == (0, 0, None)
    assert len(found["data"]) in (48, 49)


async def test_a_look_at_active_crons_goes_on_where_one_before_it_ended(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    for _ in range(3):
        await made(client)

    looks = [await transitions.read_coming(redis, team, after=after, most=2) for after in (0, 2)]

    assert [(after, [int(ComingCron.of(text).id) for text in texts]) for _, after, texts in looks] == [
        (2, [1, 2]),
        (0, [3]),
    ]


async def test_paused_crons_and_ends_and_runs_are_heeded(client: AsyncClient, redis: Redis) -> None:
    now = NOON + MINUTE
    await let_it_be(redis, now)
    await made(client, is_active=False)
    await made(client, cron_expression="0 * * * *", max_runs=3)
    await made(client, cron_expression="0 * * * *", ends_at=(now + 2 * HOUR).isoformat())
    await made(client, cron_expression="0 * * * *", starts_at=(now + 20 * HOUR).isoformat())

    found = await coming(client, to=(now + 23 * HOUR).isoformat())

    assert found["cron_count"] == 3
    lists = [await fires_of(client, cron, to=found["ends_at"]) for cron in (1, 2, 3, 4)]
    ends = datetime.fromisoformat(found["ends_at"])
    assert [len(fires) for fires in lists[:3]] == [0, 3, 2]
    assert found["total"] == sum(fire < ends for fires in lists for fire in fires)


async def test_a_fire_is_shown_by_the_expression_and_with_its_spread(client: AsyncClient) -> None:
    await made(client, cron_expression="0 4 * * *", timezone="Asia/Tokyo", spread_seconds=3600)

    answer = (await client.get("/api/crons/1/coming?count=2")).json()

    assert [fire["nominal_at"][11:] for fire in answer["data"]] == ["19:00:00+00:00"] * 2
    for fire in answer["data"]:
        offset = datetime.fromisoformat(fire["scheduled_at"]) - datetime.fromisoformat(fire["nominal_at"])
        assert offset == timedelta(seconds=answer["offset_seconds"])
        assert datetime.fromisoformat(fire["local"]) == datetime.fromisoformat(fire["scheduled_at"])
        assert fire["local"].endswith("+09:00")
    assert answer["timezone"] == "Asia/Tokyo"


async def test_the_first_fire_after_a_change_of_the_clock_says_so(client: AsyncClient, redis: Redis) -> None:
    await let_it_be(redis, NOON)
    await made(client, cron_expression="30 2 * * *", timezone="Europe/Berlin")

    fires = (await client.get("/api/crons/1/coming?count=366")).json()["data"]

    marked = [fire for fire in fires if fire["clock_change"]]
    assert len(marked) == 2
    for fire in marked:
        assert fire["clock_change"]["utc_offset_after"] == fire["local"][-6:]
        assert "02:00 to 03:00" in fire["clock_change"]["effect"]


async def test_a_day_with_a_change_of_the_clock_is_marked_and_has_its_length(
    client: AsyncClient, redis: Redis
) -> None:
    await let_it_be(redis, NOON)
    await made(client, cron_expression="0 * * * *", timezone="Europe/Berlin")
    march = datetime(2027, 3, 20, tzinfo=UTC)

    found = await coming(
        client,
        by="day",
        timezone="Europe/Berlin",
        **{"from": march.isoformat(), "to": (march + 14 * DAY).isoformat()},
    )

    (marked,) = [one for one in found["data"] if one["clock_changes"]]
    assert marked["fires"] == 23
    assert marked["clock_changes"][0]["utc_offset_after"] == "+02:00"
    assert {one["fires"] for one in found["data"] if one != marked} == {24}


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("by=week", "by", "half_hour"),
        ("to=2020-01-01T00:00:00Z", "to", "ahead"),
        ("to=2900-01-01T00:00:00Z", "to", "62 days"),
        ("from=2900-01-01T00:00:00Z", "from", "366 days"),
        ("timezone=Mars/Base", "timezone", "zone"),
        ("from=noon", "from", "moment"),
        ("until=now", "until", "until"),
    ],
)
async def test_a_wrong_query_is_named_with_a_remedy(
    client: AsyncClient, query: str, field: str, sentence: str
) -> None:
    answer = await client.get(f"/api/crons/coming?{query}")

    assert answer.status_code == 422
    assert sentence in answer.json()["errors"][field][0]


@pytest.mark.parametrize("query", ["count=0", "count=1001", "to=2020-01-01T00:00:00Z"])
async def test_a_wrong_query_of_one_cron_is_named(client: AsyncClient, query: str) -> None:
    await made(client)

    answer = await client.get(f"/api/crons/1/coming?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [query.partition("=")[0]])


async def test_what_is_no_cron_has_nothing_to_come(client: AsyncClient) -> None:
    answer = await client.get("/api/crons/9/coming")

    assert (answer.status_code, answer.json()) == (404, {"error": "Cron not found"})


async def test_another_team_sees_none_of_it(client: AsyncClient, stranger: AsyncClient) -> None:
    await made(client)

    assert (await coming(stranger))["total"] == 0
    assert (await stranger.get("/api/crons/1/coming")).status_code == 404


@pytest.mark.writes_records
async def test_a_cron_that_cannot_be_computed_here_is_named_and_the_others_are_counted(
    client: AsyncClient, redis: Redis
) -> None:
    for _ in range(2):
        await made(client)
    await redis.hset("r:{s0}:c:1:1", "timezone", "Mars/Base")  # type: ignore[misc]
    await reconcile.patrol_crons(redis, Team(1))

    found = await coming(client)

    assert (found["unreadable"], found["cron_count"]) == ([1], 2)
    assert found["total"] >= 71
    assert (await client.get("/api/crons/1/coming")).status_code == 409
