"""What a caller can know of how much was started and ended, and how long that waited and took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import add
from typing import NamedTuple

from shared import clock
from shared.basics.histogram import percentiles
from shared.basics.memory import MEBIBYTE, remembered_of_several
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
from shared.store.transitions import Period
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
)

MINUTE, TEN_MINUTES, HOUR, DAY = 60_000, 600_000, 3_600_000, 86_400_000
STEP, AS_MINUTES = 150, 3
"""Stored periods of one look, of which Redis reads so many that are texts while it reads one minute."""
CRONS = "crons"
_NOTHING: Sums = (0,) * LATE_IN.stop


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
STORED = ((_MINUTES, MINUTE, 2 * HOUR), ("t", TEN_MINUTES, 3 * DAY), ("h", HOUR, 32 * DAY))
"""Of `figures.lua`: a period's letter, its length, and how old one can be that was not added up yet (ms)."""


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
    data = [
        _of_period(start, tuple(found[number]) if number in found else _NOTHING)
        for number, start in enumerate(starts)
    ]
    return Stats.model_construct(  # there may be 720 periods, each of which was checked when it was made
        by=query.by,
        starts_at=clock.moment(asked.starts),
        ends_at=clock.moment(asked.ends),
        total=_figures(_sum(found.values()) if found else _NOTHING),
        data=data,
    )


@remembered_of_several(16 * MEBIBYTE, per_byte=1, per_entry=4000)
def _of_period(start: int, sums: Sums) -> PeriodFigures:
    """Most hours of a month are as they were when it was last asked for."""
    return PeriodFigures.model_construct(at=clock.moment(start), **vars(_figures(sums)))


def _range(query: StatsQuery, now: int) -> Range:
    grain = GRAINS[query.by]
    last = clock.milliseconds(query.to) if query.to else now
    first = clock.milliseconds(query.from_) if query.from_ else last - grain.usual + grain.length
    if first < now - grain.most - grain.length:
        raise Invalid("from", f"The from field must not be earlier than {grain.remedy}.")
    last = max(first, min(last, now))  # nothing is counted in the future
    starts = first // grain.length * grain.length
    return Range(starts, (last // grain.length + 1) * grain.length, grain.length)


async def _found(call: Call, query: StatsQuery, asked: Range, now: int) -> Mapping[int, Sums]:
    """The sums of each period of the range that has something, by its number."""
    if query.kind is StatsKind.JOBS and query.queue_id is None:
        whole, crons = await _read(call, None, asked, now, beside=CRONS)
        return {
            number: _less(tuple(sums), tuple(crons[number])) if number in crons else sums
            for number, sums in whole.items()
        }
    of = str(query.queue_id) if query.queue_id else CRONS if query.kind is StatsKind.CRONS else None
    return (await _read(call, of, asked, now))[0]


async def _read(
    call: Call, of: str | None, asked: Range, now: int, *, beside: str | None = None
) -> tuple[dict[int, Sums], dict[int, Sums]]:
    """The sums of one, and of another."""
    both: tuple[dict[int, Sums], dict[int, Sums]] = {}, {}
    for step in _steps(asked, now):
        read = await transitions.read_figures(call.redis, call.team, step, of=of, beside=beside)
        for found, new in zip(both, read, strict=True):
            for number, sums in new.items():
                found[number] = _sum((found[number], sums)) if number in found else sums
    return both


def _sum(of: Iterable[Sums]) -> Sums:
    return tuple(map(sum, zip(*of, strict=True)))


@remembered_of_several(16 * MEBIBYTE, per_byte=1, per_entry=3000)
def _less(sums: Sums, others: Sums) -> Sums:
    return tuple(max(0, each - other) for each, other in zip(sums, others, strict=True))


def _steps(asked: Range, now: int) -> Iterator[list[Period]]:
    """All that may be stored of the range, hour by hour: one that is added up meanwhile is not met twice."""
    step, size = list[Period](), 0
    for _, hour in groupby(sorted(_stored(asked, now), key=_hour), key=_hour):
        stored = [*hour]
        more = sum(AS_MINUTES if letter == _MINUTES else 1 for letter, _ in stored)
        if step and size + more > STEP:
            yield step
            step, size = [], 0
        size += more
        step += [
            Period(f"{letter}{start}", (start - asked.starts) // asked.length) for letter, start in stored
        ]
    if step:
        yield step


def _stored(asked: Range, now: int) -> Iterator[tuple[str, int]]:
    """Letters and starts: what is young is not added up yet, and lies in shorter periods."""
    for letter, length, oldest in STORED:
        if length <= asked.length:
            first = max(asked.starts, (now - oldest) // length * length)
            yield from ((letter, start) for start in range(first, asked.ends, length))


def _hour(stored: tuple[str, int]) -> int:
    return stored[1] // HOUR


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
