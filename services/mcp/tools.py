"""The tools: one row each, named as its operation is, over the same actions that REST calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from services.mcp import excerpts
from services.mcp.arguments import (
    CronCreateArguments,
    CronListArguments,
    CronUpdateArguments,
    DeleteArguments,
    GetArguments,
    JobCreateArguments,
    JobListArguments,
)
from services.mcp.excerpts import OUTSIDE, Listed
from shared.actions import crons, jobs, queues, warnings
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import Deleted, Schema
from shared.schemas.crons import CronCreated, CronDetail, CronDetailWithWarnings, CronSummary
from shared.schemas.jobs import JobCreated, JobDetail, JobSummary

A = TypeVar("A", bound=Schema)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """What a client is shown of a tool, and the function that runs it."""

    name: str
    """That of the operation which it is a way to."""
    title: str
    description: str
    model: type[A]
    answer: type[Schema]
    run: Callable[[Call, A], Awaitable[Schema]]
    scope: Literal["read", "write"] = "write"
    is_destructive: bool = False
    is_idempotent: bool = False
    null_clears: bool = False
    """Null is a value that clears; otherwise it means "not given"."""
    meets_outside: bool = True
    look: str = ""
    """The tool that shows whether a write was done."""


async def _list_crons(call: Call, arguments: CronListArguments) -> Listed[CronSummary]:
    page = await crons.page(call.redis, call.team, arguments.query())
    return excerpts.page(page, excerpts.cron_row, "get-cron")


async def _create_cron(call: Call, arguments: CronCreateArguments) -> CronCreated:
    cron = await crons.create(call, arguments.cron())
    return excerpts.narrow(CronCreated, await warnings.saved_cron(call.redis, call.team, cron))


async def _get_cron(call: Call, arguments: GetArguments) -> CronDetail:
    return excerpts.cron(await crons.get(call.redis, call.team, arguments.id))


async def _update_cron(call: Call, arguments: CronUpdateArguments) -> CronDetailWithWarnings:
    cron = await crons.update(call, arguments.id, arguments.changes())
    return excerpts.changed_cron(await warnings.saved_cron(call.redis, call.team, cron))


async def _delete_cron(call: Call, arguments: DeleteArguments) -> Deleted:
    await crons.delete(call, arguments.id)
    return Deleted(id=arguments.id)


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


async def _get_job(call: Call, arguments: GetArguments) -> JobDetail:
    return excerpts.job(await jobs.get(call.redis, call.team, arguments.id))


async def _delete_job(call: Call, arguments: DeleteArguments) -> Deleted:
    await jobs.delete(call, arguments.id)
    return Deleted(id=arguments.id)


_ROWS: tuple[Tool[Any], ...] = (
    Tool(
        "list-crons",
        "List crons",
        "List crons with optional filters (active/paused) and search by name or URL. "
        f"Newest first, 25 a page; long texts are cut, get-cron shows more. {OUTSIDE}",
        CronListArguments,
        Listed[CronSummary],
        _list_crons,
        scope="read",
    ),
    Tool(
        "create-cron",
        "Create cron",
        "Create a recurring HTTP request on a cron schedule.",
        CronCreateArguments,
        CronCreated,
        _create_cron,
        look="list-crons",
    ),
    Tool(
        "get-cron",
        "Get cron",
        "Get full details of a cron by ID: configuration, execution timing, alert state, why it failed last. "
        f"last_response holds at most 4 KiB. {OUTSIDE}",
        GetArguments,
        CronDetail,
        _get_cron,
        scope="read",
    ),
    Tool(
        "update-cron",
        "Update cron",
        "Update any fields on an existing cron; everything else stays the same. "
        f"is_active false pauses it, true resumes it. {OUTSIDE}",
        CronUpdateArguments,
        CronDetailWithWarnings,
        _update_cron,
        look="get-cron",
        is_destructive=True,
        is_idempotent=True,
        null_clears=True,
    ),
    Tool(
        "delete-cron",
        "Delete cron",
        "Permanently delete a cron and its history.",
        DeleteArguments,
        Deleted,
        _delete_cron,
        look="get-cron",
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
    ),
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
        GetArguments,
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

TOOLS: dict[str, Tool[Any]] = {row.name: row for row in _ROWS}
