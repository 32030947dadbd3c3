"""Another release of the time zones' rules: what it would reckon otherwise is reckoned anew, and nothing fires twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.renew import renew
from shared import clock, crons, keyspace, scripts
from shared.keyspace import Team
from shared.schemas.crons import Cron
from tests.fires import HOUR, MINUTE, NOON, SHARD, a_cron, history

BERLIN = {"cron_expression": "0 9 1 * *", "timezone": "Europe/Berlin"}


async def reckoned(redis: Redis, team: Team, cron: Cron, at: datetime) -> None:
    """As if a scheduler with other rules had set the next fire."""
    member = f"{team.id}:{cron.id}"
    await redis.zadd(keyspace.crons(SHARD), {member: clock.milliseconds(at)})
    await redis.hset(f"{team.prefix}c:{member}", "next", str(clock.milliseconds(at)))  # type: ignore[misc]


async def test_a_next_fire_by_other_rules_is_reckoned_anew(redis: Redis, team: Team) -> None:
    now = datetime.now(UTC)
    moved, kept = [await a_cron(redis, team, at=now, **BERLIN) for _ in range(2)]
    without_zone = await a_cron(redis, team, at=now, cron_expression="0 9 1 * *")
    assert moved.next_run_at
    assert without_zone.next_run_at
    await reckoned(redis, team, moved, moved.next_run_at + HOUR)
    await reckoned(redis, team, without_zone, without_zone.next_run_at + HOUR)

    assert await renew(redis, SHARD) == 1
    assert await renew(redis, SHARD) == 0

    assert (await crons.get(redis, team, moved.id)).next_run_at == moved.next_run_at
    assert (await crons.get(redis, team, kept.id)).next_run_at == kept.next_run_at


async def test_schedulers_with_two_releases_fire_each_moment_once(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON, cron_expression="0 9 * * *", timezone="Europe/Berlin")
    nine = datetime(2026, 11, 26, 8, tzinfo=UTC)
    await reckoned(redis, team, cron, nine + HOUR)  # the other takes Berlin for an hour behind

    for minute in range(0, 180, 30):
        await fire_due(redis, SHARD, nine + timedelta(minutes=minute))
    await reckoned(redis, team, cron, nine + timedelta(days=1, hours=1))
    for minute in range(0, 180, 30):
        await fire_due(redis, SHARD, nine + timedelta(days=1, minutes=minute))

    fired = [one.scheduled_at for one in await history(redis, team, cron)]
    assert fired == [nine + HOUR, nine + timedelta(days=1, hours=1)]
    assert (await crons.get(redis, team, cron.id)).next_run_at == nine + timedelta(days=2)


async def test_what_is_due_and_what_changed_meanwhile_are_left_alone(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=datetime.now(UTC), **BERLIN)
    await reckoned(redis, team, cron, NOON)

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
    at = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    cron = await daily_in_berlin(redis, team, at, timedelta(hours=23))
    await reckoned(redis, team, cron, at + HOUR)

    assert await renew(redis, SHARD) == 1
    await fire_due(redis, SHARD)

    assert [one.scheduled_at for one in await history(redis, team, cron)] == [at]
    assert await renew(redis, SHARD) == 0


async def test_a_fire_that_was_made_by_other_rules_is_not_made_again(redis: Redis, team: Team) -> None:
    at = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    cron = await daily_in_berlin(redis, team, at, HOUR)
    await reckoned(redis, team, cron, at + timedelta(hours=23))

    assert await renew(redis, SHARD) == 1
    await fire_due(redis, SHARD)

    assert await history(redis, team, cron) == []
    assert (await crons.get(redis, team, cron.id)).next_run_at == at + timedelta(days=1)


async def test_nothing_that_was_made_is_due_or_changed_is_reckoned_anew(redis: Redis, team: Team) -> None:
    now = clock.milliseconds(datetime.now(UTC))
    made, due = [await a_cron(redis, team, at=datetime.now(UTC), **BERLIN) for _ in range(2)]
    assert made.next_run_at
    await redis.hset(f"{team.prefix}c:1:{made.id}", "fired_until", str(now))  # type: ignore[misc]
    await reckoned(redis, team, due, clock.moment(now - 1))

    known = clock.milliseconds(made.next_run_at)
    wrong = [
        (made.id, 1, known, now),
        (due.id, 1, now - 1, now + 1000),
        (made.id, 2, known, now + 1),
        (made.id, 1, known + 1, now + 1),
    ]

    for each in wrong:
        assert await scripts.renew_crons(redis, team.prefix, "", team.id, *each) == 0
    assert await scripts.renew_crons(redis, team.prefix, "", team.id, made.id, 1, known, now + 1) == 1
