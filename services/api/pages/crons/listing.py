"""Crons: which fail, which fire next; and what is done to those that are chosen."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from services.api.pages import words, zones
from services.api.pages.crons import facts, marks, saying
from services.api.pages.crons.marks import Strip
from services.api.pages.crons.saying import Moment, State
from services.api.pages.crons.shell import PATH, crons_page, path_of
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import NO_SEARCH, Asking, Meant, ask, chosen, done_to, page_of
from services.api.pages.live import undo
from services.api.pages.live.undo import Undo
from services.api.pages.shell import Question
from services.api.pages.visits import Visit
from services.api.pages.work.words import plural
from shared.actions import crons
from shared.actions.bulk import crons as bulks
from shared.actions.searches import sorting
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import SEARCHED
from shared.schemas.bulk.wanted import CronAction, CronBulk
from shared.schemas.crons import Cron, CronMode, CronQuery, CronSort
from shared.schemas.reports.crons import CronCounts, CronPage
from shared.security.sessions import Signed

BULK = f"{PATH}/bulk"
PER_PAGE = 25
MOST_CHARACTERS = 500
SORTS = (
    (CronSort.ATTENTION, "Needs attention first"),
    (CronSort.NEXT_RUN, "Next fire"),
    (CronSort.NAME, "Name"),
    (CronSort.NEWEST, "Newest"),
)
SENTENCES = {
    CronAction.PAUSE: "They fire no more until they are resumed.",
    CronAction.RESUME: "They fire again from now on, by their schedules.",
    CronAction.RUN: "Each is called once, now. Their schedules stay as they are.",
    CronAction.DELETE: "They fire no more, and all that is known of their fires goes. This cannot be undone.",
}
_NOTHING = "Choose crons first, then what to do to them."
DOING = {
    CronAction.PAUSE: "paused",
    CronAction.RESUME: "resumed",
    CronAction.RUN: "started",
    CronAction.DELETE: "deleted",
}


class Tab(NamedTuple):
    words: str
    many: int
    href: str
    is_here: bool
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A cron as a line of the list."""

    cron: Cron
    state: State
    place: str
    words: str
    strip: Strip
    p95: str
    next: str
    wall: Moment | None
    below: str


class Asked(NamedTuple):
    """What the address asks for."""

    q: str
    sort: CronSort
    number: int

    def href(self, **changes: object) -> str:
        given = {SEARCHED: self.q, "sort": self.sort, "page": self.number, **changes}
        usual = {SEARCHED: "", "sort": CronSort.ATTENTION, "page": 1}
        kept = {name: value for name, value in given.items() if value != usual[name]}
        return f"?{urlencode(kept)}" if kept else "?"


async def index(visit: Visit) -> Response:
    return await shown(visit, await visit.in_team())


async def bulk_again(visit: Visit) -> Response:
    """Who loads the address of a form again comes to the list."""
    return to(path_of(await visit.in_team()))


async def bulk(visit: Visit, form: Form) -> Response:
    """Do something to all that are chosen; deleting, or all that were found, is asked once more."""
    signed, wants = await visit.in_team(), asked(visit)
    meant = chosen(form, wants.q)
    action = next((one for one in CronAction if one == form.get("action")), None)
    if action is None or not any(meant):
        wrong = NO_SEARCH if form.has("all") else _NOTHING
        return await shown(visit, signed, wrong=wrong, status=422)
    call = visit.call(signed, "change-crons", form.once, action, meant.q, *map(str, meant.ids))
    try:
        if (meant.q or action is CronAction.DELETE) and not form.has("sure"):
            return await _ask(visit, signed, action, meant)
        count = form.get("count") or None
        wanted = parsed(CronBulk, {**meant.fields, "action": action, "expected_count": count})
        result = await bulks.change(call, wanted)
    except IN_PLACE as error:
        return await shown(visit, signed, wrong="; ".join(errors_of(error).values()), status=422)
    taken_back = undo.of_many(path_of(signed), meant.ids, action, result) if meant.ids else None
    return await shown(visit, signed, done=done_to(DOING[action], result), offered=taken_back)


async def _ask(visit: Visit, signed: Signed, action: CronAction, meant: Meant) -> Response:
    """With how many they are now."""
    wanted = parsed(CronBulk, {**meant.fields, "action": action, "dry_run": True})
    count = (await bulks.change(visit.call(signed, "change-crons"), wanted)).matched
    verb, these = action.capitalize(), plural(count, "cron")
    question = Question(f"{verb} {'all ' if meant.q else ''}{these}?", SENTENCES[action], f"{verb} {these}")
    here = asked(visit).href(page=1).removesuffix("?")
    asking = Asking(
        "crons", action, question, count, f"{path_of(signed)}/bulk{here}", f"{path_of(signed)}{here}"
    )
    return await ask(visit, signed, asking, meant)


def asked(visit: Visit) -> Asked:
    given = visit.request.query_params
    sort = next((one for one in CronSort if one == given.get("sort")), CronSort.ATTENTION)
    return Asked(given.get(SEARCHED, "").strip()[:MOST_CHARACTERS], sort, page_of(visit))


async def shown(
    visit: Visit,
    signed: Signed,
    *,
    wrong: str = "",
    done: str = "",
    status: int = 200,
    offered: Undo | None = None,
) -> Response:
    """The list; a search that cannot be understood leaves it empty, and says what was probably meant."""
    wants, call, error = asked(visit), visit.call(signed, "list-crons"), ""
    try:
        found = await _found(call, wants)
    except Invalid as refused:
        error, status = str(refused).removeprefix("The q field "), 422
        found = await _found(call, Asked("", wants.sort, 1))
        found = found.model_copy(update={"data": [], "total": 0})
    now, zone = await visit.having.now(), zones.zone_of(visit)
    return await crons_page(
        visit,
        signed,
        "crons/index.html",
        status,
        found=found,
        counts=found.counts,
        tabs=_tabs(found.counts, wants) if found.counts else [],
        rows=[_row(cron, now, zone) for cron in found.data],
        asked=wants,
        sorts=SORTS,
        error=f"{error[:1].upper()}{error[1:]}",
        wrong=wrong,
        done=done,
        lede=_lede(found),
        origin=visit.address,
        form=Form(),
        undo=offered or await undo.offered(visit, signed, crons.get, path_of(signed), is_list=True),
    )


async def _found(call: Call, wants: Asked) -> CronPage:
    query = CronQuery(page=wants.number, per_page=PER_PAGE, sort=wants.sort, q=wants.q or None)
    return await sorting.page(call.redis, call.team, query)


def _tabs(counts: CronCounts, wants: Asked) -> list[Tab]:
    tabs = (
        ("All", counts.all, ""),
        ("Failing", counts.failing, "status:failing"),
        ("Heartbeats", counts.heartbeats, "mode:heartbeat"),
        ("Paused", counts.paused, "status:paused"),
        ("Ended", counts.ended, "status:ended"),
    )
    return [
        Tab(words, count, wants.href(q=q, page=1), wants.q == q, q == "status:failing" and count > 0)
        for words, count, q in tabs
    ]


def _lede(found: CronPage) -> str:
    counts = found.counts
    if counts is None:
        return f"{found.total:,} of them, the newest first."
    if not counts.failing:
        return f"None of {counts.all:,} fails." if counts.all > 1 else "It does not fail."
    are = "is" if counts.failing == 1 else "are"
    return f"{words.number(counts.failing)} of {counts.all:,} {are} failing."


def _row(cron: Cron, now: datetime, zone: str) -> Row:
    following, slow = cron.next_run_at, marks.percentile(marks.durations(cron), 0.95)
    is_beat = cron.mode is CronMode.HEARTBEAT
    return Row(
        cron=cron,
        state=saying.state_of(cron),
        place="" if is_beat else saying.place(cron.url),
        words=facts.words_of(cron),
        strip=marks.strip(cron),
        p95=saying.took(slow),
        next=saying.ahead(following, now) if following and cron.is_active else _resting(cron),
        wall=saying.moment(following, now, zone) if following and cron.is_active else None,
        below="by itself" if cron.paused_reason and not cron.is_active else "",
    )


def _resting(cron: Cron) -> str:
    return "ended" if cron.is_active else "paused"


routes = [page(PATH, index), page(BULK, bulk_again, bulk)]
