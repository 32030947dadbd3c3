"""Queues: what waits in each, what holds it back, and its settings."""

from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import page_of, search_of
from services.api.pages.live import undo
from services.api.pages.shell import Question, confirm_page, team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around, holding, queue_forms
from shared.actions import jobs, queues
from shared.actions.reports import stats
from shared.errors import NotFound, Stale
from shared.operations import Call, Versions
from shared.schemas.base import PageQuery
from shared.schemas.jobs import JobQuery
from shared.schemas.queues import KeyChoice, KeyQuery, QueueUpdate
from shared.schemas.reports.stats import StatsBy, StatsQuery
from shared.security.sessions import Signed

PATH = "/t/{team}/queues"
ONE = f"{PATH}/{{queue}}"
_SHOWN_JOBS, _SHOWN_KEYS = 10, 25
_CHANGED = (
    "Somebody else changed this queue since you opened the page. Above it stands as it is now; "
    "what you typed is kept below. Save again to put it in the place of theirs."
)


async def index(visit: Visit) -> Response:
    signed = await visit.in_team()
    call = visit.call(signed, "list-queues")
    query = PageQuery(page=page_of(visit), search=search_of(visit) or None)
    found = await queues.page(call.redis, call.team, query)
    return await team_page(
        visit,
        signed,
        "queues/index.html",
        section="queues",
        base=around.base_of(signed),
        found=found,
        search=query.search or "",
        holds={one.id: holding.sentence(one) for one in found.data},
        undo=await undo.offered(visit, signed, queues.get, path_of(signed), is_list=True),
    )


async def new(visit: Visit) -> Response:
    return await _new(visit, await visit.in_team(), queue_forms.empty())


async def create(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    try:
        call = visit.call(signed, "create-queue", form.once, *map(form.get, queue_forms.FIELDS))
        made = await queues.create(call, queue_forms.created(form))
    except IN_PLACE as error:
        return await _new(visit, signed, form.wrong(errors_of(error)), 422)
    return to(path_of(signed, made.id))


async def _new(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    return await team_page(
        visit, signed, "queues/new.html", status, section="queues", base=around.base_of(signed), form=form
    )


async def show(visit: Visit) -> Response:
    return await _one(visit, await visit.in_team())


async def update(visit: Visit, form: Form) -> Response:
    """Change it as the page showed it; what somebody else changed meanwhile is shown first."""
    signed = await visit.in_team()
    queue_id = visit.id("queue", "Queue")
    try:
        changes = queue_forms.changed(form)
        seen = Versions(frozenset((form.get(queue_forms.VERSION),)))
        await queues.update(visit.call(signed, "update-queue", versions=seen), queue_id, changes)
    except Stale:
        return await _one(visit, signed, Form(form.fields, {"": _CHANGED}), 409, is_stale=True)
    except IN_PLACE as error:
        return await _one(visit, signed, form.wrong(errors_of(error)), 422)
    return to(path_of(signed, queue_id))


async def _one(
    visit: Visit, signed: Signed, form: Form | None = None, status: int = 200, *, is_stale: bool = False
) -> Response:
    call, queue_id = visit.call(signed, "get-queue"), visit.id("queue", "Queue")
    queue = await queues.show(call, queue_id)
    shown = queue_forms.shown(queue, call.versions.answered or "")
    if form is not None and is_stale:
        form = Form({**form.fields, queue_forms.VERSION: call.versions.answered or ""}, form.errors)
    keys = KeyQuery(page=page_of(visit, "keys"), per_page=_SHOWN_KEYS)
    newest = JobQuery(queue_id=queue_id, per_page=_SHOWN_JOBS)
    return await team_page(
        visit,
        signed,
        "queues/one.html",
        status,
        section="queues",
        base=around.base_of(signed),
        queue=queue,
        form=form or shown,
        holds=holding.sentence(queue),
        figures=await _last_hour(call, queue_id),
        keys=await queues.keys(call.redis, call.team, queue_id, keys),
        newest=await jobs.page(call.redis, call.team, newest),
        undo=await undo.offered(visit, signed, queues.get, path_of(signed), is_list=False),
    )


async def _last_hour(call: Call, queue_id: int) -> holding.LastHour:
    found = await stats.get(call, StatsQuery(by=StatsBy.MINUTE, queue_id=queue_id))
    return holding.last_hour(found)


async def pause(visit: Visit, _form: Form) -> Response:
    return await _switch(visit, is_active=False)


async def resume(visit: Visit, _form: Form) -> Response:
    return await _switch(visit, is_active=True)


async def _switch(visit: Visit, *, is_active: bool) -> Response:
    """Back to where the button was."""
    signed = await visit.in_team()
    queue_id = visit.id("queue", "Queue")
    await queues.update(visit.call(signed, "update-queue"), queue_id, QueueUpdate(is_active=is_active))
    here = path_of(signed) if around.given(visit, "from") == "list" else path_of(signed, queue_id)
    return to(undo.done(here, queue_id, is_active=is_active))


async def pause_key(visit: Visit, form: Form) -> Response:
    return await _switch_key(visit, form, "pause-queue-key", is_paused=True)


async def resume_key(visit: Visit, form: Form) -> Response:
    return await _switch_key(visit, form, "resume-queue-key", is_paused=False)


async def _switch_key(visit: Visit, form: Form, operation: str, *, is_paused: bool) -> Response:
    signed = await visit.in_team()
    queue_id = visit.id("queue", "Queue")
    try:
        choice = parsed(KeyChoice, {"key": form.get("key")})
    except Refused:
        raise NotFound("Key") from None  # no job can have it
    await queues.pause_key(visit.call(signed, operation), queue_id, choice.key, is_paused=is_paused)
    return to(f"{path_of(signed, queue_id)}#keys")


async def ask_delete(visit: Visit) -> Response:
    signed = await visit.in_team()
    call = visit.call(signed, "get-queue")
    queue = await queues.get(call.redis, call.team, visit.id("queue", "Queue"))
    question = Question(
        f"Delete the queue “{queue.name}”?",
        "It goes with all its jobs, those that wait and its dead letters too; none of them starts any more. "
        "This cannot be undone.",
        "Delete the queue",
    )
    back = path_of(signed, queue.id)
    return await confirm_page(visit, signed, question, section="queues", back=back)


async def delete(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    await queues.delete(visit.call(signed, "delete-queue", form.once), visit.id("queue", "Queue"))
    return to(path_of(signed))


def path_of(signed: Signed, queue: int | None = None) -> str:
    base = f"{around.base_of(signed)}/queues"
    return base if queue is None else f"{base}/{queue}"


routes = [
    page(PATH, index),
    page(f"{PATH}/new", new, create),
    page(ONE, show, update),
    page(f"{ONE}/pause", send=pause),
    page(f"{ONE}/resume", send=resume),
    page(f"{ONE}/keys/pause", send=pause_key),
    page(f"{ONE}/keys/resume", send=resume_key),
    page(f"{ONE}/delete", ask_delete, delete),
]
