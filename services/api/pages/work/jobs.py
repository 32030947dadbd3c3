"""Jobs: the list, and one with its attempts."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages.endpoint import page
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import page_of
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around, attempts, bodies
from shared.actions import jobs, queues
from shared.actions.reports import hosts, problems
from shared.actions.searches.looks import host_of
from shared.errors import Invalid, NotFound
from shared.operations import Call
from shared.schemas.base import SEARCHED, Page
from shared.schemas.jobs import Job, JobFilter, JobQuery
from shared.schemas.queues import Queue
from shared.schemas.reports.hosts import Host
from shared.schemas.reports.problems import Problem
from shared.security.sessions import Signed
from shared.store import stored

PATH = "/t/{team}/jobs"
ONE = f"{PATH}/{{job}}"
TABS = (
    (JobFilter.ALL, "All"),
    (JobFilter.PENDING, "Waiting"),
    (JobFilter.PROCESSING, "Running"),
    (JobFilter.COMPLETED, "Completed"),
    (JobFilter.FAILED, "Failed"),
    (JobFilter.RETRYING, "Retrying"),
    (JobFilter.DEAD_LETTERED, "Dead letters"),
)
_NONE: Page[Job] = Page(data=[], current_page=1, last_page=1, per_page=25, total=0)


class Asked(NamedTuple):
    """What is looked for, as the address has it."""

    q: str
    status: JobFilter
    queue: int | None
    before: int | None
    """Only jobs of lower ids: where an earlier search ended."""

    def link(self, base: str, below: str = "", **other: object) -> str:
        parts = {SEARCHED: self.q, "status": self.status, "queue": self.queue, **other}
        if parts["status"] == JobFilter.ALL:
            del parts["status"]
        return around.link(f"{base}/jobs{below}", parts)


async def index(visit: Visit) -> Response:
    return await shown(visit, await visit.in_team())


async def shown(
    visit: Visit, signed: Signed, *, wrong: str = "", done: str = "", status: int = 200
) -> Response:
    """The list, and what became of what was done to some of it."""
    call, asked = visit.call(signed, "list-jobs"), asked_of(visit)
    misread = ""
    try:
        asked_for = {
            SEARCHED: asked.q or None,
            "filter": asked.status,
            "queue_id": asked.queue,
            "before": asked.before,
        }
        query = parsed(JobQuery, {**asked_for, "page": page_of(visit)})
        found = await jobs.page(call.redis, call.team, query)
    except (Invalid, Refused) as error:
        found, misread = _NONE, next(iter(errors_of(error).values()))
    base = around.base_of(signed)
    return await team_page(
        visit,
        signed,
        "jobs/index.html",
        422 if misread else status,
        section="jobs",
        found=found,
        asked=asked,
        misread=misread,
        wrong=wrong,
        done=done,
        form=Form(),
        base=base,
        tabs=[(name, asked.link(base, status=state), state == asked.status) for state, name in TABS],
        queues=await queues.choices(call.redis, call.team),
    )


def asked_of(visit: Visit) -> Asked:
    status = around.given(visit, "status", 20)
    known = JobFilter(status) if status in set(JobFilter) else JobFilter.ALL
    queue, before = around.id_given(visit, "queue"), around.id_given(visit, "before")
    return Asked(around.given(visit, SEARCHED), known, queue, before)


async def show(visit: Visit) -> Response:
    """A job by any id of its chain, with one of its attempts in full."""
    signed = await visit.in_team()
    call = visit.call(signed, "get-job")
    asked = await jobs.get(call.redis, call.team, visit.id("job", "Job"))
    chain = await chain_of(call, asked)
    chosen = await _chosen(call, visit, chain, asked)
    last = chain[-1]
    run = chosen.run
    return await team_page(
        visit,
        signed,
        "jobs/one.html",
        section="jobs",
        base=around.base_of(signed),
        first=chain[0],
        last=last,
        job=chosen,
        steps=attempts.way(chain),
        said=attempts.summary(chain, await visit.having.now()),
        fall=attempts.fall(run),
        sent=bodies.shown(run.request_body, is_cut=run.request_truncated) if run else None,
        came=bodies.shown(run.response_body, is_cut=run.response_truncated) if run else None,
        queue=await _queue(call, last),
        problem=await _problem(call, chain[0]),
        host=await host_named(call, host_of(last.url)),
    )


async def chain_of(call: Call, job: Job) -> Sequence[Job]:
    """All attempts of the chain in their order; of what is gone of it nothing."""
    found = await jobs.read(call.redis, call.team, [job.original_job_id], with_runs=False)
    ids = [job.original_job_id, *(found[0].retry_ids if found else ())]
    if job.id not in ids:
        ids.append(job.id)
    return await jobs.read(call.redis, call.team, ids, most_bytes=stored.LIST_BYTES) or [job]


async def _chosen(call: Call, visit: Visit, chain: Sequence[Job], asked: Job) -> Job:
    """The attempt that the address names; of a job's own address the last one that ran."""
    wanted = around.id_given(visit, "attempt")
    if wanted is not None:
        match = next((one for one in chain if one.attempt_number == wanted), None)
        if match is None:
            raise NotFound("Job")
        return await jobs.get(call.redis, call.team, match.id)
    if asked.id != chain[0].id:
        return asked
    ran = [one for one in chain if one.run is not None]
    last = ran[-1] if ran else chain[-1]
    return asked if last.id == asked.id else await jobs.get(call.redis, call.team, last.id)


async def _queue(call: Call, job: Job) -> Queue | None:
    """Of the job; it may be deleted a moment ago."""
    try:
        return await queues.get(call.redis, call.team, job.queue_id)
    except NotFound:
        return None


async def _problem(call: Call, job: Job) -> Problem | None:
    """In which its last failure counts."""
    if job.problem_id is None:
        return None
    try:
        return await problems.get(call.redis, call.team, job.problem_id)
    except NotFound:
        return None


async def host_named(call: Call, name: str | None) -> Host | None:
    """The host, if it rests or did lately."""
    return (await hosts.read(call)).named(name) if name else None


def path_of(signed: Signed, job: int | str) -> str:
    return f"{around.base_of(signed)}/jobs/{job}"


routes = [page(PATH, index)]
one = [page(ONE, show)]
"""Comes after what else is below the list."""
