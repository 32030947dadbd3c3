"""A new job by a form, from nothing or from one that is to be changed and sent again."""

from typing import NamedTuple

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around, job_forms
from services.api.pages.work.jobs import PATH, path_of
from shared.actions import jobs, queues
from shared.errors import NotFound
from shared.schemas.base import PageQuery
from shared.schemas.jobs import Job
from shared.security.admission import Admission
from shared.security.sessions import Signed

QUEUES = 5
"""Of the newest as many are named as fit into a line."""


class Copied(NamedTuple):
    """Of which job the form is a copy, and what of it was left out."""

    job: Job
    hidden: list[str]


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    job_id = around.id_given(visit, "copy")
    if job_id is None:
        return await _shown(visit, signed, job_forms.empty(around.given(visit, "queue", 255)))
    call = visit.call(signed, "get-job")
    job = await jobs.get(call.redis, call.team, job_id)
    if job.problem:
        raise NotFound("Job")
    form, hidden = job_forms.copied(job)
    return await _shown(visit, signed, form, copied=Copied(job, hidden))


async def create(visit: Visit, form: Form) -> Response:
    """Make it and show it; the same form sent again shows the same job."""
    signed = await visit.in_team()
    try:
        admission: Admission = visit.request.state.admission
        call = visit.call(signed, "create-job", form.once, *map(form.get, job_forms.FIELDS))
        made = await jobs.create(call, admission.admit(call.team, job_forms.created(form)))
    except IN_PLACE as error:
        return await _shown(visit, signed, form.wrong(_by_field(errors_of(error))), 422)
    return to(path_of(signed, made.id))


def _by_field(errors: dict[str, str]) -> dict[str, str]:
    return {"body" if name == "payload" else name: sentence for name, sentence in errors.items()}


async def _shown(
    visit: Visit, signed: Signed, form: Form, status: int = 200, *, copied: Copied | None = None
) -> Response:
    call = visit.call(signed, "list-queues")
    return await team_page(
        visit,
        signed,
        "jobs/new.html",
        status,
        section="jobs",
        base=around.base_of(signed),
        form=form,
        copied=copied,
        methods=job_forms.METHODS,
        queues=(await queues.page(call.redis, call.team, PageQuery(per_page=QUEUES))).data,
    )


routes = [page(f"{PATH}/new", show, create)]
"""Comes before a job of any id."""
