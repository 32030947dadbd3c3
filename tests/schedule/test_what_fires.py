"""The fires that are said to come are those that are made, over changes of the clock."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.actions.reports import coming
from shared.actions.reports.coming import Crons, Fire
from shared.schedule import ahead, occurrences
from shared.schedule.coming import Days, count, minutes_of, start_of
from shared.store.keyspace import Team
from tests.fires import HOUR, MINUTE, SECOND, SHARD, a_cron

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # at midnight
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Cairo",  # on a Friday, and back on a Thursday
    "Africa/Casablanca",  # for Ramadan: back and then on again
    "Asia/Beirut",
    "Antarctica/Troll",  # by two hours
)
EXPRESSIONS = ("0 * * * *", "30 2 * * *", "15 0-3 * * *", "*/45 22-23,0-4 * * *", "0 0 * * *")
SPREADS = (0, 0, 90, 5400)
YEAR = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
async def test_what_is_to_come_of_twenty_crons_of_a_zone_is_what_fires_over_its_changes(
    redis: Redis, team: Team, zone: str
) -> None:
    changes = [one.at for one in occurrences.changes(zone, YEAR, YEAR + timedelta(days=365))]

    assert len(changes) == 2
    for change in changes:
        await redis.flushall()
        await fires_as_said(redis, team, zone, change - 12 * HOUR + 7 * SECOND)


async def fires_as_said(redis: Redis, team: Team, zone: str, begins: datetime) -> None:
    """Fire the crons for a day and check that each fire was listed and counted, and no other."""
    for expression in EXPRESSIONS:
        for spread in SPREADS:
            await a_cron(
                redis, team, at=begins, cron_expression=expression, timezone=zone, spread_seconds=spread
            )
    ends = begins + 24 * HOUR + 53 * SECOND
    known = await coming.read(redis, team, now_ms=clock.milliseconds(begins))
    listed = coming.fires_until(known, ends)
    counted = count(Days(), known.groups, begins, ends)
    check_parts(known, listed, ends)

    for at in sorted({fire.at for fire in listed}):
        await fire_due(redis, SHARD, at)
    await fire_due(redis, SHARD, ends - SECOND)

    rows = await redis.zrange(f"{team.prefix}x:{team.id}:executions", 0, -1, withscores=True)
    async with redis.pipeline(transaction=False) as together:
        for execution, _ in rows:
            together.hmget(f"{team.prefix}e:{team.id}:{execution}", ["cron", "missed"])
        records = await together.execute()
    made = [(int(cron), clock.moment(due)) for (_, due), (cron, _) in zip(rows, records, strict=True)]
    assert len(known.found) == 20
    assert len(made) > 150
    assert sorted(made) == sorted((fire.cron.id, fire.at) for fire in listed)
    by_minute = defaultdict[datetime, int](int)
    for _, at in made:
        by_minute[at.replace(second=0)] += 1
    assert by_minute == {
        start_of(day) + minute * MINUTE: fires
        for day, packed in counted.items()
        for minute, fires in enumerate(minutes_of(packed))
        if fires
    }
    assert {missed for _, missed in records} == {"0"}


def check_parts(known: Crons, listed: list[Fire], ends: datetime) -> None:
    """Take the list apart: each part is as it stands there, with the fire before each."""
    days = Days()
    found = ahead.counted(days, known.groups, known.now, ends, len(listed))
    cut = ahead.counted(days, known.groups, known.now, ends, 50)
    made = [
        Fire(cron, at, ahead.fire_before(cron, at) or known.now)
        for first in range(0, len(listed), 17)
        for at, cron in ahead.part(days, known.groups, found, first, min(first + 17, len(listed)))
    ]

    assert ahead.are_as_planned(known.groups)
    assert found.total == len(listed) >= cut.total > 50
    assert made == listed
    assert [at for at, _ in ahead.part(days, known.groups, cut, 40, 51)] == [one.at for one in listed[40:51]]
