"""Twelve hours before now and twelve after: the load of all, and lanes of some crons."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.api.pages import zones
from services.api.pages.crons import calendar, saying
from services.api.pages.crons.days import Bar, Lane, Span
from services.api.pages.overview.hour import ended
from shared.actions import cron_records
from shared.actions.reports import coming, stats
from shared.actions.reports.coming import Crons
from shared.operations import Call
from shared.schemas.crons import Cron
from shared.schemas.reports.coming import ComingBy, ComingQuery
from shared.schemas.reports.stats import PeriodFigures, StatsBy, StatsQuery

SIDE, HALF_HOUR = timedelta(hours=12), timedelta(minutes=30)
LANES = 8
HEIGHT = 58
EVERY_HOURS, LEAST_APART = 2, 5
"""Which hours are named, and how far from the present (percent) they have to be."""


class Count(NamedTuple):
    """How many calls a half hour had, or is to have, and how many of them failed."""

    at: datetime
    calls: int
    failed: int
    is_ahead: bool


class Today(NamedTuple):
    span: Span
    load: Sequence[Bar]
    said: str
    lanes: Sequence[Lane]
    folded: int
    """Active crons without a lane."""


async def read(call: Call, failing: Sequence[Cron], now: datetime, zone: str) -> Today:
    """`failing` have the first lanes."""
    span = around(now, zone)
    past, found = await asyncio.gather(_past(call, span), coming.read(call.redis, call.team))
    ahead = await coming.get(call, ComingQuery(by=ComingBy.HALF_HOUR, to=span.end), found)
    shown = await _shown(call, failing, found)
    lanes = await calendar.lanes(call, shown, span, zone)
    counts = [*halves(past, now), *(Count(one.starts_at, one.fires, 0, True) for one in ahead.data)]
    return Today(
        span, load(span, counts, zone), described(counts, zone), lanes, max(0, found.active - len(shown))
    )


def around(now: datetime, zone: str) -> Span:
    """The twelve hours before and after, with the hours that are named."""
    start, end = now - SIDE, now + SIDE
    first = zones.local(start, zone).replace(minute=0, second=0, microsecond=0)
    named = []
    for number in range(1, 26):
        at = first.astimezone(zones.clock_of("UTC")) + timedelta(hours=number)
        here, x = zones.local(at, zone), round(100 * ((at - start) / (end - start)), 3)
        if here.hour % EVERY_HOURS == 0 and x < 98 and abs(x - 50) > LEAST_APART:
            named.append((x, f"{here:%H:%M}"))
    return Span(start, end, now, named)


async def _past(call: Call, span: Span) -> Sequence[PeriodFigures]:
    query = StatsQuery(by=StatsBy.TEN_MINUTES, from_=span.start, to=span.now)
    return (await stats.get(call, query)).data


async def _shown(call: Call, failing: Sequence[Cron], found: Crons) -> list[Cron]:
    """Those that need somebody, then those that fire next."""
    first = [cron for cron in failing if cron.is_active][:LANES]
    known = {cron.id for cron in first}
    following = sorted(
        (one for one in found.found if one.id not in known), key=lambda one: (one.next, one.id)
    )
    ids = [one.id for one in following[: LANES - len(first)]]
    return [*first, *(await cron_records.rows(call.redis, call.team, ids) if ids else ())]


def halves(past: Sequence[PeriodFigures], now: datetime) -> list[Count]:
    """The figures of ten minutes as half hours."""
    sums = dict[datetime, tuple[int, int]]()
    for one in past:
        at = one.at.replace(minute=one.at.minute // 30 * 30)
        calls, failed = sums.get(at, (0, 0))
        sums[at] = calls + ended(one), failed + one.failed + one.retried
    return [Count(at, calls, failed, False) for at, (calls, failed) in sums.items() if at <= now]


def load(span: Span, counts: Sequence[Count], zone: str) -> list[Bar]:
    """What was is filled, with its failures in red at the foot; what comes is hollow."""
    top = max((one.calls for one in counts), default=0)
    return list(_bars(span, [one for one in counts if one.calls], top, zone))


def _bars(span: Span, counts: Sequence[Count], top: int, zone: str) -> Iterator[Bar]:
    for one in counts:
        begins, ends = max(one.at, span.start), one.at + HALF_HOUR
        begins, ends = (max(begins, span.now), ends) if one.is_ahead else (begins, min(ends, span.now))
        x, height = span.at(begins), round(max(2.0, (HEIGHT - 4) * one.calls / top), 1)
        width = round(max(0.3, span.at(ends) - x - 0.3), 3)
        bad = round(max(2.0, (HEIGHT - 4) * one.failed / top), 1) if one.failed else 0
        y, title = round(HEIGHT - height, 1), _title(one, zone)
        yield Bar(x, width, y, height, bad, is_ahead=one.is_ahead, title=title)


def _title(one: Count, zone: str) -> str:
    at = saying.clock(one.at, zone)
    if one.is_ahead:
        return f"{at}: {one.calls:,} fires to come"
    return f"{at}: {one.calls:,} calls, {one.failed:,} failed"


def described(counts: Sequence[Count], zone: str) -> str:
    """Calls each half hour: busiest at 03:00 with 2,380; of those to come, busiest at 00:00 with 2,140."""
    parts = []
    for is_ahead, words in ((False, "Calls each half hour: busiest"), (True, "of fires to come busiest")):
        busiest = max(
            (one for one in counts if one.is_ahead is is_ahead), key=lambda one: one.calls, default=None
        )
        if busiest and busiest.calls:
            parts.append(f"{words} at {saying.clock(busiest.at, zone)} with {busiest.calls:,}")
    return "; ".join(parts) or "No calls each half hour, and no fires to come"
