"""Figures of ten minutes and hours: one text has all of an owner; what another version wrote is added up too."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from services.scheduler.forget import roll
from shared import clock
from shared.actions.reports import stats
from shared.errors import Damaged
from shared.schemas.reports.stats import Figures, StatsBy, StatsKind, StatsQuery
from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.reports.figures import named
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
HOUR = datetime(2026, 11, 25, 10, tzinfo=UTC)
START = clock.milliseconds(HOUR)
LATER = START + 3 * 86_400_000
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
