"""The time policy of a cron, shown by moving time: what runs, what is skipped, and why."""

from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import BATCH, fire_due
from shared import clock
from shared.actions import crons, executions
from shared.errors import Invalid
from shared.schedule.policy import MOST_AT_ONCE
from shared.schemas.crons import CronUpdate, ExecutionQuery, ExecutionStatus
from shared.store import ledger
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, history, ledgers_add_up, told


@pytest.mark.parametrize(
    ("policy", "window", "back_after", "expected"),
    [
        ("run_once", 3600, 10.5, [("run", 10, 9)]),
        ("run_once", 0, 10.5, [("run", 10, 9)]),  # the last one is half a minute late
        ("skip", 3600, 10.5, [("missed", 9, 8), ("run", 10, 0)]),
        ("run_all", 3600, 3.5, [("run", 1, 0), ("run", 2, 0), ("run", 3, 0)]),
        ("run_all", 300, 10.5, [("missed", 5, 4), *(("run", minute, 0) for minute in range(6, 11))]),
        ("run_all", 0, 10.5, [("missed", 9, 8), ("run", 10, 0)]),
        ("run_once", 3600, 1.0, [("run", 1, 0)]),
        ("skip", 3600, 1.9, [("run", 1, 0)]),
    ],
)
async def test_what_was_missed_is_caught_up_as_the_policy_has_it(
    redis: Redis,
    team: Team,
    policy: str,
    window: int,
    back_after: float,
    expected: list[tuple[str, int, int]],
) -> None:
    cron = await a_cron(redis, team, misfire_policy=policy, misfire_window_seconds=window)

    await fire_due(redis, SHARD, NOON + back_after * MINUTE)

    assert await told(redis, team, cron) == expected
    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON + (int(back_after) + 1) * MINUTE
    assert await ledgers_add_up(redis, team)


@pytest.mark.parametrize(
    ("policy", "window", "late", "expected"),
    [
        ("run_once", 3600, 3600, "run"),
        ("run_once", 3600, 3601, "missed"),
        ("run_all", 3600, 3600, "run"),
        ("run_all", 3600, 3601, "missed"),
        ("skip", 3600, 60, "run"),
        ("skip", 3600, 61, "missed"),
        ("run_once", 10, 60, "run"),
        ("run_once", 10, 61, "missed"),
    ],
)
async def test_a_fire_that_is_too_late_is_skipped_and_says_so(
    redis: Redis, team: Team, policy: str, window: int, late: int, expected: str
) -> None:
    cron = await a_cron(
        redis, team, misfire_policy=policy, misfire_window_seconds=window, cron_expression="30 12 * * *"
    )

    await fire_due(redis, SHARD, NOON + 30 * MINUTE + late * SECOND)

    (record,) = await history(redis, team, cron)
    assert (record.skip_reason or "run", record.lateness_ms) == (expected, late * 1000)
    assert len(await claim(redis, NOON + 3 * HOUR)) == (expected == "run")


async def test_what_a_record_stands_for_is_said(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="skip")

    await fire_due(redis, SHARD, NOON + 10.5 * MINUTE)

    missed, run = await history(redis, team, cron)
    assert (missed.missed_since, missed.scheduled_at) == (NOON + MINUTE, NOON + 9 * MINUTE)
    assert (missed.status, missed.run) == (ExecutionStatus.SKIPPED, None)
    assert (run.missed_since, run.status) == (None, ExecutionStatus.PENDING)
    assert [one.id for one in await history(redis, team, cron, "skipped")] == [missed.id]


async def test_all_of_a_long_outage_run_in_bounded_steps_and_in_order(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all", cron_expression="*/10 * * * * *")

    await fire_due(redis, SHARD, NOON + HOUR)

    total = (await executions.page(redis, team, cron.id, ExecutionQuery())).total
    works = [work for _ in range(6) for work in await claim(redis, NOON + HOUR)]
    assert total == 360 > 3 * MOST_AT_ONCE
    assert [work.due_ms for work in works] == [
        clock.milliseconds(NOON + 10 * number * SECOND) for number in range(1, 361)
    ]


async def test_no_script_makes_more_than_some_hundred_records(redis: Redis, team: Team) -> None:
    for _ in range(6):
        await a_cron(redis, team, misfire_policy="run_all", cron_expression="*/10 * * * * *")
    await redis.config_resetstat()

    await fire_due(redis, SHARD, NOON + HOUR)

    made = (await ledger.read(redis, team, "execution")).accepted
    functions_run = (await redis.info("commandstats"))["cmdstat_fcall"]["calls"]
    assert made == 6 * 360
    assert functions_run >= made / (BATCH + MOST_AT_ONCE)


async def test_a_paused_cron_catches_nothing_up_whatever_its_policy(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all")

    await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=False), NOON)
    await fire_due(redis, SHARD, NOON + HOUR)
    await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=True), NOON + HOUR)
    await fire_due(redis, SHARD, NOON + HOUR + MINUTE)

    assert await told(redis, team, cron) == [("run", 61, 0)]


async def test_a_cron_keeps_within_its_start_and_end(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, starts_at=NOON + 10 * MINUTE, ends_at=NOON + 12 * MINUTE)

    for minute in range(20):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    assert cron.next_runs == [NOON + minute * MINUTE for minute in (10, 11, 12)]
    assert await told(redis, team, cron) == [("run", minute, 0) for minute in (10, 11, 12)]
    shown = await crons.get(redis, team, cron.id)
    assert (shown.has_ended, shown.is_active, shown.next_run_at, shown.next_runs) == (True, True, None, [])


async def test_what_is_made_up_for_after_the_end_has_ended(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all", ends_at=NOON + 5 * MINUTE)

    await fire_due(redis, SHARD, NOON + 10 * MINUTE)

    assert await told(redis, team, cron) == [("ended", 5, 4)]
    assert (await crons.get(redis, team, cron.id)).has_ended


async def test_a_cron_ends_after_so_many_runs(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, max_runs=2)
    await executions.create(call_of(redis, team), cron.id)  # beside the schedule

    for minute in (1, 2, 3):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
    ended = await crons.get(redis, team, cron.id)
    more = await crons.update(call_of(redis, team), cron.id, CronUpdate(max_runs=3), NOON + 5 * MINUTE)

    assert (cron.next_runs, len(await history(redis, team, cron))) == ([NOON + MINUTE, NOON + 2 * MINUTE], 3)
    assert (ended.runs, ended.has_ended, ended.next_run_at) == (2, True, None)
    assert (more.has_ended, more.next_runs) == (False, [NOON + 6 * MINUTE])


async def test_fires_beyond_the_limit_are_skipped_by_it(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, max_runs=2, misfire_policy="run_all")

    await fire_due(redis, SHARD, NOON + 4 * MINUTE)

    assert await told(redis, team, cron) == [("run", 1, 0), ("run", 2, 0), ("limit", 3, 0), ("limit", 4, 0)]


async def test_a_spread_is_one_offset_for_each_cron(redis: Redis, team: Team) -> None:
    asked = {"cron_expression": "0 * * * *", "spread_seconds": 600}
    made = [await a_cron(redis, team, at=NOON + 20 * MINUTE, **asked) for _ in range(20)]
    offsets = [cron.next_run_at - (NOON + HOUR) for cron in made if cron.next_run_at]

    for hour in (1, 2):
        await fire_due(redis, SHARD, NOON + hour * HOUR + 10 * MINUTE)

    assert all(timedelta(0) <= offset <= 10 * MINUTE for offset in offsets)
    assert len(set(offsets)) > 10
    for cron, offset in zip(made, offsets, strict=True):
        fires = [one.scheduled_at for one in await history(redis, team, cron)]
        assert fires == [NOON + HOUR + offset, NOON + 2 * HOUR + offset]
    changed = await crons.update(
        call_of(redis, team), made[0].id, CronUpdate(spread_seconds=0), NOON + 20 * MINUTE
    )
    back = await crons.update(
        call_of(redis, team), made[0].id, CronUpdate(spread_seconds=600), NOON + 20 * MINUTE
    )
    assert (changed.next_run_at, back.next_run_at) == (NOON + HOUR, made[0].next_run_at)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ends_at": NOON - MINUTE}, "ends_at"),
        ({"ends_at": NOON + 30 * SECOND}, "ends_at"),
        ({"starts_at": NOON + HOUR, "ends_at": NOON + HOUR}, "ends_at"),
    ],
)
async def test_a_cron_that_would_never_fire_is_refused(
    redis: Redis, team: Team, fields: dict[str, datetime], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await a_cron(redis, team, **fields)

    assert refused.value.field == field
    assert await redis.keys("*:c:*") == []
