"""What a caller can do to jobs."""

from collections.abc import Sequence

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock, pages, records, scripts
from shared.errors import NotFound
from shared.keyspace import Team
from shared.records import Fields
from shared.schemas.base import Page
from shared.schemas.jobs import FinalStatus, Job, JobCreate, JobCreated, JobFilter, JobQuery, JobStatus
from shared.schemas.queues import QueueSettings

_NEW_QUEUE = QueueSettings().model_dump_json()
_STATES = [state.value for state in JobFilter]
_FAILED = ["failed", "retrying", "dead_lettered"]


async def create(redis: Redis, team: Team, asked: JobCreate, now: int | None = None) -> JobCreated:
    """Store a job and make it due; its queue is made if it is new. `now` in ms, else the server's clock."""
    spec = asked.model_dump_json(exclude_defaults=True, exclude={"queue"})
    row = asked.queue, spec, asked.delay * 1000, "1" if asked.callback_url else ""
    made = await scripts.create_jobs(
        redis, team.prefix, team.id, "" if now is None else now, _NEW_QUEUE, *row
    )
    job_id, queue_id, _created, due = made
    return JobCreated(
        id=job_id,
        queue_id=queue_id,
        queue_name=asked.queue,
        url=asked.url,
        method=asked.method,
        status=JobStatus.PENDING,
        scheduled_at=clock.moment(due),
    )


async def get(redis: Redis, team: Team, job_id: int) -> Job:
    found = await _read(redis, team, [job_id])
    if not found:
        raise NotFound("Job")
    return found[0]


async def page(redis: Redis, team: Team, query: JobQuery) -> Page[Job]:
    """Jobs newest first, by status and queue; a search looks in the URL."""
    states = _FAILED if query.filter == JobFilter.FAILED else [query.filter] if query.filter else _STATES
    owner = f"q{query.queue_id}:" if query.queue_id else ""
    listing = pages.Listing(
        [f"x:{team.id}:{owner}{state}" for state in states],
        read=lambda ids: _read(redis, team, ids),
        matches=lambda job, text: pages.contains(text, job.url),
        look=lambda ids: _read(redis, team, ids, with_runs=False),
    )
    return await pages.read_page(redis, team, listing, query)


async def delete(redis: Redis, team: Team, job_id: int) -> None:
    """Delete a job with its run, its chain and its pending retries; a request in flight may still end."""
    if not await scripts.delete_job(redis, team.prefix, team.id, job_id):
        raise NotFound("Job")


async def _read(redis: Redis, team: Team, ids: Sequence[int], *, with_runs: bool = True) -> list[Job]:
    rows = await scripts.read_jobs(redis, team.prefix, team.id, int(with_runs), *ids)
    return [
        _job(int(job_id), records.fields_of(flat), spec, queue, run)
        for job_id, flat, spec, queue, run in rows
    ]


def _job(job_id: int, fields: Fields, spec: str, queue: str, run: str | None) -> Job:
    asked = from_json(spec)
    status, final = _status(fields)
    return Job(
        id=job_id,
        url=asked["url"],
        method=asked.get("method", "POST"),
        headers=asked.get("headers"),
        payload=asked.get("payload"),
        callback_url=asked.get("callback_url"),
        queue=queue,
        queue_id=int(fields["queue"]),
        status=status,
        final_status=final,
        attempt_number=int(fields["attempt"]),
        is_retry="origin" in fields,
        delay_seconds=asked.get("delay", 0),
        scheduled_at=clock.moment(fields["due"]),
        created_at=clock.moment(fields["created"]),
        run=records.run(run),
        original_job_id=int(fields["origin"]) if "origin" in fields else None,
        has_pending_retry="pending_retry" in fields,
        dead_lettered_at=records.instant(fields, "dead_at"),
        callback_status=records.callback_status(fields),
    )


def _status(fields: Fields) -> tuple[JobStatus, FinalStatus | None]:
    state = fields["state"]
    final = FinalStatus(fields["final"]) if "final" in fields else None
    return (JobStatus.FAILED if state in _FAILED else JobStatus(state)), final
