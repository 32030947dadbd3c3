"""The tools for jobs."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator

from services.mcp import excerpts, headers
from services.mcp.answers import JobMade, JobRow, JobShown
from services.mcp.excerpts import OUTSIDE, Listed
from services.mcp.tools import moments
from services.mcp.tools.moments import From, To
from services.mcp.tools.tool import (
    KEY_SAID,
    DeleteArguments,
    DryRun,
    GetArguments,
    Key,
    PageNumber,
    Tool,
    Wait,
)
from shared.actions import jobs, queues, warnings
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import Deleted, Id, Name, Schema, Searched
from shared.schemas.jobs import JobCreate, JobFilter, JobQuery, JobSpec, JobStatus


class JobCreateArguments(JobCreate):
    dry_run: DryRun = False
    idempotency_key: Annotated[Key, KEY_SAID] = None

    _are_values = field_validator("headers")(headers.check_values)

    def job(self) -> JobCreate:
        kept = {name: value for name, value in self if name in JobCreate.model_fields}
        return JobCreate.model_construct(self.model_fields_set & JobCreate.model_fields.keys(), **kept)


class JobGetArguments(GetArguments):
    wait_seconds: Wait = None


class JobListArguments(Schema):
    model_config = ConfigDict(populate_by_name=True)

    filter: JobFilter = JobFilter.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the URL")] = None
    queue_id: Id | None = None
    page: PageNumber = 1
    queue: Annotated[Name | None, Field(description="Its name")] = None
    from_: Annotated[From, Field(alias="from")] = None
    to: To = None
    q: Searched = None


async def _list_jobs(call: Call, arguments: JobListArguments) -> Listed[JobRow]:
    queue_id = arguments.queue_id
    if arguments.queue:
        queue_id = await queues.id_of(call.redis, call.team, arguments.queue)
        if arguments.queue_id not in (None, queue_id):
            raise Invalid("queue", f"The queue field names queue {queue_id}, not that of queue_id; give one.")
    query = JobQuery(
        filter=arguments.filter,
        search=arguments.search,
        queue_id=queue_id,
        page=arguments.page,
        q=await moments.searched(call, arguments.q, arguments.from_, arguments.to),
    )
    page = await jobs.page(call.redis, call.team, query, call.maker)
    return excerpts.page(page, excerpts.job_row, "get-job")


async def _create_job(call: Call, arguments: JobCreateArguments) -> JobMade:
    job = arguments.job()
    if arguments.dry_run:
        return await _would_be(call, job)
    made = await jobs.create(call, job)
    (said,) = await warnings.made_jobs(call.redis, call.team, [job], [made])
    again = await warnings.job_again(call.redis, call.team, made.id)
    return JobMade(
        id=made.id,
        queue_id=made.queue_id,
        scheduled_at=made.scheduled_at,
        queue_is_new=made.queue_is_new,
        warnings=(*said, *again),
        **_shown(job),
    )


async def _would_be(call: Call, job: JobCreate) -> JobMade:
    planned = await jobs.would_be(call, job)
    (said,) = await warnings.made_jobs(call.redis, call.team, [job], [planned])
    return JobMade(
        id=None,
        queue_id=planned.queue_id or None,
        scheduled_at=planned.scheduled_at,
        queue_is_new=planned.queue_is_new,
        dry_run=True,
        warnings=said,
        **_shown(job),
    )


def _shown(job: JobSpec) -> dict[str, Any]:
    return {"queue_name": job.queue, "url": job.url, "method": job.method, "status": JobStatus.PENDING}


async def _get_job(call: Call, arguments: JobGetArguments) -> JobShown:
    if not arguments.wait_seconds:
        return excerpts.job(await jobs.get(call.redis, call.team, arguments.id))
    return excerpts.job(await jobs.get_ended(call, arguments.id, arguments.wait_seconds))


async def _delete_job(call: Call, arguments: DeleteArguments) -> Deleted:
    await jobs.delete(call, arguments.id)
    return Deleted(id=arguments.id)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "list-jobs",
        "List jobs",
        f"List jobs, newest first; get-job shows more of one. {OUTSIDE}",
        JobListArguments,
        Listed[JobRow],
        _list_jobs,
        scope="read",
    ),
    Tool(
        "create-job",
        "Create job",
        "Queue a one-off HTTP request in a named queue.",
        JobCreateArguments,
        JobMade,
        _create_job,
        look="list-jobs",
    ),
    Tool(
        "get-job",
        "Get job",
        f"Get full details of a job including run results (HTTP response, duration, errors). {OUTSIDE}",
        JobGetArguments,
        JobShown,
        _get_job,
        scope="read",
    ),
    Tool(
        "delete-job",
        "Delete job",
        "Permanently delete a job and its run history.",
        DeleteArguments,
        Deleted,
        _delete_job,
        look="get-job",
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
    ),
)
