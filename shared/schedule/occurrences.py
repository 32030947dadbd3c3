"""Compute when a cron fires: from an expression, a time zone and a moment to instants in UTC."""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from shared.schedule import suggestions
from shared.schedule.expressions import LAST, Fields, parse
from shared.schedule.zone_data import zone

MOST_COUNTED = 1_000
SEARCH_YEARS = 100  # a 29 February that is a given weekday comes every 40 years at the latest

SUNDAY, SATURDAY = 0, 6

_SECOND = timedelta(seconds=1)
_CHECKED_FROM = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock has no zone
_WEEK = timedelta(days=7)  # no zone of our time moves its clock and back within a week


@dataclass(frozen=True, slots=True)
class Caught:
    """The last instant that is due, how many before it were missed, and the next one."""

    latest: datetime
    missed: int  # at most MOST_COUNTED: then it is a lower bound
    following: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """The instant at which a zone's offset from UTC changes, and the offsets before and after."""

    at: datetime
    before: timedelta
    after: timedelta


def check(expression: str) -> str:
    """Return the expression with single spaces, or raise ValueError saying what is wrong with it."""
    try:
        _match(parse(expression), _CHECKED_FROM)
    except ValueError as error:
        better = suggestions.suggest(expression)
        raise ValueError(f"{error}; did you mean {better}?" if better else str(error)) from None
    return " ".join(expression.split())


def changes(timezone: str, after: datetime, until: datetime) -> Iterator[Change]:
    """The changes of a zone's offset in (after, until], in order."""
    rules, after = zone(timezone), after.replace(microsecond=0)  # all changes are at whole seconds
    while (at := _change(rules, after, until)) is not None:
        yield Change(at, _offset(rules, at - _SECOND), _offset(rules, at))
        after = at


def on_the_wall(expression: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The wall-clock times in [since, until) that the expression names."""
    fields = parse(expression)
    while (since := _match(fields, since)) < until:
        yield since
        since += _SECOND


def fires_a_month(expression: str, year: int) -> float:
    """How often it fires in a month of that year and the three after it, on average."""
    fields = parse(expression)
    days = sum(len(_days(fields, year + more, month)) for more in range(4) for month in range(1, 13))
    return days * len(fields.hours) * len(fields.minutes) * len(fields.seconds) / 48


def following(expression: str, timezone: str, after: datetime) -> datetime:
    """The first instant strictly later than `after` at which the expression fires in the time zone."""
    if timezone == "UTC":
        wall = after.astimezone(UTC).replace(tzinfo=None, microsecond=0) + _SECOND
        return _match(parse(expression), wall).replace(tzinfo=UTC)
    return next(_fires(expression, timezone, after))


def between(expression: str, timezone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The instants in [since, until) at which it fires."""
    return takewhile(lambda fire: fire < until, _fires(expression, timezone, since - timedelta.resolution))


def allowed(expression: str, since: datetime, until: datetime) -> tuple[bool, ...]:
    """Which of the dates from one wall-clock time to another (within it) the expression allows."""
    fields, days = parse(expression), (until.date() - since.date()).days + 1
    dates = (since.date() + timedelta(days=ahead) for ahead in range(days))
    return tuple(date.day in _days(fields, date.year, date.month) for date in dates)


def steady(timezone: str, since: datetime, until: datetime) -> timedelta | None:
    """The zone's offset, if it does not change in (since, until]."""
    rules = zone(timezone)
    return None if _change(rules, since, until) else _offset(rules, until)


def catch_up(expression: str, timezone: str, due: datetime, now: datetime) -> Caught:
    """What became due from `due` (an instant of the expression, not later than `now`) until `now`."""
    latest = _latest(expression, timezone, due, now)
    missed = 0
    if latest > due:
        before_latest = takewhile(lambda fire: fire < latest, _fires(expression, timezone, due))
        missed = 1 + sum(1 for _ in islice(before_latest, MOST_COUNTED - 1))
    return Caught(latest, missed, following(expression, timezone, now))


def _latest(expression: str, timezone: str, due: datetime, now: datetime) -> datetime:
    """The last instant in [due, now], by bisection: the span may have days of seconds."""

    def has_none_left(seconds: int) -> bool:
        return following(expression, timezone, due + seconds * _SECOND) > now

    before = bisect_left(range((now - due) // _SECOND), True, key=has_none_left) - 1
    return due if before < 0 else following(expression, timezone, due + before * _SECOND)


def _fires(expression: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Search wall-clock times with the present offset, then again after each change of the offset.

    In a gap, an expression with fixed hours keeps the wall clock from before the change, so that fires in the
    gap come once, at its end. In a repeat, one with fixed times keeps it, so that they do not fire twice.
    All others follow the clock as it is set.
    """
    fields, rules = parse(expression), zone(timezone)
    quiet = after = after.astimezone(UTC).replace(microsecond=0)
    change: datetime | None = None  # the first after `quiet`, if known; up to `quiet` there is none
    offset = _offset(rules, after)
    wall = after.replace(tzinfo=None) + offset + _SECOND
    if fields.fixed_times and after.astimezone(rules).fold:
        wall = max(wall, _end_of_repeat(rules, after))
    while True:
        fire = max((_match(fields, wall) - offset).replace(tzinfo=UTC), after)
        if change is None and fire > quiet:
            ahead = max(fire, quiet + _WEEK)
            change, quiet = _change(rules, quiet, ahead), ahead
        if change is None or fire < change:
            yield fire
            wall = fire.replace(tzinfo=None) + offset + _SECOND
            continue
        ended, offset = offset, _offset(rules, change)
        keeps_wall = fields.fixed_hours if offset > ended else fields.fixed_times
        wall = change.replace(tzinfo=None) + (ended if keeps_wall else offset)
        quiet = after = change
        change = None


def _end_of_repeat(rules: ZoneInfo, moment: datetime) -> datetime:
    """The wall-clock time at which a repeated hour ends, if `moment` is in its second pass."""
    local = moment.astimezone(rules)
    first, second = local.replace(fold=0).utcoffset(), local.utcoffset()
    assert first is not None
    assert second is not None
    change = _change(rules, moment - (first - second), moment)
    assert change is not None
    return change.replace(tzinfo=None) + first


def _change(rules: ZoneInfo, low: datetime, high: datetime) -> datetime | None:
    """The first instant in (low, high] with another offset than `low`."""
    offset = _offset(rules, low)

    def has_changed(seconds: int) -> bool:
        return _offset(rules, low + seconds * _SECOND) != offset

    while low < high:
        ahead = min(low + _WEEK, high)
        if _offset(rules, ahead) != offset:
            return low + bisect_left(range((ahead - low) // _SECOND), True, key=has_changed) * _SECOND
        low = ahead
    return None


def _offset(rules: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(rules).utcoffset()
    assert offset is not None  # every zone of IANA has one
    return offset


def _match(fields: Fields, wall: datetime) -> datetime:
    """The first wall-clock time at or after `wall` (a whole second) that the fields allow; or ValueError."""
    if wall.day in _days(fields, wall.year, wall.month):
        time = _time(fields, wall.hour, wall.minute, wall.second)
        if time is not None:
            return datetime(wall.year, wall.month, wall.day, *time)  # noqa: DTZ001 - a wall clock has no zone
    year, month, day = wall.year, wall.month, wall.day
    while not (later := [each for each in _days(fields, year, month) if each > day]):
        year, month, day = (year + 1, 1, 0) if month == 12 else (year, month + 1, 0)
        if year > wall.year + SEARCH_YEARS:
            raise ValueError("never fires: no date has both that day of the month and that day of the week")
    return datetime(year, month, later[0], fields.hours[0], fields.minutes[0], fields.seconds[0])  # noqa: DTZ001


def _time(fields: Fields, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
    """The first (hour, minute, second) of a day at or after the given one."""
    hours, minutes, seconds = fields.hours, fields.minutes, fields.seconds
    if hour in hours:
        if minute in minutes and second <= seconds[-1]:
            return hour, minute, seconds[bisect_left(seconds, second)]
        if minute < minutes[-1]:
            return hour, minutes[bisect_right(minutes, minute)], seconds[0]
    if hour < hours[-1]:
        return hours[bisect_right(hours, hour)], minutes[0], seconds[0]
    return None


@lru_cache(maxsize=8192)
def _days(fields: Fields, year: int, month: int) -> tuple[int, ...]:
    """The days of a month that the fields allow, ascending."""
    if month not in fields.months:
        return ()
    first, length = monthrange(year, month)
    return tuple(day for day in range(1, length + 1) if _allows(fields, day, length, (first + day) % 7))


def _allows(fields: Fields, day: int, length: int, weekday: int) -> bool:
    in_month = (
        day in fields.days or (fields.last_day and day == length) or _is_nearest(fields, day, length, weekday)
    )
    in_week = (
        weekday in fields.weekdays
        or (weekday, (day + 6) // 7) in fields.weekdays_of_month
        or (day + 7 > length and (weekday, LAST) in fields.weekdays_of_month)
    )
    return in_month or in_week if fields.either_day else in_month and in_week


def _is_nearest(fields: Fields, day: int, length: int, weekday: int) -> bool:
    """Whether a day from Monday to Friday is the nearest such of the day that is meant, in the same month."""
    meant = length if fields.last_workday else fields.workday
    if meant is None or meant > length:
        return False
    of_meant = (weekday + meant - day) % 7
    if of_meant == SATURDAY:
        nearest = meant - 1 if meant > 1 else 3
    elif of_meant == SUNDAY:
        nearest = meant + 1 if meant < length else length - 2
    else:
        nearest = meant
    return day == nearest
