"""The tools: one row each, over the same functions that REST calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from redis.asyncio import Redis

from services.mcp import excerpts
from services.mcp.arguments import CronChange, CronNew, CronSearch, JobSearch, One
from services.mcp.excerpts import LIST_BYTES, OUTSIDE
from shared import crons, jobs, queues
from shared.errors import Invalid
from shared.keyspace import Team
from shared.schemas.base import Deleted, Page, Schema
from shared.schemas.crons import CronCreated, CronSummary
from shared.schemas.jobs import JobAsked, JobCreated, JobSummary

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


async def _list_crons(redis: Redis, team: Team, asked: CronSearch) -> Page[CronSummary]:
    page = await crons.page(redis, team, asked.query())
    data = [excerpts.cron(cron, LIST_BYTES) for cron in page.data]
    return Page[CronSummary](**{**dict(page), "data": data})


async def _create_cron(redis: Redis, team: Team, asked: CronNew) -> CronCreated:
    return excerpts.narrow(CronCreated, await crons.create(redis, team, asked.asked()))


async def _get_cron(redis: Redis, team: Team, asked: One) -> CronSummary:
    return excerpts.cron(await crons.get(redis, team, asked.id))


async def _update_cron(redis: Redis, team: Team, asked: CronChange) -> CronSummary:
    return excerpts.cron(await crons.update(redis, team, asked.id, asked.changes()))


async def _delete_cron(redis: Redis, team: Team, asked: One) -> Deleted:
    await crons.delete(redis, team, asked.id)
    return Deleted(id=asked.id)


async def _list_jobs(redis: Redis, team: Team, asked: JobSearch) -> Page[JobSummary]:
    queue_id = asked.queue_id
    if asked.queue:
        queue_id = await queues.id_of(redis, team, asked.queue)
        if asked.queue_id not in (None, queue_id):
            raise Invalid("queue", f"The queue field names queue {queue_id}, not that of queue_id; give one.")
    page = await jobs.page(redis, team, asked.query(queue_id))
    data = [excerpts.job(job, LIST_BYTES) for job in page.data]
    return Page[JobSummary](**{**dict(page), "data": data})


async def _get_job(redis: Redis, team: Team, asked: One) -> JobSummary:
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
        Page[CronSummary],
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
        "Get full details of a cron by ID: configuration, execution timing and alert state. "
        f"last_response holds at most 4 KiB. {OUTSIDE}",
        One,
        CronSummary,
        _get_cron,
        scope="read",
    ),
    Tool(
        "update-cron",
        "Update cron",
        "Update any fields on an existing cron; everything else stays the same. "
        f"is_active false pauses it, true resumes it. {OUTSIDE}",
        CronChange,
        CronSummary,
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
        Page[JobSummary],
        _list_jobs,
        scope="read",
    ),
    Tool(
        "create-job",
        "Create job",
        "Queue a one-off HTTP request in a named queue. The queue is auto-created if it doesn't exist.",
        JobAsked,
        JobCreated,
        jobs.create,
    ),
    Tool(
        "get-job",
        "Get job",
        "Get full details of a job including run results (HTTP response, duration, errors). "
        f"run.response_body holds at most 4 KiB. {OUTSIDE}",
        One,
        JobSummary,
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
