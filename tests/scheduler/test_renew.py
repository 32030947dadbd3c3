"""With another release of the time zone rules, next fires are computed again, and nothing fires twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due, judge_ahead
from services.scheduler.renew import announce, renew
from shared import clock
from shared.actions import crons
from shared.schedule import zone_data
from shared.schemas.crons import Cron
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Renewal
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, history
from tests.vouching import let_it_be

BERLIN = {"cron_expression": "0 9 1 * *", "timezone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
async def at_noon(redis: Redis) -> None:
    """A day has 24 hours then, in Berlin too."""
    await let_it_be(redis, NOON)


async def set_next_fire(redis: Redis, team: Team, cron: Cron, at: datetime) -> None:
    """As if a scheduler with other rules had set the next fire."""
    member = f"{team.id}:{cron.id}"
    await redis.zadd(keyspace.crons(SHARD), {member: clock.milliseconds(at)})
    await redis.hset(f"{team.prefix}c:{member}", "next", str(clock.milliseconds(at)))  # type: ignore[misc]


@pytest.mark.writes_records
async def test_a_next_fire_by_other_rules_is_computed_again(redis: Redis, team: Team) -> None:
    moved, kept = [await a_cron(redis, team, at=NOON, **BERLIN) for _ in range(2)]
    without_zone = await a_cron(redis, team, at=NOON, cron_expression="0 9 1 * *")
    assert moved.next_run_at
    assert without_zone.next_run_at
    await set_next_fire(redis, team, moved, moved.next_run_at + HOUR)
    await set_next_fire(redis, team, without_zone, without_zone.next_run_at + HOUR)

    assert await renew(redis, SHARD) == 1
    assert await renew(redis, SHARD) == 0

    assert (await crons.get(redis, team, moved.id)).next_run_at == moved.next_run_at
    assert (await crons.get(redis, team, kept.id)).next_run_at == kept.next_run_at


async def test_schedulers_with_two_releases_fire_each_moment_once(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON, cron_expression="0 9 * * *", timezone="Europe/Berlin")
    nine = datetime(2026, 11, 26, 8, tzinfo=UTC)
    await set_next_fire(redis, team, cron, nine + HOUR)  # by the other release Berlin is an hour behind

    for minute in range(0, 180, 30):
        await fire_due(redis, SHARD, nine + timedelta(minutes=minute))
    await set_next_fire(redis, team, cron, nine + timedelta(days=1, hours=1))
    for minute in range(0, 180, 30):
        await fire_due(redis, SHARD, nine + timedelta(days=1, minutes=minute))

    fired = [one.scheduled_at for one in await history(redis, team, cron)]
    assert fired == [nine + HOUR, nine + timedelta(days=1, hours=1)]
    assert (await crons.get(redis, team, cron.id)).next_run_at == nine + timedelta(days=2)


@pytest.mark.writes_records
async def test_what_is_due_and_what_changed_meanwhile_are_left_alone(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON, **BERLIN)
    await set_next_fire(redis, team, cron, NOON)

    assert await renew(redis, SHARD) == 0

    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON


async def daily_in_berlin(redis: Redis, team: Team, at: datetime, fired_before: timedelta) -> Cron:
    """One that fires each day at that time of the day, and fired so long before it."""
    local = at.astimezone(ZoneInfo("Europe/Berlin"))
    expression = f"{local.minute} {local.hour} * * *"
    cron = await a_cron(redis, team, at=at - HOUR, cron_expression=expression, timezone="Europe/Berlin")
    await redis.hset(f"{team.prefix}c:1:{cron.id}", "fired_until", str(clock.milliseconds(at - fired_before)))  # type: ignore[misc]
    return cron


async def test_a_fire_that_other_rules_move_into_the_past_is_owed(redis: Redis, team: Team) -> None:
    at = NOON - MINUTE
    cron = await daily_in_berlin(redis, team, at, timedelta(hours=23))
    await set_next_fire(redis, team, cron, at + HOUR)

    assert await renew(redis, SHARD) == 1
    await fire_due(redis, SHARD)

    assert [one.scheduled_at for one in await history(redis, team, cron)] == [at]
    assert await renew(redis, SHARD) == 0


async def test_a_fire_that_was_made_by_other_rules_is_not_made_again(redis: Redis, team: Team) -> None:
    at = NOON - MINUTE
    cron = await daily_in_berlin(redis, team, at, HOUR)
    await set_next_fire(redis, team, cron, at + timedelta(hours=23))

    assert await renew(redis, SHARD) == 1
    await fire_due(redis, SHARD)

    assert await history(redis, team, cron) == []
    assert (await crons.get(redis, team, cron.id)).next_run_at == at + timedelta(days=1)


@pytest.mark.writes_records
async def test_nothing_that_was_made_is_due_or_changed_is_computed_again(redis: Redis, team: Team) -> None:
    now = clock.milliseconds(NOON)
    made, due = [await a_cron(redis, team, at=NOON, **BERLIN) for _ in range(2)]
    assert made.next_run_at
    await redis.hset(f"{team.prefix}c:1:{made.id}", "fired_until", str(now))  # type: ignore[misc]
    await set_next_fire(redis, team, due, clock.moment(now - 1))

    known = clock.milliseconds(made.next_run_at)
    wrong = [
        (made.id, 1, known, now),
        (due.id, 1, now - 1, now + 1000),
        (made.id, 2, known, now + 1),
        (made.id, 1, known + 1, now + 1),
    ]

    for each in wrong:
        assert await transitions.renew_crons(redis, SHARD, [Renewal(team.id, *each)]) == 0
    right = Renewal(team.id, made.id, 1, known, now + 1)
    assert await transitions.renew_crons(redis, SHARD, [right]) == 1


NEWER = "2199a"


async def another_announces(redis: Redis, at: datetime, release: str = NEWER) -> None:
    """As a scheduler with that release does."""
    await transitions.announce_zones(redis, SHARD, release=release, now_ms=clock.milliseconds(at))


async def test_crons_with_a_zone_are_left_to_a_scheduler_with_newer_rules(redis: Redis, team: Team) -> None:
    berlin = await a_cron(redis, team, at=NOON, timezone="Europe/Berlin")
    plain = await a_cron(redis, team, at=NOON)
    await another_announces(redis, NOON + MINUTE)

    await fire_due(redis, SHARD, NOON + MINUTE)

    assert [len(await history(redis, team, cron)) for cron in (berlin, plain)] == [0, 1]


@pytest.mark.parametrize(("release", "fired"), [(NEWER, 0), ("2000a", 1)])
async def test_many_that_are_left_to_others_stand_in_nobodys_way(
    redis: Redis, team: Team, release: str, fired: int
) -> None:
    for _ in range(201):
        zoned = await a_cron(redis, team, at=NOON, timezone="Europe/Berlin")
    plain = await a_cron(redis, team, at=NOON)
    await another_announces(redis, NOON + MINUTE, release)

    await fire_due(redis, SHARD, NOON + MINUTE)

    assert [len(await history(redis, team, cron)) for cron in (zoned, plain)] == [fired, 1]


async def test_what_was_judged_by_older_rules_before_newer_ones_came_is_refused(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, at=NOON, timezone="Europe/Berlin")
    batches = await judge_ahead(redis, SHARD, clock.milliseconds(NOON + MINUTE))
    await another_announces(redis, NOON + MINUTE)

    now_ms = clock.milliseconds(NOON + MINUTE)
    answers = [
        await transitions.fire_crons(redis, SHARD, batch.crons, release=batch.release, now_ms=now_ms)
        for batch in batches
    ]

    assert answers == [[0]]
    assert await history(redis, team, cron) == []


@pytest.mark.parametrize(("seconds", "fired"), [(29, 0), (31, 1), (-29, 0), (-31, 1)])
async def test_when_the_last_scheduler_with_newer_rules_is_gone_the_others_fire(
    redis: Redis, team: Team, seconds: int, fired: int
) -> None:
    cron = await a_cron(redis, team, at=NOON, timezone="Europe/Berlin")
    await another_announces(redis, NOON + MINUTE - seconds * SECOND)

    await fire_due(redis, SHARD, NOON + MINUTE)

    assert len(await history(redis, team, cron)) == fired


@pytest.mark.writes_records
async def test_an_older_release_never_moves_a_fire_however_long_the_newer_one_is_gone(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, at=NOON, **BERLIN)
    assert cron.next_run_at
    await set_next_fire(redis, team, cron, cron.next_run_at + HOUR)
    await another_announces(redis, NOON - timedelta(days=30))

    assert await renew(redis, SHARD) == 0

    assert (await crons.get(redis, team, cron.id)).next_run_at == cron.next_run_at + HOUR


async def test_the_newest_release_is_remembered(redis: Redis) -> None:
    ours = zone_data.release().version

    first = await announce(redis, SHARD, clock.milliseconds(NOON))
    await another_announces(redis, NOON + SECOND)
    beside = await announce(redis, SHARD, clock.milliseconds(NOON + 2 * SECOND))
    after = await announce(redis, SHARD, clock.milliseconds(NOON + MINUTE))

    assert (first, beside, after) == ((ours, True), (NEWER, True), (NEWER, False))
