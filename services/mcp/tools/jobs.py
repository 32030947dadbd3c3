"""The tools for jobs."""

from typing import Annotated, Any

from pydantic import Field

from services.mcp import excerpts
from services.mcp.excerpts import OUTSIDE, Listed
from services.mcp.tools.tool import DeleteArguments, GetArguments, Key, PageNumber, Tool, Wait
from shared.actions import jobs, queues, warnings
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import Deleted, Id, Name, Schema, Searched
from shared.schemas.jobs import JobCreated, JobDetail, JobFilter, JobQuery, JobSpec, JobSummary
from shared.schemas.kinds import Kind


class JobCreateArguments(JobSpec):
    idempotency_key: Key = None

    def job(self) -> JobSpec:
        given = self.model_fields_set - {"idempotency_key"}
        return JobSpec.model_construct(given, **{name: getattr(self, name) for name in JobSpec.model_fields})


class JobGetArguments(GetArguments):
    wait_seconds: Wait = None


class JobListArguments(Schema):
    filter: Annotated[JobFilter, Field(description="Only jobs with this status")] = JobFilter.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the URL")] = None
    queue_id: Annotated[Id | None, Field(description="Only jobs of this queue")] = None
    page: PageNumber = 1
    queue: Annotated[Name | None, Field(description="Only jobs of the queue of this name")] = None
    q: Searched = None

    def query(self, queue_id: int | None) -> JobQuery:
        return JobQuery(filter=self.filter, search=self.search, queue_id=queue_id, page=self.page, q=self.q)


async def _list_jobs(call: Call, arguments: JobListArguments) -> Listed[JobSummary]:
    queue_id = arguments.queue_id
    if arguments.queue:
        queue_id = await queues.id_of(call.redis, call.team, arguments.queue)
        if arguments.queue_id not in (None, queue_id):
            raise Invalid("queue", f"The queue field names queue {queue_id}, not that of queue_id; give one.")
    page = await jobs.page(call.redis, call.team, arguments.query(queue_id))
    return excerpts.page(page, excerpts.job_row, "get-job")


async def _create_job(call: Call, arguments: JobCreateArguments) -> JobCreated:
    job = arguments.job()
    (made,) = await jobs.create_many(call, [job])
    return jobs.created(job, made, warnings.of_job(job, is_paused=made.is_paused))


async def _get_job(call: Call, arguments: JobGetArguments) -> JobDetail:
    if not arguments.wait_seconds:
        return excerpts.job(await jobs.get(call.redis, call.team, arguments.id))
    await call.wait(Kind.JOB, arguments.id, arguments.wait_seconds, "")
    return excerpts.job(await jobs.get_ended(call, arguments.id))


async def _delete_job(call: Call, arguments: DeleteArguments) -> Deleted:
    await jobs.delete(call, arguments.id)
    return Deleted(id=arguments.id)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "list-jobs",
        "List jobs",
        "List jobs with optional status filter, queue filter (by name or ID), and search by URL. "
        f"Newest first, 25 a page; long texts are cut, get-job shows more. {OUTSIDE}",
        JobListArguments,
        Listed[JobSummary],
        _list_jobs,
        scope="read",
    ),
    Tool(
        "create-job",
        "Create job",
        "Queue a one-off HTTP request in a named queue. The queue is auto-created if it doesn't exist.",
        JobCreateArguments,
        JobCreated,
        _create_job,
        look="list-jobs",
    ),
    Tool(
        "get-job",
        "Get job",
        "Get full details of a job including run results (HTTP response, duration, errors). "
        f"run.response_body holds at most 4 KiB. {OUTSIDE}",
        JobGetArguments,
        JobDetail,
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
