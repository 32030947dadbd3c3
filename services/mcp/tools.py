"""The tools: one row each, over the same functions that REST calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from redis.asyncio import Redis

from services.mcp import excerpts
from services.mcp.arguments import CronChange, CronNew, CronSearch, JobSearch, One
from services.mcp.excerpts import OUTSIDE, Listed
from shared import crons, jobs, queues, warnings
from shared.errors import Invalid
from shared.keyspace import Team
from shared.schemas.base import Deleted, Schema
from shared.schemas.crons import CronCreated, CronDetail, CronSummary, CronUpdated
from shared.schemas.jobs import JobAsked, JobCreated, JobDetail, JobSummary

A = TypeVar("A", bound=Schema)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """What a client is told of a tool, and what runs when it is called."""

    name: str
    title: str
    description: str
    model: type[A]
    answer: type[Schema]
    run: Callable[[Redis, Team, A], Awaitable[Schema]]
    scope: Literal["read", "write"] = "write"
    is_destructive: bool = False
    is_idempotent: bool = False
    null_clears: bool = False
    """Null is a value of its own; else it is "not given"."""
    meets_outside: bool = True


async def _list_crons(redis: Redis, team: Team, asked: CronSearch) -> Listed[CronSummary]:
    return excerpts.page(await crons.page(redis, team, asked.query()), excerpts.cron_row, "get-cron")


async def _create_cron(redis: Redis, team: Team, asked: CronNew) -> CronCreated:
    cron = await crons.create(redis, team, asked.asked())
    return excerpts.narrow(CronCreated, await warnings.saved_cron(redis, team, cron))


async def _get_cron(redis: Redis, team: Team, asked: One) -> CronDetail:
    return excerpts.cron(await crons.get(redis, team, asked.id))


async def _update_cron(redis: Redis, team: Team, asked: CronChange) -> CronUpdated:
    cron = await crons.update(redis, team, asked.id, asked.changes())
    return excerpts.changed_cron(await warnings.saved_cron(redis, team, cron))


async def _delete_cron(redis: Redis, team: Team, asked: One) -> Deleted:
    await crons.delete(redis, team, asked.id)
    return Deleted(id=asked.id)


async def _list_jobs(redis: Redis, team: Team, asked: JobSearch) -> Listed[JobSummary]:
    queue_id = asked.queue_id
    if asked.queue:
        queue_id = await queues.id_of(redis, team, asked.queue)
        if asked.queue_id not in (None, queue_id):
            raise Invalid("queue", f"The queue field names queue {queue_id}, not that of queue_id; give one.")
    return excerpts.page(await jobs.page(redis, team, asked.query(queue_id)), excerpts.job_row, "get-job")


async def _create_job(redis: Redis, team: Team, asked: JobAsked) -> JobCreated:
    (made,) = await jobs.create_many(redis, team, [asked])
    return jobs.created(asked, made, warnings.of_job(asked, is_paused=made.is_paused))


async def _get_job(redis: Redis, team: Team, asked: One) -> JobDetail:
    return excerpts.job(await jobs.get(redis, team, asked.id))


async def _delete_job(redis: Redis, team: Team, asked: One) -> Deleted:
    await jobs.delete(redis, team, asked.id)
    return Deleted(id=asked.id)


_ROWS: tuple[Tool[Any], ...] = (
    Tool(
        "list-crons",
        "List crons",
        "List crons with optional filters (active/paused) and search by name or URL. "
        f"Newest first, 25 a page; long texts are cut, get-cron shows more. {OUTSIDE}",
        CronSearch,
        Listed[CronSummary],
        _list_crons,
        scope="read",
    ),
    Tool(
        "create-cron",
        "Create cron",
        "Create a recurring HTTP request on a cron schedule.",
        CronNew,
        CronCreated,
        _create_cron,
    ),
    Tool(
        "get-cron",
        "Get cron",
        "Get full details of a cron by ID: configuration, execution timing, alert state, why it failed last. "
        f"last_response holds at most 4 KiB. {OUTSIDE}",
        One,
        CronDetail,
        _get_cron,
        scope="read",
    ),
    Tool(
        "update-cron",
        "Update cron",
        "Update any fields on an existing cron; everything else stays the same. "
        f"is_active false pauses it, true resumes it. {OUTSIDE}",
        CronChange,
        CronUpdated,
        _update_cron,
        is_destructive=True,
        is_idempotent=True,
        null_clears=True,
    ),
    Tool(
        "delete-cron",
        "Delete cron",
        "Permanently delete a cron and its history.",
        One,
        Deleted,
        _delete_cron,
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
    ),
    Tool(
        "list-jobs",
        "List jobs",
        "List jobs with optional status filter, queue filter (by name or ID), and search by URL. "
        f"Newest first, 25 a page; long texts are cut, get-job shows more. {OUTSIDE}",
        JobSearch,
        Listed[JobSummary],
        _list_jobs,
        scope="read",
    ),
    Tool(
        "create-job",
        "Create job",
        "Queue a one-off HTTP request in a named queue. The queue is auto-created if it doesn't exist.",
        JobAsked,
        JobCreated,
        _create_job,
    ),
    Tool(
        "get-job",
        "Get job",
        "Get full details of a job including run results (HTTP response, duration, errors). "
        f"run.response_body holds at most 4 KiB. {OUTSIDE}",
        One,
        JobDetail,
        _get_job,
        scope="read",
    ),
    Tool(
        "delete-job",
        "Delete job",
        "Permanently delete a job and its run history.",
        One,
        Deleted,
        _delete_job,
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
    ),
)

TOOLS: dict[str, Tool[Any]] = {row.name: row for row in _ROWS}
