"""Counts of fires to come, between moments that are not whole minutes too."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.schedule import ahead, coming
from shared.schedule.coming import Cron, Days
from shared.schedule.policy import Plan

MIDNIGHT = datetime(2026, 11, 29, tzinfo=UTC)
NEXT = MIDNIGHT - timedelta(hours=3)
TICK = timedelta.resolution
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EXPRESSIONS = ("0 * * * *", "0 0 * * *", "59 23 * * *", "* * * * *", "*/20 * * * * *", "59 59 23 * * *")
STOPS = [
    end + step
    for end in (MIDNIGHT - HOUR, MIDNIGHT, MIDNIGHT + HOUR, MIDNIGHT + 24 * HOUR)
    for step in (-MINUTE, -SECOND, -TICK, timedelta(0), TICK, SECOND - TICK, SECOND, MINUTE)
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("offset", [0, 40, 3600])
@pytest.mark.parametrize(
    ("left", "ends"), [(None, None), (4, None), (None, MIDNIGHT + HOUR - SECOND / 2), (None, MIDNIGHT + HOUR)]
)
def test_fires_until_any_moment_are_counted_as_they_come_one_by_one(
    expression: str, offset: int, left: int | None, ends: datetime | None
) -> None:
    plan = Plan(expression, "UTC", timedelta(seconds=offset), ends_at=ends)
    first = next(coming.assigned(Cron(1, "a", plan, NEXT), NEXT, NEXT + 48 * HOUR))
    cron = Cron(1, "a", plan, first, left)
    one_by_one = list(coming.fires(cron, STOPS[-1] + MINUTE))
    days = Days()

    for stop in STOPS:
        meant = [at for at in one_by_one if at < stop]
        found = ahead.counted(days, [[cron]], NEXT, stop, len(one_by_one))
        assert found.total == len(meant), stop
        listed = ahead.part(days, [[cron]], found, max(0, len(meant) - 5), len(meant))
        assert [at for at, _ in listed] == meant[-5:], stop
        for since in (MIDNIGHT - TICK, MIDNIGHT, MIDNIGHT + TICK):
            sums = coming.count(days, [[cron]], since, stop)
            assert sum(map(sum, map(coming.minutes_of, sums.values()))) == sum(at >= since for at in meant)
