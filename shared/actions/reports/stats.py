"""What a caller can know of how much was started and ended, and how long that waited and took."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import NamedTuple, TypeAlias

from shared import clock
from shared.basics.histogram import percentiles
from shared.basics.memory import MEBIBYTE, remembered, remembered_of_several
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.reports.stats import (
    Figures,
    Percentiles,
    PeriodFigures,
    Stats,
    StatsBy,
    StatsKind,
    StatsQuery,
)
from shared.store import moments, transitions
from shared.store.transitions import Periods
from shared.store.transitions.reports.figures import (
    COMPLETED,
    COMPLETED_IN,
    FAILED,
    FAILED_IN,
    LATE_IN,
    RETRIED_IN,
    SKIPPED,
    STARTED,
    WAITED_IN,
    Sums,
    Texts,
    added_up,
    sum_of,
)

MINUTE, TEN_MINUTES, HOUR, DAY = 60_000, 600_000, 3_600_000, 86_400_000
STEP, AS_A_DAY = 250, 4
"""Periods of one look: a day counts as 4 of them, as reading it takes that long."""
CRONS = "crons"
GROUP = 24
"""Periods whose sum is remembered for the total."""
Found: TypeAlias = tuple[Texts, Texts]
"""What is stored of a period, and of crons what is to be taken off it."""
_NOTHING: Found = ((), ())


class Grain(NamedTuple):
    """Periods of a length: how far back they are looked for without a `from`, and how far at most (ms)."""

    length: int
    usual: int
    most: int
    remedy: str


GRAINS = {
    StatsBy.MINUTE: Grain(MINUTE, HOUR, HOUR, "an hour ago for by=minute; ten_minutes reach back 2 days"),
    StatsBy.TEN_MINUTES: Grain(
        TEN_MINUTES, DAY, 2 * DAY, "2 days ago for by=ten_minutes; hours reach back 30"
    ),
    StatsBy.HOUR: Grain(HOUR, DAY, 30 * DAY, "30 days ago: for so long figures are kept"),
    StatsBy.DAY: Grain(DAY, 30 * DAY, 30 * DAY, "30 days ago: for so long figures are kept"),
}
_MINUTES = "m"
_DAYS = "d"


class Stored(NamedTuple):
    """As `figures.lua` has them: for how long each is, and how old one can be that is there (ms)."""

    letter: str
    length: int
    oldest: int
    finest: int
    """What it has is known by so many ms: a day has its hours."""


STORED = (
    Stored(_MINUTES, MINUTE, 2 * HOUR, MINUTE),
    Stored("t", TEN_MINUTES, 3 * DAY, TEN_MINUTES),
    Stored("h", HOUR, 32 * DAY, HOUR),  # older ones than three days are of a version before this one
    Stored(_DAYS, DAY, 33 * DAY, HOUR),
)


class Range(NamedTuple):
    """Whole periods from one moment to another, in ms since 1970."""

    starts: int
    ends: int
    length: int


async def get(call: Call, query: StatsQuery, now_ms: int | None = None) -> Stats:
    """The figures of a range; raises Invalid for one too long ago, and for a queue that is not there."""
    if query.queue_id is not None and not await transitions.read_queues(
        call.redis, call.team, [query.queue_id]
    ):
        raise Invalid("queue_id", "The queue_id field names no queue of this team.")
    now = now_ms or clock.milliseconds(await moments.now(call.redis, call.team.shard))
    asked = _range(query, now)
    found = await _found(call, query, asked, now)
    starts = range(asked.starts, asked.ends, asked.length)
    return Stats.model_construct(  # there may be 720 periods, each of which was checked when it was made
        by=query.by,
        starts_at=clock.moment(asked.starts),
        ends_at=clock.moment(asked.ends),
        total=_figures(_total([*found.values()])),
        data=[_of_period(start, found.get(number, _NOTHING)) for number, start in enumerate(starts)],
    )


@remembered_of_several(16 * MEBIBYTE, per_byte=1, per_entry=5000)
def _of_period(start: int, found: Found) -> PeriodFigures:
    """Most hours of a month are as they were when it was last asked for."""
    return PeriodFigures.model_construct(at=clock.moment(start), **vars(_figures(_sums(found))))


def _total(found: Sequence[Found]) -> Sums:
    return sum_of(_together(tuple(found[first : first + GROUP])) for first in range(0, len(found), GROUP))


@remembered(16 * MEBIBYTE, per_byte=1, per_entry=8000)
def _together(group: Sequence[Found]) -> Sums:
    """Most groups of a month are as they were, too."""
    return sum_of(map(_sums, group))


def _sums(found: Found) -> Sums:
    whole, crons = found
    sums = added_up(whole)
    if not crons:
        return sums
    return tuple(max(0, each - other) for each, other in zip(sums, added_up(crons), strict=True))


def _range(query: StatsQuery, now: int) -> Range:
    grain = GRAINS[query.by]
    last = clock.milliseconds(query.to) if query.to else now
    first = clock.milliseconds(query.from_) if query.from_ else last - grain.usual + grain.length
    if first < now - grain.most - grain.length:
        raise Invalid("from", f"The from field must not be earlier than {grain.remedy}.")
    last = max(first, min(last, now))  # nothing is counted in the future
    starts = first // grain.length * grain.length
    return Range(starts, (last // grain.length + 1) * grain.length, grain.length)


async def _found(call: Call, query: StatsQuery, asked: Range, now: int) -> Mapping[int, Found]:
    """What there is of each period of the range that has something, by its number."""
    of = str(query.queue_id) if query.queue_id else CRONS if query.kind is StatsKind.CRONS else None
    beside = CRONS if query.kind is StatsKind.JOBS and query.queue_id is None else None
    whole, crons = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    ends = min(asked.ends, now + MINUTE)  # none begins later, even if a clock is ahead
    for runs in _steps(asked, now, asked.starts, ends):
        read = await transitions.read_figures(call.redis, call.team, runs, of=of, beside=beside)
        for found, texts in zip((whole, crons), read, strict=False):
            for starts, text in texts:
                if asked.starts <= starts < asked.ends:  # not so hours of a day that is cut
                    found[(starts - asked.starts) // asked.length].append(text)
    return {number: (tuple(texts), tuple(crons.get(number, ()))) for number, texts in whole.items()}


def _steps(asked: Range, now: int, starts: int, ends: int) -> Iterator[list[Periods]]:
    """All that may be stored from one moment to another (ms), oldest first, in steps of bounded size.

    What is added up to a longer period meanwhile is met once: no day is divided, nor in the last two days
    an hour, or in the last one ten minutes, where nothing longer is made yet.
    """
    runs = [*_runs(asked, now, starts, ends)]
    whole = TEN_MINUTES if starts > now - DAY else HOUR if starts > now - 2 * DAY else DAY
    middle = (starts + ends) // 2 // whole * whole
    if middle <= starts or sum(_size(run) for run in runs) <= STEP:
        if runs:
            yield runs
    else:
        yield from _steps(asked, now, starts, middle)
        yield from _steps(asked, now, middle, ends)


def _size(run: Periods) -> int:
    return run.periods * (AS_A_DAY if run.letter == _DAYS else 1)


def _runs(asked: Range, now: int, starts: int, ends: int) -> Iterator[Periods]:
    """Those that begin there, or before where the range itself does, of each length that is no coarser.

    What is young is not added up yet, and lies in shorter periods.
    """
    for letter, length, oldest, finest in STORED:
        first = starts // length * length if starts == asked.starts else starts + -starts % length
        stored = range(max(first, (now - oldest) // length * length), ends, length)
        if finest <= asked.length and stored:
            yield Periods(letter, stored.start, len(stored))


def _figures(sums: Sums) -> Figures:
    completed, failed, retried = sums[COMPLETED_IN], sums[FAILED_IN], sums[RETRIED_IN]
    return Figures(
        started=max(0, sums[STARTED]),  # what began earlier may have been given back since
        # With a request, and without one.
        completed=sum(completed) + sums[COMPLETED],
        failed=sum(failed) + sums[FAILED],
        retried=sum(retried),
        skipped=sums[SKIPPED],
        duration_ms=_percentiles(list(map(add, map(add, completed, failed), retried))),
        wait_ms=_percentiles(sums[WAITED_IN]),
        lateness_ms=_percentiles(sums[LATE_IN]),
    )


def _percentiles(buckets: Sequence[int]) -> Percentiles:
    """The first bucket has those that were not measured."""
    p50, p95, p99 = percentiles(buckets[1:], (0.5, 0.95, 0.99))
    return Percentiles(count=sum(buckets[1:]), p50=p50, p95=p95, p99=p99)
