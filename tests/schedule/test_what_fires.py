"""The fires that are said to come are those that are made, over changes of the clock."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.actions.reports import coming
from shared.schedule.coming import Days, count, minutes_of, start_of
from shared.store.keyspace import Team
from tests.fires import MINUTE, SECOND, SHARD, a_cron

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
    "Africa/Cairo",
)
EXPRESSIONS = ("0 * * * *", "30 2 * * *", "15 1-3 * * *", "*/45 0-4 * * 0,6", "0 3 L * *")
SPREADS = (0, 0, 90, 5400)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "begins",
    [datetime(2027, 3, 27, 20, 0, 7, tzinfo=UTC), datetime(2027, 10, 30, 20, 0, 7, tzinfo=UTC)],
    ids=["spring", "autumn"],
)
async def test_what_is_to_come_of_two_hundred_crons_is_what_fires(
    redis: Redis, team: Team, begins: datetime
) -> None:
    for zone in ZONES:
        for expression in EXPRESSIONS:
            for spread in SPREADS:
                await a_cron(
                    redis, team, at=begins, cron_expression=expression, timezone=zone, spread_seconds=spread
                )
    ends = begins + DAY + 53 * SECOND
    known = await coming.read(redis, team, now_ms=clock.milliseconds(begins))
    listed = coming.fires_until(known, ends)
    counted = count(Days(), known.found, begins, ends)

    for at in sorted({fire.at for fire in listed}):
        await fire_due(redis, SHARD, at)
    await fire_due(redis, SHARD, ends - SECOND)

    index = f"{team.prefix}x:{team.id}:executions"
    rows = await redis.zrange(index, 0, -1, withscores=True)
    made = [
        (int(await redis.hget(f"{team.prefix}e:{team.id}:{one}", "cron")), clock.moment(due))  # type: ignore[misc]
        for one, due in rows
    ]
    assert len(known.found) == 200
    assert len(made) > 900
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
    missed = [await redis.hget(f"{team.prefix}e:{team.id}:{one}", "missed") for one, _ in rows]  # type: ignore[misc]
    assert set(missed) == {"0"}
