"""What fires when: a day with a lane for each cron, and a month with a number for each day."""

import asyncio
import calendar
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.crons import days, saying
from services.api.pages.crons.days import Lane, Span
from services.api.pages.crons.shell import PATH, crons_page
from services.api.pages.endpoint import page
from services.api.pages.lists import page_of
from services.api.pages.rendering import rendered
from services.api.pages.visits import Visit
from shared.actions import cron_records
from shared.actions.reports import coming, listed, problems, stats
from shared.actions.reports.coming import Crons
from shared.errors import Conflict
from shared.operations import Call
from shared.schedule import occurrences
from shared.schemas.base import Page
from shared.schemas.crons import Cron
from shared.schemas.reports.coming import Coming, ComingBy, ComingQuery, CronComingQuery
from shared.schemas.reports.executions import ListedQuery
from shared.schemas.reports.problems import ProblemQuery
from shared.schemas.reports.stats import PeriodFigures, StatsBy, StatsKind, StatsQuery

DAY, MONTH, AHEAD = f"{PATH}/day", f"{PATH}/month", f"{PATH}/ahead"
LANES, MOST_MARKS, PROBLEMS = 15, 100, 25
"""Lanes of a page, fires that a lane shows, and problems of a cron whose failures it shows."""
KEPT = timedelta(days=30)
"""For so long hours are kept."""
MOST_AHEAD = 12
"""Months; a year and a day is as far as fires to come are counted."""
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


class Square(NamedTuple):
    """A day of a month."""

    number: int
    iso: str
    is_today: bool
    fires: int
    failed: int
    ahead: int
    change: str


async def day(visit: Visit) -> Response:
    """Today by the visitor's clock: what was, what is to come, and what falls together."""
    signed = await visit.in_team()
    call, now, zone = visit.call(signed, "list-crons"), await visit.having.now(), zones.zone_of(visit)
    span = days.today(now, zone)
    past, active = await asyncio.gather(_past(call, span.start, now), coming.read(call.redis, call.team))
    found, ahead = await asyncio.gather(
        _by_next_fire(call, active, page_of(visit)), _ahead(call, span, zone, active)
    )
    return await crons_page(
        visit,
        signed,
        "crons/day.html",
        found=found,
        lanes=await lanes(call, found.data, span, zone),
        load=days.load(span, past, ahead.data if ahead else []),
        span=span,
        said=_busiest(ahead, zone),
        together=ahead.busiest_minute.crons if ahead and ahead.busiest_minute else [],
    )


async def _by_next_fire(call: Call, active: Crons, number: int) -> Page[Cron]:
    """A page of them, those that fire next first."""
    ids = active.in_order
    first = (number - 1) * LANES
    return Page(
        data=await cron_records.rows(call.redis, call.team, ids[first : first + LANES]),
        current_page=number,
        last_page=max(1, math.ceil(len(ids) / LANES)),
        per_page=LANES,
        total=len(ids),
    )


async def _ahead(call: Call, span: Span, zone: str, active: Crons) -> Coming | None:
    if span.end - span.now < timedelta(minutes=1):
        return None
    query = ComingQuery(by=ComingBy.HOUR, timezone=zone, to=span.end - timedelta(seconds=1))
    return await coming.get(call, query, active)


async def _past(call: Call, since: datetime, now: datetime) -> Sequence[PeriodFigures]:
    query = StatsQuery(by=StatsBy.HOUR, from_=since, to=now, kind=StatsKind.CRONS)
    return (await stats.get(call, query)).data


async def lanes(call: Call, crons: Sequence[Cron], span: Span, zone: str) -> list[Lane]:
    """The fires of each in that span; of one that fires very often only that it does, and when it failed."""
    often = {cron.id for cron in crons if _is_often(cron, span)}
    failed = await _failed(call, often)
    single = await asyncio.gather(*(_lane(call, cron, span, zone) for cron in crons if cron.id not in often))
    known = {one.cron.id: one for one in single}
    return [known.get(cron.id) or days.band(cron, span, failed.get(cron.id, {}), zone) for cron in crons]


async def _failed(call: Call, ids: Collection[int]) -> dict[int, Counter[datetime]]:
    """How often each cron failed in each quarter of an hour, by its problems that were seen last."""
    queries = [ProblemQuery(cron_id=one, per_page=PROBLEMS) for one in ids]
    found = defaultdict[int, Counter[datetime]](Counter)
    for each in await asyncio.gather(*(problems.page(call, query) for query in queries)):
        for one in each.data:
            for number, count in enumerate(one.quarters):
                if one.cron_id and count:
                    found[one.cron_id][one.quarters_from + number * days.QUARTER] += count
    return found


async def _lane(call: Call, cron: Cron, span: Span, zone: str) -> Lane:
    past = ListedQuery(cron_id=cron.id, from_=span.start, to=span.now, per_page=MOST_MARKS)
    try:
        was, ahead = await asyncio.gather(
            listed.page(call, past),
            coming.of_cron(call, cron.id, CronComingQuery(count=MOST_MARKS, to=span.end)),
        )
    except Conflict:
        return days.lane(cron, span, [], [], zone)
    made = [one.execution for one in was.data if one.execution]
    return days.lane(cron, span, made, [fire.scheduled_at for fire in ahead.data], zone)


def _is_often(cron: Cron, span: Span) -> bool:
    if cron.problem:
        return False
    return occurrences.fires_a_month(cron.cron_expression, span.now.year) > MOST_MARKS * 31


def _busiest(ahead: Coming | None, zone: str) -> str:
    if ahead is None or ahead.busiest_minute is None:
        return "Nothing more fires today."
    minute, at = ahead.busiest_minute, saying.clock(ahead.busiest_minute.at, zone)
    if minute.cron_count < 2:
        return f"{ahead.total:,} more fires today; no two crons fire in one minute."
    return f"{ahead.total:,} more fires today. The busiest minute is {at} with {minute.fires} fires."


async def ahead(visit: Visit) -> Response:
    """The end of the sentence above the list, which is counted while that is read already."""
    signed = await visit.in_team()
    call, zone = visit.call(signed, "count-coming"), zones.zone_of(visit)
    found = await coming.get(call, ComingQuery(by=ComingBy.HALF_HOUR, timezone=zone))
    minute = found.busiest_minute
    said = ""
    if minute:
        many = f" with {minute.fires} fires" if minute.fires > 1 else ""
        at = saying.clock(minute.at, zone)
        said = f"{found.total:,} fires are to come within a day, the busiest minute is {at}{many}."
    return rendered("crons/ahead.html", said=said)


async def month(visit: Visit) -> Response:
    """A month by the visitor's clock: how many fired and failed each day, and how many are to come."""
    signed = await visit.in_team()
    call, now, zone = visit.call(signed, "count-coming"), await visit.having.now(), zones.zone_of(visit)
    today = zones.local(now, zone).date()
    first = _first(visit, today)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    since, until = days.midnight(first, zone), days.midnight(last + timedelta(days=1), zone)
    was, to_come = await asyncio.gather(
        _was(call, since, min(until, now), zone, now), _to_come(call, max(since, now), until, zone)
    )
    squares = _squares((first, last), was, to_come, today)
    blank = first.weekday()
    cells: list[Square | None] = [None] * blank + [squares[at] for at in sorted(squares)]
    cells += [None] * (-len(cells) % 7)
    return await crons_page(
        visit,
        signed,
        "crons/month.html",
        weeks=[cells[at : at + 7] for at in range(0, len(cells), 7)],
        title=f"{first:%B %Y}",
        before=_named(first - timedelta(days=1)) if since > now - KEPT else "",
        after=_named(last + timedelta(days=1)) if until < now + timedelta(days=31 * MOST_AHEAD - 31) else "",
        failed=sum(one.failed for one in squares.values()),
        fired=sum(one.fires for one in squares.values()),
        to_come=sum(one.ahead for one in squares.values()),
        is_whole=since >= now - KEPT,
    )


def _first(visit: Visit, today: date) -> date:
    """The first day of the month in the address, or of this one if there is none in reach."""
    found = _MONTH.fullmatch(visit.request.query_params.get("month", ""))
    this = today.replace(day=1)
    if found is None:
        return this
    wanted = date(int(found[1]), int(found[2]), 1)
    months = (wanted.year - this.year) * 12 + wanted.month - this.month
    return wanted if -2 < months < MOST_AHEAD else this


def _named(day: date) -> str:
    return f"{day:%Y-%m}"


async def _was(
    call: Call, since: datetime, until: datetime, zone: str, now: datetime
) -> dict[date, tuple[int, int]]:
    """Fires and failures of each day, as far as hours are kept."""
    since = max(since, now - KEPT + timedelta(hours=2))
    if since >= until:
        return {}
    found: dict[date, tuple[int, int]] = {}
    at, ends = date.min, datetime.min.replace(tzinfo=UTC)
    for one in await _past(call, since, until - timedelta(seconds=1)):
        if one.at >= ends:
            at = zones.local(one.at, zone).date()
            ends = days.midnight(at + timedelta(days=1), zone)
        fires, failed = found.get(at, (0, 0))
        found[at] = fires + one.completed + one.failed + one.skipped, failed + one.failed
    return found


async def _to_come(call: Call, since: datetime, until: datetime, zone: str) -> dict[date, tuple[int, str]]:
    """Fires of each day, and to which offset its clock changes."""
    if since >= until:
        return {}
    query = ComingQuery(by=ComingBy.DAY, timezone=zone, from_=since, to=until - timedelta(seconds=1))
    return {
        zones.local(one.starts_at, zone).date(): (
            one.fires,
            one.clock_changes[0].utc_offset_after if one.clock_changes else "",
        )
        for one in (await coming.get(call, query)).data
    }


def _squares(
    span: tuple[date, date],
    was: dict[date, tuple[int, int]],
    to_come: dict[date, tuple[int, str]],
    today: date,
) -> dict[date, Square]:
    first, last = span
    found = dict[date, Square]()
    for number in range((last - first).days + 1):
        at = first + timedelta(days=number)
        (fires, failed), (ahead, change) = was.get(at, (0, 0)), to_come.get(at, (0, ""))
        found[at] = Square(
            number=at.day,
            iso=at.isoformat(),
            is_today=at == today,
            fires=fires,
            failed=failed,
            ahead=ahead,
            change=change,
        )
    return found


routes = [page(DAY, day), page(MONTH, month), page(AHEAD, ahead)]
