"""A changed cron: due fires are made first, by its old plan, and no moment is made twice."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.actions import crons
from shared.errors import Conflict
from shared.schemas.crons import Cron, CronUpdate
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, history, ledgers_add_up, told
from tests.vouching import let_it_be

SAVE_CRON = Function("save_cron")
EDITS = [
    {"is_active": False},
    {"max_runs": 9},
    {"ends_at": NOON + 2 * MINUTE},
    {"starts_at": NOON + HOUR},
    {"timezone": "Asia/Kathmandu"},
    {"cron_expression": "30 * * * *"},
    {"spread_seconds": 40},
    {"misfire_policy": "skip"},
    {"misfire_window_seconds": 60},
    {"overlap_policy": "skip"},
]


async def change(redis: Redis, team: Team, cron: Cron, at: timedelta | None, **fields: object) -> Cron:
    """At so long after noon, else now."""
    asked = CronUpdate.model_validate(fields)
    return await crons.update(call_of(redis, team), cron.id, asked, None if at is None else NOON + at)


@pytest.mark.parametrize("fields", EDITS, ids=lambda fields: next(iter(fields)))
async def test_what_was_due_before_a_change_has_its_record(
    redis: Redis, team: Team, fields: dict[str, object]
) -> None:
    cron = await a_cron(redis, team)
    at = 3 * MINUTE + 30 * SECOND

    changed = await change(redis, team, cron, at, **fields)
    await fire_due(redis, SHARD, NOON + at)

    assert await told(redis, team, cron) == [("run", 3, 2)]
    assert changed.next_run_at is None or changed.next_run_at > NOON + at
    assert await ledgers_add_up(redis, team)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"misfire_policy": "run_all"}, [("run", 1, 0), ("run", 2, 0), ("run", 3, 0)]),
        ({"misfire_policy": "skip"}, [("missed", 2, 1), ("run", 3, 0)]),
        ({"misfire_policy": "run_all", "max_runs": 2}, [("run", 1, 0), ("run", 2, 0), ("limit", 3, 0)]),
        ({"misfire_policy": "run_all", "overlap_policy": "skip"}, [("run", 1, 0), ("overlap", 2, 0), ("overlap", 3, 0)]),
        ({"ends_at": NOON + 2 * MINUTE}, [("run", 2, 1)]),
    ],
)  # fmt: skip
async def test_what_was_due_is_judged_by_the_policy_of_then(
    redis: Redis, team: Team, policy: dict[str, Any], expected: list[tuple[str, int, int]]
) -> None:
    cron = await a_cron(redis, team, **policy)
    new = {"misfire_policy": "run_once", "overlap_policy": "allow", "max_runs": 9, "ends_at": NOON + HOUR}

    changed = await change(redis, team, cron, 3 * MINUTE, **new)

    assert await told(redis, team, cron) == expected
    assert changed.next_run_at == NOON + 4 * MINUTE
    assert changed.runs == sum(reason == "run" for reason, *_ in expected)
    assert sum(changed.lateness.values()) == changed.runs


async def test_a_limit_that_the_due_fires_use_up_ends_the_cron(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all")

    changed = await change(redis, team, cron, 3 * MINUTE, max_runs=3)
    await fire_due(redis, SHARD, NOON + HOUR)

    assert (changed.runs, changed.has_ended, changed.next_run_at) == (3, True, None)
    assert len(await history(redis, team, cron)) == 3


async def test_more_than_a_script_makes_is_made_before_the_change(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, cron_expression="* * * * * *", misfire_policy="run_all")

    paused = await change(redis, team, cron, 350 * SECOND, is_active=False)

    assert (paused.runs, paused.next_run_at) == (350, None)
    assert len(await claim(redis, NOON + HOUR, 500)) == 350


async def test_what_is_owed_is_made_though_nobody_vouches_for_the_clock(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, cron_expression="* * * * * *", misfire_policy="run_all")
    await redis.set(keyspace.trusted_until(SHARD), clock.milliseconds(NOON))

    paused = await change(redis, team, cron, 250 * SECOND, is_active=False)

    assert (paused.runs, paused.next_run_at) == (250, None)


async def test_a_part_of_what_is_owed_is_made_once_however_many_make_it(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, cron_expression="* * * * * *", misfire_policy="run_all")
    at = 350 * SECOND

    changes = [change(redis, team, cron, at, misfire_window_seconds=window) for window in (4000, 5000, 6000)]
    await asyncio.gather(*changes, fire_due(redis, SHARD, NOON + at), return_exceptions=True)
    await change(redis, team, cron, at, is_active=False)

    keys = [f"{team.prefix}e:1:{number}" for number in range(1, 352)]
    dues = [await redis.hget(key, "due") for key in keys]  # type: ignore[misc]
    assert dues == [str(clock.milliseconds(NOON + second * SECOND)) for second in range(1, 351)] + [None]


@pytest.mark.parametrize("behind_ms", [1, 20, 100, 500, 1000, 59_000])
async def test_a_moment_that_was_made_is_made_no_more_by_a_clock_that_is_behind(
    redis: Redis, team: Team, behind_ms: int
) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    at = MINUTE - timedelta(milliseconds=behind_ms)

    await change(redis, team, cron, at, is_active=False)
    resumed = await change(redis, team, cron, at, is_active=True)
    moved = await change(redis, team, cron, at, starts_at=NOON)

    assert resumed.next_run_at == moved.next_run_at == NOON + 2 * MINUTE


async def test_what_a_wrong_clock_made_far_ahead_forbids_nothing(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + 2 * HOUR)

    changed = await change(redis, team, cron, MINUTE, max_runs=99)

    assert changed.next_run_at == NOON + 2 * MINUTE


async def test_another_spread_makes_no_moment_twice_and_leaves_none_out(redis: Redis, team: Team) -> None:
    wider, narrower = [await a_cron(redis, team, cron_expression="0 * * * *") for _ in range(2)]
    for cron in (wider, narrower):
        await redis.hset(f"{team.prefix}c:1:{cron.id}", "phase", str(30 * 60))  # type: ignore[misc]
    await change(redis, team, narrower, timedelta(0), spread_seconds=3599)
    await fire_due(redis, SHARD, NOON + HOUR)

    widened = await change(redis, team, wider, HOUR + MINUTE, spread_seconds=3599)
    narrowed = await change(redis, team, narrower, HOUR + MINUTE, spread_seconds=0)

    assert await told(redis, team, wider) == await told(redis, team, narrower) == [("run", 60, 0)]
    assert widened.next_run_at == NOON + 2 * HOUR + 30 * MINUTE
    assert narrowed.next_run_at == NOON + 2 * HOUR


class Meanwhile:
    """A client with which something else happens just before its first save of a cron."""

    def __init__(self, redis: Redis, happens: object) -> None:
        self._redis, self._happens, self.saves = redis, happens, 0

    async def fcall(self, function: str, *arguments: object) -> object:
        if function == SAVE_CRON.in_redis:
            self.saves += 1
            if self.saves == 1:
                await self._happens()  # type: ignore[operator]
        return await self._redis.fcall(function, *arguments)  # type: ignore[arg-type, misc]

    def __getattr__(self, name: str) -> object:
        return getattr(self._redis, name)


async def test_a_fire_between_read_and_change_is_not_made_again(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)

    async def fires() -> None:
        await fire_due(redis, SHARD, NOON + MINUTE)

    client = Meanwhile(redis, fires)
    await change(cast(Redis, client), team, cron, MINUTE, max_runs=5)

    assert client.saves == 2
    assert await told(redis, team, cron) == [("run", 1, 0)]


class Reckons:
    """A client that saves crons with a given next fire."""

    def __init__(self, redis: Redis, next_fire: datetime) -> None:
        self._redis, self._next_fire = redis, clock.milliseconds(next_fire)

    async def fcall(self, function: str, *arguments: object) -> object:
        if function == SAVE_CRON.in_redis:
            value = arguments.index("next_ms") + 1
            arguments = (*arguments[:value], self._next_fire, *arguments[value + 1 :])
        return await self._redis.fcall(function, *arguments)  # type: ignore[arg-type, misc]

    def __getattr__(self, name: str) -> object:
        return getattr(self._redis, name)


@pytest.mark.parametrize("second", [29, 30, 59, 60])
async def test_a_next_fire_that_was_made_or_has_passed_is_refused_whoever_computes_it(
    redis: Redis, team: Team, second: int
) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    client = Reckons(redis, NOON + second * SECOND)

    with pytest.raises(Conflict, match="try again"):
        await change(cast(Redis, client), team, cron, 30 * SECOND, max_runs=5)

    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON + 2 * MINUTE


async def test_what_falls_due_between_read_and_change_is_made_too(redis: Redis, team: Team) -> None:
    await let_it_be(redis, NOON)
    made = await a_cron(redis, team)
    client = Meanwhile(redis, lambda: let_it_be(redis, NOON + MINUTE))

    paused = await change(cast(Redis, client), team, made, None, is_active=False)

    assert client.saves > 1
    assert paused.next_run_at is None
    assert await told(redis, team, made) == [("run", 1, 0)]


async def test_a_next_fire_that_has_passed_by_the_change_is_computed_again(redis: Redis, team: Team) -> None:
    await let_it_be(redis, NOON)
    made = await a_cron(redis, team, is_active=False)
    client = Meanwhile(redis, lambda: let_it_be(redis, NOON + 2 * MINUTE))

    resumed = await change(cast(Redis, client), team, made, None, is_active=True)

    assert client.saves > 1
    assert resumed.next_run_at == NOON + 3 * MINUTE


async def test_a_plan_that_nobody_can_read_any_more_owes_a_record_that_says_so(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team)
    await redis.hset(f"{team.prefix}c:1:{cron.id}", "timezone", "Mars/Olympus")  # type: ignore[misc]

    changed = await change(redis, team, cron, 3 * MINUTE, cron_expression="30 * * * *")

    assert await told(redis, team, cron) == [("missed", 1, 0)]
    assert changed.next_run_at == NOON + 30 * MINUTE


async def test_a_heartbeat_that_is_paused_while_a_fire_is_due_says_so(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, mode="heartbeat", url="", grace_seconds=60)

    await change(redis, team, cron, MINUTE, is_active=False)
    await transitions.promote(redis, SHARD, most=500, now_ms=clock.milliseconds(NOON + 3 * MINUTE))

    assert await told(redis, team, cron) == [("paused", 1, 0)]


async def test_an_unrelated_change_makes_nothing(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)

    await change(redis, team, cron, 3 * MINUTE, name="pong", timezone="UTC")

    assert await told(redis, team, cron) == []
