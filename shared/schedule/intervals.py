"""Cut a range of time into the half hours, hours or days of a time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.schedule.zone_data import zone

_DAY = timedelta(days=1)


class Interval(NamedTuple):
    """From `start` until before `end`."""

    start: datetime
    end: datetime


def cut(timezone: str, since: datetime, until: datetime, length: timedelta | None) -> Iterator[Interval]:
    """The intervals that begin before `until`, from that of `since` on; without a length they are days.

    Days are as long as the clock of the zone makes them. Others are counted from the beginning of their day,
    whose last one may be shorter.
    """
    rules = zone(timezone)
    day = since.astimezone(rules).date()
    while True:
        at, end = _beginning(rules, day), _beginning(rules, day + _DAY)
        while at < end:
            if at >= until and at > since:
                return
            stop = end if length is None else min(at + length, end)
            if stop > since:
                yield Interval(at, stop)
            at = stop
        day += _DAY


def _beginning(rules: ZoneInfo, day: date) -> datetime:
    """The first instant of a day; where the clock skips midnight, that is the end of the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=rules).astimezone(UTC)
