"""A cron: whether it is well, since when not, and what became of each fire."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.crons import facts, marks, saying
from services.api.pages.crons.saying import Moment, State
from services.api.pages.crons.shell import ONE, crons_page, path_of
from services.api.pages.endpoint import page
from services.api.pages.forms import Form
from services.api.pages.lists import page_of
from services.api.pages.live import undo
from services.api.pages.visits import Visit
from shared.actions import crons, executions
from shared.actions.reports import coming
from shared.actions.reports.why import why
from shared.errors import Conflict
from shared.operations import Call
from shared.schemas.base import Page
from shared.schemas.crons import Cron, Execution, ExecutionQuery, ExecutionStatus
from shared.schemas.reports.coming import ComingFire, CronComingQuery
from shared.schemas.why import WhyQuery

PER_PAGE = 15
MOST_ASKED_CHARACTERS = 30
FILTERS = (("", "All"), ("failed", "Failed"), ("skipped", "Skipped"), ("completed", "Completed"))


class Row(NamedTuple):
    """A fire as a line of the list."""

    id: int
    due: str
    moment: Moment
    state: State
    late: str
    is_late: bool
    took: str
    answer: str


class Answer(NamedTuple):
    """What became of a moment that somebody asks about."""

    at: str
    words: str
    why: str
    href: str


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    call, cron_id = visit.call(signed, "get-cron"), visit.id("cron", "Cron")
    cron = await crons.show(call, cron_id)
    now, zone, path = await visit.having.now(), zones.zone_of(visit), path_of(signed, cron_id)
    wanted = _filter(visit)
    newest, ahead, found = await asyncio.gather(
        _executions(call, cron_id),
        _ahead(call, cron_id),
        _executions(call, cron_id, PER_PAGE, wanted, page_of(visit)),
    )
    last = newest.data
    asked = visit.request.query_params.get("at", "").strip()[:MOST_ASKED_CHARACTERS]
    return await crons_page(
        visit,
        signed,
        "crons/one.html",
        cron=cron,
        state=saying.state_of(cron),
        words=facts.words_of(cron),
        trouble=facts.trouble(cron, last, zone),
        figures=facts.figures(cron, last, now, zone),
        chart=marks.chart(last[::-1], [fire.scheduled_at for fire in ahead], now, zone, f"{path}/fires"),
        found=found,
        rows=[_row(one, now, zone) for one in found.data],
        filters=FILTERS,
        filter=wanted or "",
        asked=asked,
        answers=await _answers(call, cron, asked, (zone, path)) if asked else [],
        schedule=facts.schedule(cron, ahead, now, zone),
        request=facts.request(cron),
        checks=facts.checks(cron),
        ping=f"{visit.address}/ping/{cron.ping_key}" if cron.ping_key and signed.caller.has("write") else "",
        form=Form(),
        undo=await undo.offered(visit, signed, crons.get, path_of(signed), is_list=False),
    )


def _filter(visit: Visit) -> ExecutionStatus | None:
    given = visit.request.query_params.get("filter")
    return next(
        (one for one in ExecutionStatus if one == given and one in ("failed", "skipped", "completed")), None
    )


async def _executions(
    call: Call,
    cron_id: int,
    per_page: int = marks.COLUMNS,
    wanted: ExecutionStatus | None = None,
    number: int = 1,
) -> Page[Execution]:
    query = ExecutionQuery(per_page=per_page, page=number, filter=wanted)
    return await executions.page(call.redis, call.team, cron_id, query)


async def _ahead(call: Call, cron_id: int) -> Sequence[ComingFire]:
    """The next fires; none where this version cannot compute them."""
    try:
        found = await coming.of_cron(call, cron_id, CronComingQuery(count=marks.COLUMNS_AHEAD))
    except Conflict:
        return ()
    return found.data


def _row(one: Execution, now: datetime, zone: str) -> Row:
    is_skipped = one.status is ExecutionStatus.SKIPPED
    return Row(
        id=one.id,
        due=saying.dated(one.scheduled_at, zone),
        moment=saying.moment(one.scheduled_at, now, zone),
        state=saying.outcome(one),
        late=saying.UNKNOWN if one.is_backfill else saying.late(one.lateness_ms),
        is_late=one.lateness_ms > saying.LATE_MS,
        took=saying.UNKNOWN if is_skipped else saying.took(one.run.duration_ms if one.run else None),
        answer=saying.answer(one),
    )


async def _answers(call: Call, cron: Cron, asked: str, where: tuple[str, str]) -> list[Answer]:
    """What became of that moment by the clock of the visitor; a sentence if it is none."""
    zone, path = where
    try:
        at = datetime.fromisoformat(asked)
        at = at if at.tzinfo else at.replace(tzinfo=zones.clock_of(zone))
        query = WhyQuery(at=at)
    except (ValueError, OverflowError):
        return [Answer("", "That is no moment.", "Write it as 2026-11-09 02:30.", "")]
    found = await why(call.redis, call.team, cron.id, query)
    return [
        Answer(
            saying.dated(one.at, zone),
            VERDICTS[one.verdict],
            one.why,
            f"{path}/fires/{one.execution_id}" if one.execution_id else "",
        )
        for one in found.reasons
    ]


VERDICTS = {
    "pending": "It waits.",
    "processing": "It runs now.",
    "completed": "It ran, and completed.",
    "failed": "It ran, and failed.",
    "skipped": "It was due and did not run.",
    "collapsed": "It was missed; a later fire stands for it.",
    "due": "It is still to come.",
    "overdue": "It is due, and nobody has made it yet.",
    "paused": "The cron was paused.",
    "ended": "The cron had ended.",
    "no_fire": "It was not due then.",
    "unknown": "There is no record of it.",
}

routes = [page(ONE, show)]
