"""Count the fires to come of many crons by minute: what a day has of a plan is computed once, and kept.

Two days on which a zone's clock does not change have the same fires if the same of their dates are allowed,
so that a month of a plan is mostly one day. Counts are packed, 32 bits a minute, as one integer a day: the
sum of such integers has the sums of all their minutes.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, TypeAlias

from shared.basics.memory import MEBIBYTE
from shared.schedule import occurrences, policy
from shared.schedule.policy import Plan

MINUTES = 1440
MOST_BYTES = 64 * MEBIBYTE
"""So much is kept; then all is forgotten, and computed anew as it is wanted."""

Day: TypeAlias = int
"""So many days since 1970, of UTC."""
Packed: TypeAlias = int
"""Counts of the minutes of a day."""
Alike: TypeAlias = tuple[tuple[Day, ...], Packed]
"""Days that have the same counts, and these."""

_DAY, _MINUTE, _SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_BITS = 32
_ONE = (1 << _BITS) - 1
_COUNTS = struct.Struct(f"<{MINUTES}I")
_ENTRY_BYTES, _DAY_BYTES = 300, 8
_AROUND = 2 * _DAY
"""A change of the clock longer ago than that has no effect on a day, whatever the spread."""


class Cron(NamedTuple):
    """What is known of a cron that fires: its plan, its next fire, and how many runs it has left."""

    id: int
    name: str
    plan: Plan
    next: datetime
    left: int | None = None


Group: TypeAlias = Sequence[Cron]
"""One or more that fire at the same moments."""


@dataclass(slots=True)
class Days:
    """The counts of days that were computed, by expression, zone, spread and day, within a bound."""

    most_bytes: int = MOST_BYTES
    bytes: int = 0
    _known: dict[tuple[str, str, timedelta, Day], Packed] = field(default_factory=dict)
    _usual: dict[tuple[str, time, tuple[bool, ...]], Packed] = field(default_factory=dict)
    _alike: dict[tuple[str, str, timedelta, Day, Day], tuple[Alike, ...]] = field(default_factory=dict)

    def of(self, plan: Plan, day: Day) -> Packed:
        """What the expression, zone and spread of a plan give on a day, whatever its beginning and end."""
        key = plan.expression, plan.timezone, plan.offset, day
        found = self._known.get(key)
        if found is None:
            found = self._computed(plan, day)
            self._note(_ENTRY_BYTES)
            self._known[key] = found
        return found

    def alike(self, plan: Plan, first: Day, last: Day) -> tuple[Alike, ...]:
        """The same of the days [first, last), those with the same counts together."""
        key = plan.expression, plan.timezone, plan.offset, first, last
        found = self._alike.get(key)
        if found is None:
            days: dict[Packed, list[Day]] = {}
            for day in range(first, last):
                days.setdefault(self.of(plan, day), []).append(day)
            found = tuple((tuple(some), packed) for packed, some in days.items() if packed)
            self._note(_ENTRY_BYTES + _DAY_BYTES * (last - first))
            self._alike[key] = found
        return found

    def _computed(self, plan: Plan, day: Day) -> Packed:
        since = start_of(day) - plan.offset
        offset = _steady(plan.timezone, day)
        if offset is None:
            return self._counted(plan, since)
        wall = (since + offset).replace(tzinfo=None)
        dates = occurrences.allowed(plan.expression, wall, wall + _DAY - _SECOND)
        shape = plan.expression, wall.time(), dates
        usual = self._usual.get(shape)
        if usual is None:
            usual = self._usual[shape] = self._counted(plan, since)
        return usual

    def _counted(self, plan: Plan, since: datetime) -> Packed:
        """From the nominal moment on for a day."""
        counts = [0] * MINUTES
        for fire in occurrences.between(plan.expression, plan.timezone, since, since + _DAY):
            counts[(fire - since) // _MINUTE] += 1
        packed = int.from_bytes(_COUNTS.pack(*counts), "little")
        self._note(_ENTRY_BYTES + packed.bit_length() // 8)
        return packed

    def _note(self, size: int) -> None:
        """What is kept grows by so many bytes; if that is too much, all that was kept before goes."""
        self.bytes += size
        if self.bytes > self.most_bytes:
            self._known, self._usual, self._alike, self.bytes = {}, {}, {}, size


def minutes_of(packed: Packed) -> tuple[int, ...]:
    """The counts of all minutes of a day."""
    return _COUNTS.unpack(packed.to_bytes(_COUNTS.size, "little"))


class Counts(NamedTuple):
    """The counts of all minutes of a day, their sum, and the highest of them."""

    minutes: tuple[int, ...]
    total: int
    most: int


@lru_cache(128)
def counts_of(packed: Packed) -> Counts:
    """Kept, as most days of a month have the same."""
    minutes = minutes_of(packed)
    return Counts(minutes, sum(minutes), max(minutes))


def day_of(moment: datetime) -> Day:
    return (moment - _FIRST) // _DAY


def start_of(day: Day) -> datetime:
    return _FIRST + day * _DAY


def fires(cron: Cron, until: datetime) -> Iterator[datetime]:
    """The fires of a cron from its next one on, before `until`, as schedulers make them."""
    fire: datetime | None = cron.next
    left = cron.left
    while fire is not None and fire < until and (left is None or left > 0):
        yield fire
        left = None if left is None else left - 1
        fire = policy.after_fire(cron.plan, fire)


def count(days: Days, groups: Iterable[Group], since: datetime, until: datetime) -> dict[Day, Packed]:
    """The fires of all of them in [since, until), by day and minute."""
    alike: dict[tuple[Day, ...], Packed] = {}
    for group in groups:
        for some, packed in _days_of(days, group[0], since, until):
            alike[some] = alike.get(some, 0) + packed * len(group)
    sums: dict[Day, Packed] = {}
    for some, packed in alike.items():
        for day in some:
            sums[day] = sums.get(day, 0) + packed
    return sums


def grouped(crons: Iterable[Cron]) -> list[Group]:
    """Those that fire at the same moments together, as they have the very same plan: most are like others."""
    groups: dict[tuple[int, datetime, int | None], list[Cron]] = {}
    for cron in crons:
        groups.setdefault((id(cron.plan), cron.next, cron.left), []).append(cron)
    return list(groups.values())


def of_minute(days: Days, groups: Iterable[Group], minute: datetime) -> list[Cron]:
    """Those that fire in the minute that begins then, in the order of their ids."""
    day, place, until = day_of(minute), _minute(minute), minute + _MINUTE
    firing = [
        group
        for group in groups
        if (_count_at(days.of(group[0].plan, day), place) or minute <= group[0].next < until)
        and _in_minute(days, group[0], minute)
    ]
    return sorted((cron for group in firing for cron in group), key=lambda cron: cron.id)


def _in_minute(days: Days, cron: Cron, minute: datetime) -> int:
    return sum(_at(packed, minute) for _, packed in _days_of(days, cron, minute, minute + _MINUTE))


def within(days: Days, cron: Cron, start: datetime, stop: datetime) -> list[datetime]:
    """The fires of a cron in [start, stop), which are whole minutes."""
    first, last = day_of(start), day_of(stop - timedelta.resolution)
    if first == last and not start <= cron.next < stop:
        minutes = days.of(cron.plan, first) >> _BITS * _minute(start)
        if not minutes & (1 << _BITS * ((stop - start) // _MINUTE)) - 1:
            return []
    start, stop = max(cron.next, start), min(stop, _end_of(days, cron, stop))
    return list(assigned(cron, start, stop)) if start < stop else []


def assigned(cron: Cron, start: datetime, stop: datetime) -> Iterator[datetime]:
    """What its plan has in [start, stop)."""
    plan = cron.plan
    found = occurrences.between(plan.expression, plan.timezone, start - plan.offset, stop - plan.offset)
    return (fire + plan.offset for fire in found)


def _at(packed: Packed, minute: datetime) -> int:
    return _count_at(packed, _minute(minute))


def _count_at(packed: Packed, place: int) -> int:
    return packed >> _BITS * place & _ONE


def _minute(moment: datetime) -> int:
    """Which of its day."""
    return (moment - start_of(day_of(moment))) // _MINUTE


def _days_of(days: Days, cron: Cron, since: datetime, until: datetime) -> Iterator[Alike]:
    start, stop = max(cron.next, since), min(until, _end_of(days, cron, until))
    if start >= stop:
        return
    first, last = day_of(start), day_of(stop - timedelta.resolution)
    yield (first,), _part(days, cron, start, min(stop, start_of(first + 1)))
    yield from days.alike(cron.plan, first + 1, last)
    if last > first:
        yield (last,), _part(days, cron, start_of(last), stop)


def _end_of(days: Days, cron: Cron, until: datetime) -> datetime:
    """When the cron has made its last fire, if that is before `until`."""
    plan = cron.plan
    if plan.ends_at:
        until = min(until, plan.ends_at + plan.offset + timedelta.resolution)
    left, start = cron.left, cron.next
    if left is None:
        return until
    while start < until:
        following = min(until, start_of(day_of(start) + 1))
        found = sum(minutes_of(_part(days, cron, start, following)))
        if found >= left:
            last = list(islice(assigned(cron, start, following), left))
            return last[-1] + timedelta.resolution if last else start
        left, start = left - found, following
    return until


def _part(days: Days, cron: Cron, start: datetime, stop: datetime) -> Packed:
    """The counts of [start, stop) in one day: whole minutes as they are kept, others to the second."""
    day, begin, low, high = _bounds(start, stop)
    packed = days.of(cron.plan, day)
    if start == cron.next and _at(packed, start) == 1:
        low = _minute(start)  # that one is all that the minute has
    if low > high:
        return _exact(cron, start, stop)
    whole = (packed & (1 << _BITS * high) - 1) >> _BITS * low << _BITS * low
    head, tail = begin + low * _MINUTE, begin + high * _MINUTE
    return whole + _exact(cron, start, head) + _exact(cron, tail, stop)


@lru_cache(4096)
def _bounds(start: datetime, stop: datetime) -> tuple[Day, datetime, int, int]:
    """The day of [start, stop), its beginning, and which of its minutes lie whole within them."""
    day = day_of(start)
    begin = start_of(day)
    return day, begin, -((begin - start) // _MINUTE), (stop - begin) // _MINUTE


def _exact(cron: Cron, start: datetime, stop: datetime) -> Packed:
    """The counts of less than two minutes of a day, fire by fire."""
    return sum(1 << _BITS * _minute(fire) for fire in assigned(cron, start, stop)) if start < stop else 0


@lru_cache(4096)
def _steady(timezone: str, day: Day) -> timedelta | None:
    return occurrences.steady(timezone, start_of(day) - _AROUND, start_of(day) + _DAY)
