"""Figures of ten minutes, hours and days: a text has all of an owner; what another version wrote is added up too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from services.scheduler.forget import roll
from shared import clock
from shared.actions.reports import stats
from shared.errors import Damaged
from shared.schemas.reports.stats import Figures, StatsBy, StatsKind, StatsQuery
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions.reports.figures import NAMES, named
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
HOUR = datetime(2026, 11, 25, 10, tzinfo=UTC)
START = clock.milliseconds(HOUR)
DAY = 86_400_000
LATER = START + 49 * 3_600_000
"""Ten minutes of the hour were added up by then, and the hour is in no day yet."""
FIGURES = {"started": 5, "completed2": 3, "failed": 1, "late14": 2, "crons:started": 2, "crons:late14": 2}


async def added_up(redis: Redis, team: Team, figures: Mapping[str, int], minute: int = 0) -> None:
    """What ten minutes of the hour had is added to those of the hour."""
    period = f"{team.id}:t{START + minute * 60_000}"
    await redis.hset(f"{team.prefix}figures:{period}", mapping=dict(figures))  # type: ignore[misc]
    await redis.zadd(f"{team.prefix}figures_until", {period: START})
    while await roll(redis, SHARD, LATER):
        pass


def key_of(team: Team) -> str:
    return f"{team.prefix}figures:{team.id}:h{START}"


async def seen(redis: Redis, team: Team, kind: StatsKind = StatsKind.ALL) -> Figures:
    query = StatsQuery(by=StatsBy.HOUR, from_=HOUR, to=HOUR, kind=kind)
    return (await stats.get(call_of(redis, team), query, LATER)).data[0]


async def test_an_hour_has_one_text_of_each_owner(redis: Redis, team: Team) -> None:
    await added_up(redis, team, FIGURES)
    await added_up(redis, team, {"started": -2, "completed2": 4}, 10)

    kept = await redis.hgetall(key_of(team))  # type: ignore[misc]
    found, of_crons = await seen(redis, team), await seen(redis, team, StatsKind.CRONS)

    assert sorted(kept) == ["#", "=", "=crons"]
    assert kept["="] == "3,,1,,,,7" + "," * 72 + "2"
    assert {name: by for name, by in named(kept) if by} == FIGURES | {"started": 3, "completed2": 7}
    assert (found.started, found.completed, found.failed, found.lateness_ms.count) == (3, 7, 1, 2)
    assert (of_crons.started, of_crons.completed, of_crons.lateness_ms.count) == (2, 0, 2)


async def test_what_an_older_version_wrote_is_added_up_too(redis: Redis, team: Team) -> None:
    await redis.hset(key_of(team), mapping=FIGURES)  # type: ignore[misc]
    alone = await seen(redis, team)
    await added_up(redis, team, FIGURES)

    both, of_jobs = await seen(redis, team), await seen(redis, team, StatsKind.JOBS)

    assert (alone.started, alone.completed, alone.lateness_ms.count) == (5, 3, 2)
    assert (both.started, both.completed, both.lateness_ms.count) == (10, 6, 4)
    assert (of_jobs.started, of_jobs.completed, of_jobs.lateness_ms.count) == (6, 6, 0)


async def test_of_many_queues_the_first_are_kept_and_the_team(redis: Redis, team: Team) -> None:
    all_queues = [f"{queue}:started" for queue in range(1, 751)]
    await added_up(redis, team, dict.fromkeys(all_queues, 1))
    first = dict(named(await redis.hgetall(key_of(team))))  # type: ignore[misc]
    here, *_ = [one for one in all_queues if one in first]
    gone, *_ = [one for one in all_queues if one not in first]
    await added_up(redis, team, {"started": 750, here: 1, gone: 1}, 10)

    kept = dict(named(await redis.hgetall(key_of(team))))  # type: ignore[misc]

    assert (await seen(redis, team)).started == 750
    assert (kept[here], gone in kept) == (2, False)
    assert sum(one in kept for one in all_queues) == 700


async def test_an_hour_that_is_no_list_of_numbers_is_damaged(redis: Redis, team: Team) -> None:
    await added_up(redis, team, FIGURES)
    await redis.hset(key_of(team), "=", "3,x,1")  # type: ignore[misc]

    await added_up(redis, team, {"started": 1, "crons:started": 1}, 10)

    assert await redis.hget(key_of(team), "=") == "3,x,1"  # type: ignore[misc]
    with pytest.raises(Damaged, match="What is stored of a period is damaged: 3,x,1 are no figures"):
        await seen(redis, team)


async def test_a_day_has_a_text_of_each_hour(redis: Redis, team: Team) -> None:
    await added_up(redis, team, FIGURES)
    await added_up(redis, team, {"started": 1}, 3 * 60)
    midnight = START // DAY * DAY
    while await roll(redis, SHARD, START + 3 * DAY):
        pass
    (key,) = await redis.keys(f"{team.prefix}figures:*")
    day = await redis.hgetall(key)  # type: ignore[misc]
    later = START + 3 * DAY

    def asked(by: StatsBy, first: int, last: int, **more: StatsKind) -> StatsQuery:
        ends = [HOUR + timedelta(hours=hours) for hours in (first, last)]
        return StatsQuery(by=by, from_=ends[0], to=ends[1], **more)

    async def started(query: StatsQuery) -> tuple[list[int], int]:
        found = await stats.get(call_of(redis, team), query, later)
        return [one.started for one in found.data], found.total.started

    assert key == f"{team.prefix}figures:{team.id}:d{midnight}"
    assert sorted(day) == ["#", "=", "=crons"]
    assert [number for number, hour in enumerate(day["="].split(";")) if hour] == [10, 13]
    assert (day["#"], sum(by for name, by in named(day) if name == "started")) == ("2", 6)
    assert await started(asked(StatsBy.HOUR, 0, 3)) == ([5, 0, 0, 1], 6)
    assert await started(asked(StatsBy.HOUR, 1, 2)) == ([0, 0], 0), "of a part of a day its hours alone"
    assert await started(asked(StatsBy.HOUR, 0, 0, kind=StatsKind.JOBS)) == ([3], 3)
    assert await started(asked(StatsBy.DAY, 0, 3)) == ([6], 6)


async def test_hours_that_a_version_before_put_into_a_day_are_read_and_go_into_its_text(
    redis: Redis, team: Team
) -> None:
    midnight, now = START // DAY * DAY, START + 3 * DAY
    before = {"=@9": "1", "=@10": "5", "=crons@9": "1", "=7@0": "3", "#": "4"}
    await stored(redis, team, {f"d{midnight}": before, f"h{START}": {"#": 1, "=": "2,4"}})
    by_hour = StatsQuery(by=StatsBy.HOUR, from_=HOUR - timedelta(hours=1), to=HOUR)

    async def started(kind: StatsKind) -> list[int]:
        query = by_hour.model_copy(update={"kind": kind})
        return [one.started for one in (await stats.get(call_of(redis, team), query, now)).data]

    read = await started(StatsKind.ALL), await started(StatsKind.JOBS)
    await redis.zadd(f"{team.prefix}figures_until", {f"{team.id}:h{START}": START})
    while await roll(redis, SHARD, now):
        pass
    day = await redis.hgetall(f"{team.prefix}figures:{team.id}:d{midnight}")  # type: ignore[misc]

    assert read == ([1, 7], [0, 7])
    assert (await started(StatsKind.ALL), await started(StatsKind.JOBS)) == read
    assert day == {"=": ";" * 9 + "1;7,4" + ";" * 13, "=crons@9": "1", "=7@0": "3", "#": "3"}


async def test_an_hour_that_another_version_put_beside_the_text_of_its_day_goes_into_it(
    redis: Redis, team: Team
) -> None:
    day = f"d{START // DAY * DAY}"
    texts = {"=": "4" + ";" * 23, "=@0": "2,1", "=@8": "6", "#": 3}
    await stored(redis, team, {day: texts, f"h{START}": {"#": 1, "=": "2"}})
    await redis.zadd(f"{team.prefix}figures_until", {f"{team.id}:h{START}": START})

    while await roll(redis, SHARD, START + 3 * DAY):
        pass

    found = await redis.hgetall(f"{team.prefix}figures:{team.id}:{day}")  # type: ignore[misc]
    assert found == {"=": "6,1" + ";" * 8 + "6;;2" + ";" * 13, "#": "1"}


async def test_a_day_that_is_damaged_loses_nothing_of_others(redis: Redis, team: Team) -> None:
    day = f"d{START // DAY * DAY}"
    texts = {f"={queue}": "1" + ";" * 23 for queue in range(1, 20)} | {"=": "x", "=7": ";" * 10 + "y"}
    hour = {name: "1" for name in texts}
    await stored(redis, team, {day: {**texts, "#": 20}, f"h{START}": {**hour, "#": 20}})
    await redis.zadd(f"{team.prefix}figures_until", {f"{team.id}:h{START}": START})

    while await roll(redis, SHARD, START + 3 * DAY):
        pass

    found = await redis.hgetall(f"{team.prefix}figures:{team.id}:{day}")  # type: ignore[misc]
    assert found == {**texts, "#": "20"}


async def test_a_day_has_room_for_as_many_queues_as_an_hour(redis: Redis, team: Team) -> None:
    queues = {f"={queue}": "1" for queue in range(1, 701)}
    for hour in range(3):
        period = f"h{START + hour * 3_600_000}"
        await stored(redis, team, {period: {"#": 701, "=": "700", **queues, f"=9{hour}00": "1"}})
        await redis.zadd(f"{team.prefix}figures_until", {f"{team.id}:{period}": START})
        while await roll(redis, SHARD, START + 3 * DAY):
            pass

    (day,) = await redis.keys(f"{team.prefix}figures:*")
    texts = await redis.hgetall(day)  # type: ignore[misc]

    assert (len(texts), texts["#"], texts["="]) == (701, "700", ";" * 10 + "700;700;700" + ";" * 11)
    assert all(text.count("1") in (1, 3) for name, text in texts.items() if name not in ("#", "="))


async def test_of_a_month_of_days_each_hour_is_met_once(redis: Redis, team: Team) -> None:
    now = START + 25 * 60_000
    hours = range(-719, 1)
    periods, days = dict[str, dict[str, object]](), dict[int, list[str]]()
    for hour in hours:
        at = START + hour * 3_600_000
        if hour < -48:
            days.setdefault(at // DAY * DAY, [""] * 24)[at % DAY // 3_600_000] = str(1000 + hour)
        else:
            periods[f"h{at}"] = {"#": 1, "=": str(1000 + hour)}
    days[(START - 719 * 3_600_000) // DAY * DAY][0] = "7"  # before the range
    periods |= {f"d{day}": {"#": 1, "=": ";".join(texts)} for day, texts in days.items()}
    await stored(redis, team, periods)
    month = StatsQuery(by=StatsBy.HOUR, from_=HOUR - timedelta(hours=719), to=clock.moment(now))

    found = await stats.get(call_of(redis, team), month, now)

    assert [one.started for one in found.data] == [1000 + hour for hour in hours]
    assert found.total.started == sum(1000 + hour for hour in hours)


async def test_hours_that_a_version_before_kept_a_month_are_read_until_they_go(
    redis: Redis, team: Team
) -> None:
    now, period = START + 20 * DAY, f"{team.id}:h{START}"
    await stored(redis, team, {f"h{START}": {"#": 1, "=": "5"}})
    await redis.zadd(f"{team.prefix}figures_until", {period: START + 31 * DAY})
    query = StatsQuery(by=StatsBy.HOUR, from_=HOUR, to=HOUR)

    kept = (await stats.get(call_of(redis, team), query, now)).total.started
    while await roll(redis, SHARD, START + 40 * DAY):
        pass

    assert kept == 5
    assert not await redis.keys(f"{team.prefix}figures*")


async def test_hours_that_become_days_between_two_looks_count_once(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look is followed by all that can be added up by then."""
    now = START + 35 * 60_000
    hours = range(-719, 1)
    await stored(redis, team, {f"h{START + hour * 3_600_000}": {"#": 1, "=": "7"} for hour in hours})
    until = {f"{team.id}:h{START + hour * 3_600_000}": START + (hour + 50) * 3_600_000 for hour in hours}
    looks, read = list[int](), transitions.read_figures

    async def read_and_roll(*given: Any, **more: Any) -> Any:
        found = await read(*given, **more)
        looks.append(await redis.zadd(f"{team.prefix}figures_until", until, nx=True))
        while await roll(redis, SHARD, now):
            pass
        return found

    monkeypatch.setattr(transitions, "read_figures", read_and_roll)
    month = StatsQuery(by=StatsBy.HOUR, from_=HOUR - timedelta(hours=719), to=clock.moment(now))

    found = await stats.get(call_of(redis, team), month, now)

    assert len(looks) > 3
    assert [one.started for one in found.data] == [7] * 720
    assert any(":d" in key for key in await redis.keys(f"{team.prefix}figures:*"))


async def test_periods_of_a_newer_version_hold_nothing_up(redis: Redis, team: Team) -> None:
    newer = f"{team.id}:z{START}"
    await redis.hset(f"{team.prefix}figures:{newer}", "=", "5")  # type: ignore[misc]
    await redis.zadd(f"{team.prefix}figures_until", {newer: START})

    assert await roll(redis, SHARD, LATER) == 0
    assert await redis.zscore(f"{team.prefix}figures_until", newer) == LATER + DAY
    assert await redis.exists(f"{team.prefix}figures:{newer}")


async def test_of_a_newer_version_those_figures_are_read_that_are_known(redis: Redis, team: Team) -> None:
    await stored(redis, team, {f"h{START}": {"#": 1, "=": ",".join(["3"] * (len(NAMES) + 2))}})

    found = await seen(redis, team)

    assert (found.started, found.lateness_ms.count) == (3, 3 * 14)


async def test_the_oldest_hours_go(redis: Redis, team: Team) -> None:
    await added_up(redis, team, FIGURES)

    while await roll(redis, SHARD, START + 40 * 86_400_000):
        pass

    assert not await redis.keys(f"{team.prefix}figures*")


async def test_minutes_become_texts_of_ten_and_these_of_an_hour(redis: Redis, team: Team) -> None:
    for number in (0, 1):
        period = f"{team.id}:m{START + number * 60_000}"
        await redis.hset(f"{team.prefix}figures:{period}", mapping=dict(FIGURES))  # type: ignore[misc]
        await redis.zadd(f"{team.prefix}figures_until", {period: START})
    while await roll(redis, SHARD, START + 2 * 3_600_000):
        pass
    (key,) = await redis.keys(f"{team.prefix}figures:*")
    ten = await redis.hgetall(key)  # type: ignore[misc]
    query = StatsQuery(by=StatsBy.TEN_MINUTES, from_=HOUR, to=HOUR)
    found = (await stats.get(call_of(redis, team), query, START + 2 * 3_600_000)).data[0]
    while await roll(redis, SHARD, LATER):
        pass

    assert key.endswith(f":t{START}")
    assert (ten["="], ten["=crons"], ten["#"]) == ("10,,2,,,,6" + "," * 72 + "4", "4" + "," * 78 + "4", "2")
    assert (found.started, found.completed, found.failed, found.lateness_ms.count) == (10, 6, 2, 4)
    assert await redis.keys(f"{team.prefix}figures:*") == [key_of(team)]
    assert await redis.hgetall(key_of(team)) == ten  # type: ignore[misc]


async def test_a_minute_that_is_over_is_packed_and_counted_into_all_the_same(
    redis: Redis, team: Team
) -> None:
    minute, now = f"{team.id}:m{START}", START + 3 * 60_000
    key, until = f"{team.prefix}figures:{minute}", f"{team.prefix}figures_until"
    query = StatsQuery(by=StatsBy.MINUTE, from_=HOUR, to=HOUR)
    await redis.hset(key, mapping=dict(FIGURES))  # type: ignore[misc]
    await redis.zadd(until, {minute: START + 2 * 60_000})
    while await roll(redis, SHARD, now):
        pass
    packed, over_at = await redis.hkeys(key), await redis.zscore(until, minute)  # type: ignore[misc]
    await redis.hincrby(key, "started", 4)  # type: ignore[misc]
    await redis.hincrby(key, "crons:started", 1)  # type: ignore[misc]

    found = (await stats.get(call_of(redis, team), query, now)).data[0]
    while await roll(redis, SHARD, START + 2 * 3_600_000):
        pass
    ten = await redis.hgetall(f"{team.prefix}figures:{team.id}:t{START}")  # type: ignore[misc]

    assert (sorted(packed), over_at) == (["#", "=", "=crons"], START + 61 * 60_000)
    assert (found.started, found.completed, found.failed, found.lateness_ms.count) == (9, 3, 1, 2)
    assert not await redis.exists(key)
    assert {name: by for name, by in named(ten) if by} == FIGURES | {"started": 9, "crons:started": 3}


async def test_a_minute_of_many_queues_is_packed_in_parts(redis: Redis, team: Team) -> None:
    minute, now = f"{team.id}:m{START}", START + 3 * 60_000
    key = f"{team.prefix}figures:{minute}"
    figures = {f"{queue}:started": queue for queue in range(1, 61)} | {"started": 1830}
    await redis.hset(key, mapping=figures)  # type: ignore[misc]
    await redis.zadd(f"{team.prefix}figures_until", {minute: START + 2 * 60_000})

    steps = 0
    while await transitions.roll_figures(redis, SHARD, limit=20, now_ms=now):
        steps += 1
        query = StatsQuery(by=StatsBy.MINUTE, from_=HOUR, to=HOUR)
        assert (await stats.get(call_of(redis, team), query, now)).total.started == 1830

    assert steps == 4
    assert dict(await redis.hgetall(key)) == {  # type: ignore[misc]
        "#": "61",
        "=": "1830",
        **{f"={queue}": f"{queue}" for queue in range(1, 61)},
    }


async def test_a_period_of_many_queues_is_added_up_in_parts_and_counted_once(
    redis: Redis, team: Team
) -> None:
    texts = {f"={queue}": f"{queue}" for queue in range(1, 41)} | {"=": "820", "#": "41"}
    period = f"{team.id}:t{START}"
    await redis.hset(f"{team.prefix}figures:{period}", mapping=texts)  # type: ignore[misc]
    await redis.zadd(f"{team.prefix}figures_until", {period: START})

    steps, left = 0, list[int]()
    while await roll(redis, SHARD, LATER):
        steps += 1
        left.append(await redis.hlen(f"{team.prefix}figures:{period}"))  # type: ignore[misc]
        assert (await seen(redis, team)).started == 820

    assert (steps, left[-1]) == (4, 0)
    assert left == sorted(left, reverse=True)
    assert await redis.hgetall(key_of(team)) == texts  # type: ignore[misc]


async def stored(redis: Redis, team: Team, periods: Mapping[str, Mapping[str, object]]) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for period, fields in periods.items():
            pipe.hset(f"{team.prefix}figures:{team.id}:{period}", mapping=dict(fields))
        await pipe.execute()


async def test_of_a_month_each_stored_period_is_met_once(redis: Redis, team: Team) -> None:
    now = START + 25 * 60_000
    minutes = [f"m{START + minute * 60_000}" for minute in range(-90, 26)]
    tens = [f"t{START + ten * 600_000}" for ten in range(-2 * 144, 3)]
    hours = [f"h{START + hour * 3_600_000}" for hour in range(-719, 1)]
    await stored(redis, team, {key: {"started": 1, "2:started": 1} for key in minutes})
    await stored(redis, team, {key: {"#": 2, "=": "100", "=2": "100"} for key in tens})
    await stored(redis, team, {key: {"#": 2, "=": "1000", "=2": "1000", "2:started": 1} for key in hours})
    month = {"from_": HOUR - timedelta(hours=719), "to": clock.moment(now)}

    for kind in (StatsKind.ALL, StatsKind.JOBS):
        query = StatsQuery(by=StatsBy.HOUR, kind=kind, **month)
        found = await stats.get(call_of(redis, team), query, now)

        whole = [1000] * 671 + [1600] * 46 + [1630, 1660, 1326]
        assert [one.started for one in found.data] == whole
        assert found.total.started == sum(whole)


async def test_what_crons_did_is_taken_off_in_each_period(redis: Redis, team: Team) -> None:
    """What lies beside a text is taken off as well, and no period has less than nothing."""
    earlier, first = START - 86_400_000, START - 2 * 86_400_000
    await stored(
        redis,
        team,
        {
            f"h{first}": {"#": 1, "=": "9,8"},
            f"h{first + 3_600_000}": {"#": 2, "=": "9,8", "=crons": "1", "started": 5, "crons:started": 3},
            f"h{earlier}": {"#": 2, "=": "1,5", "=crons": "4,2"},
            f"h{earlier + 3_600_000}": {"started": 7, "crons:completed": 1},
            f"t{earlier + 600_000}": {"#": 1, "=crons": "2"},
            f"t{earlier + 7_200_000}": {"#": 1, "=crons": "-5"},
            f"m{START}": {"started": 3, "completed": 1, "crons:started": 2},
        },
    )
    month = {"kind": StatsKind.JOBS, "from_": HOUR - timedelta(days=2), "to": HOUR}

    by_hour = await stats.get(call_of(redis, team), StatsQuery(by=StatsBy.HOUR, **month), START)
    by_day = await stats.get(call_of(redis, team), StatsQuery(by=StatsBy.DAY, **month), START)

    hours = [(one.started, one.completed) for one in by_hour.data]
    assert hours[:2] == [(9, 8), (10, 8)]
    assert hours[24:27] == [(0, 3), (7, 0), (0, 0)]
    assert hours[48:] == [(1, 1)]
    assert (by_hour.total.started, by_hour.total.completed) == (27, 20)
    assert [(one.started, one.completed) for one in by_day.data] == [(19, 16), (7, 2), (1, 1)]
    assert (by_day.total.started, by_day.total.completed) == (27, 19)


async def test_an_answer_is_written_as_its_model_is(redis: Redis, team: Team) -> None:
    await stored(redis, team, {f"h{START}": {"#": 1, "=": ",".join(map(str, range(len(NAMES))))}})
    query = StatsQuery(by=StatsBy.HOUR, from_=HOUR - timedelta(hours=2), to=HOUR)

    for _ in range(2):
        found = await stats.get(call_of(redis, team), query, LATER)

        assert found.as_json() == found.model_dump_json()
        assert type(found).model_validate_json(found.as_json()) == found
