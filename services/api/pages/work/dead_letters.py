"""Dead letters: by problem with the plan of a replay, or one by one."""

import asyncio
from typing import NamedTuple

from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import page_of
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around, plans
from services.api.pages.work.jobs import host_named
from services.api.pages.work.plans import Plan
from shared.actions import dead_letters, queues
from shared.actions.queues import NamedQueue
from shared.actions.reports import problems
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.operations import Call
from shared.schemas.base import SEARCHED, Page, PageQuery
from shared.schemas.dead_letters import (
    DeadLetterQuery,
    DeadLetterSelection,
    Replay,
    ReplayCreate,
    ReplayResult,
    ReplayState,
)
from shared.schemas.jobs import Job
from shared.schemas.reports.hosts import Host
from shared.schemas.reports.problems import Problem, ProblemQuery
from shared.security.admission import Admission
from shared.security.sessions import Signed

PATH = "/t/{team}/dead-letters"
ONE = f"{PATH}/{{problem}}"
GROUPS, LETTERS, REPLAYS = 50, 10, 3
"""Problems, dead letters of one and replays that a page shows."""
GOING = frozenset((ReplayState.COLLECTING, ReplayState.TRYING, ReplayState.RUNNING))
_NONE: Page[Job] = Page(data=[], current_page=1, last_page=1, per_page=25, total=0)


class Opened(NamedTuple):
    """A problem whose dead letters are to be replayed: what is chosen, and what that would do."""

    problem: Problem
    letters: Page[Job]
    host: Host | None
    form: Form
    plan: Plan | None


class Listed(NamedTuple):
    """What the page shows whichever problem is open; of the letters how many there are."""

    problems: Page[Problem]
    letters: Page[Job]
    replays: Page[Replay]
    queues: list[NamedQueue]


async def index(visit: Visit) -> Response:
    """By problem, or with `view=one` one by one."""
    signed = await visit.in_team()
    if around.given(visit, "view", 3) == "one":
        return await _one_by_one(visit, signed)
    return await _by_problem(visit, signed, None, await _listed(visit, signed))


async def _one_by_one(visit: Visit, signed: Signed) -> Response:
    call, q, queue = visit.call(signed, "list-dead-letters"), around.given(visit, SEARCHED), _queue(visit)
    before, wrong = around.id_given(visit, "before"), ""
    try:
        chosen = {"queue_id": queue, "problem_id": around.id_given(visit, "problem"), "before": before}
        query = parsed(DeadLetterQuery, {**chosen, SEARCHED: q or None, "page": page_of(visit)})
        found = await dead_letters.page(call.redis, call.team, query)
    except (Invalid, Refused) as error:
        found, wrong = _NONE, next(iter(errors_of(error).values()))
    return await team_page(
        visit,
        signed,
        "letters/letters.html",
        422 if wrong else 200,
        section="dead",
        base=around.base_of(signed),
        found=found,
        q=q,
        queue=queue,
        problem=around.id_given(visit, "problem"),
        before=before,
        wrong=wrong,
        queues=await queues.choices(call.redis, call.team),
        form=Form(),
    )


async def show(visit: Visit) -> Response:
    """With one problem open; what the address says of a plan is counted by a dry run."""
    signed = await visit.in_team()
    params = visit.request.query_params
    given = {name: params[name] for name in plans.FIELDS if name in params}
    return await _with_open(visit, signed, Form(given or plans.USUAL))


async def _with_open(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    call = visit.call(signed, "replay-dead-letters")
    problem = await problems.get(call.redis, call.team, visit.id("problem", "Problem"))
    letters, (form, plan), host, listed = await asyncio.gather(
        _letters(call, problem.id, page_of(visit)),
        _planned(visit, call, problem.id, form),
        host_named(call, problem.host),
        _listed(visit, signed),
    )
    opened = Opened(problem, letters, host, form, plan)
    status = 422 if form.errors and status == 200 else status
    return await _by_problem(visit, signed, opened, listed, status)


async def _letters(call: Call, problem_id: int, number: int = 1, most: int = LETTERS) -> Page[Job]:
    query = DeadLetterQuery(problem_id=problem_id, page=number, per_page=most)
    return await dead_letters.page(call.redis, call.team, query)


async def _planned(visit: Visit, call: Call, problem_id: int, form: Form) -> tuple[Form, Plan | None]:
    """What the form would do, or the form with what is wrong of it."""
    try:
        chosen = await _chosen(visit, call, problem_id, form)
        result = await dead_letters.plan(call, chosen.model_copy(update={"dry_run": True}))
    except (Refused, Invalid, Conflict, Forbidden) as error:
        return form.wrong({**_by_field(errors_of(error)), **form.errors}), None
    assert result.plan
    return form, Plan(result.plan, result.warnings, plans.steps(chosen, result.plan))


async def _chosen(visit: Visit, call: Call, problem_id: int, form: Form) -> ReplayCreate:
    newest = list[int]()
    if form.get("how_many") == plans.NEWEST:
        newest = [job.id for job in (await _letters(call, problem_id, most=plans.TRIAL)).data]
    admission: Admission = visit.request.state.admission
    return admission.admit(call.team, plans.wanted(form, problem_id, newest))


def _by_field(errors: dict[str, str]) -> dict[str, str]:
    """By the fields of the form."""
    names = {"stop_after_failures": "stop_after", "change": "origin", "change.origin": "origin"}
    names |= {"change.headers": "headers"}
    return {names.get(name, name): sentence for name, sentence in errors.items()}


async def _listed(visit: Visit, signed: Signed) -> Listed:
    call, search = visit.call(signed, "list-problems"), around.given(visit, SEARCHED, 200)
    query = ProblemQuery(per_page=GROUPS, queue_id=_queue(visit), search=search[:200] or None)
    return Listed(
        *await asyncio.gather(
            problems.page(call, query),
            dead_letters.page(call.redis, call.team, DeadLetterQuery(per_page=1)),
            dead_letters.replays(call.redis, call.team, PageQuery(per_page=10)),
            queues.choices(call.redis, call.team),
        )
    )


async def _by_problem(
    visit: Visit, signed: Signed, opened: Opened | None, listed: Listed, status: int = 200
) -> Response:
    found, going = listed.problems, listed.replays
    groups = [one for one in found.data if one.dead_letters and not (opened and one.id == opened.problem.id)]
    groups.sort(key=lambda one: (-one.dead_letters, -one.id))
    return await team_page(
        visit,
        signed,
        "letters/index.html",
        status,
        section="dead",
        base=around.base_of(signed),
        total=listed.letters.total,
        groups=groups,
        opened=opened,
        looked_at=len(found.data) if found.total > len(found.data) else 0,
        q=around.given(visit, SEARCHED, 200),
        queue=_queue(visit),
        queues=listed.queues,
        going=[one for one in going.data if one.state in GOING][:REPLAYS],
        replays=going.total,
    )


def _queue(visit: Visit) -> int | None:
    return around.id_given(visit, "queue")


async def replay(visit: Visit, form: Form) -> Response:
    """Begin it, and show how far it is; of another number than the page showed nothing is sent."""
    signed = await visit.in_team()
    problem_id = visit.id("problem", "Problem")
    call = visit.call(signed, "replay-dead-letters", form.once, *map(form.get, plans.FIELDS))
    await problems.get(call.redis, call.team, problem_id)  # of none, a replay of nothing would begin
    try:
        chosen = await _chosen(visit, call, problem_id, form)
        done = await dead_letters.replay(call, _expecting(chosen, form))
    except NotFound:
        raise
    except IN_PLACE as error:
        status = 409 if isinstance(error, Conflict) else 422
        return await _with_open(visit, signed, form.wrong(_by_field(errors_of(error))), status)
    assert not isinstance(done, ReplayResult)
    return to(replay_path(signed, done))


def _expecting(chosen: ReplayCreate, form: Form) -> ReplayCreate:
    """All of a problem are as many as the page showed; the newest few are named by their ids."""
    expected = form.get("expected")
    is_number = expected.isascii() and expected.isdecimal() and len(expected) <= 12
    if chosen.ids is not None or not is_number:
        return chosen
    return chosen.model_copy(update={"expected_count": int(expected)})


async def ask_purge(visit: Visit) -> Response:
    return await _ask_purge(visit, await visit.in_team(), Form())


async def _ask_purge(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    call = visit.call(signed, "get-problem")
    problem = await problems.get(call.redis, call.team, visit.id("problem", "Problem"))
    base = around.base_of(signed)
    return await team_page(
        visit, signed, "letters/purge.html", status, section="dead", base=base, problem=problem, form=form
    )


async def purge(visit: Visit, form: Form) -> Response:
    """Only if the number of them was typed, as the page asks for it."""
    signed = await visit.in_team()
    call = visit.call(signed, "purge-dead-letters", form.once, form.get("number"))
    problem = await problems.get(call.redis, call.team, visit.id("problem", "Problem"))
    if form.get("number").replace(",", "").strip() != str(problem.dead_letters):
        wrong = {"number": f"Type {problem.dead_letters:,}: so many are there now."}
        return await _ask_purge(visit, signed, form.wrong(wrong), 422)
    await dead_letters.purge(call, DeadLetterSelection(problem_id=problem.id))
    return to(f"{around.base_of(signed)}/dead-letters")


def replay_path(signed: Signed, replay: Replay) -> str:
    return f"{around.base_of(signed)}/replays/{replay.id}"


routes = [
    page(PATH, index),
    page(ONE, show),
    page(f"{ONE}/replay", send=replay),
    page(f"{ONE}/purge", ask_purge, purge),
]
