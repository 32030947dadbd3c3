"""Find a part of the fires to come of many crons, in order, without making those that come before it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from shared.basics.memory import MEBIBYTE, remembered_of_several
from shared.schedule import coming, policy
from shared.schedule.coming import Cron, Day, Days, Group

_FIRST_LOOK, _LONGER = timedelta(hours=6), 4
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)

Made = tuple[datetime, Cron]
"""A fire, and whose it is; they are in order by its moment, then by the cron's id."""


class Ahead(NamedTuple):
    """How many fires each minute of some days has, and all of them."""

    days: Sequence[tuple[Day, Sequence[int]]]
    total: int


def counted(days: Days, groups: Sequence[Group], since: datetime, until: datetime, most: int) -> Ahead:
    """The fires in [since, until), or in a beginning of it that has more than `most`."""
    span = _FIRST_LOOK
    while True:
        stop = min(until, since.replace(second=0, microsecond=0) + span)
        sums = sorted(coming.count(days, groups, since, stop).items())
        found = [(day, coming.minutes_of(packed)) for day, packed in sums]
        total = sum(sum(minutes) for _, minutes in found)
        if total > most or stop == until:
            return Ahead(found, total)
        span *= _LONGER


def part(days: Days, groups: Sequence[Group], ahead: Ahead, first: int, last: int) -> list[Made]:
    """Those that stand there, from the one at `first` until before `last`."""
    if first >= last:
        return []
    (start, before), (end, _) = _minute_of(ahead, first), _minute_of(ahead, last - 1)
    made = sorted(_within(days, groups, start, end + _MINUTE), key=lambda fire: (fire[0], fire[1].id))
    return made[first - before : last - before]


@remembered_of_several(4 * MEBIBYTE, per_byte=1, per_entry=1000)
def fire_before(cron: Cron, fire: datetime) -> datetime | None:
    """The fire before a fire to come, if that is to come too."""
    span = _MINUTE
    while fire > cron.next:
        since = max(cron.next, fire - span)
        *_, last = (None, *coming.assigned(cron, since, fire))
        if last is not None or since == cron.next:
            return last
        span *= _LONGER
    return None


def are_as_planned(groups: Iterable[Group]) -> bool:
    """Whether all have their next fire by the rules of this process: others fire once by the rules before."""
    return all(policy.following(cron.plan, cron.next - _SECOND) == cron.next for cron, *_ in groups)


def _minute_of(ahead: Ahead, place: int) -> tuple[datetime, int]:
    """The minute that has the fire at that place, and how many come before the minute."""
    before = 0
    for day, minutes in ahead.days:
        passed = list(accumulate(minutes, initial=before))
        if passed[-1] > place:
            minute = bisect_left(passed, place + 1) - 1
            return coming.start_of(day) + minute * _MINUTE, passed[minute]
        before = passed[-1]
    raise IndexError(place)


def _within(days: Days, groups: Sequence[Group], start: datetime, stop: datetime) -> Iterator[Made]:
    for group in groups:
        for fire in coming.within(days, group[0], start, stop):
            yield from ((fire, cron) for cron in group)
