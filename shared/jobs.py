"""What a caller can do to jobs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock, pages, records, scripts, words
from shared.errors import Conflict, Invalid, NotFound
from shared.keyspace import Team
from shared.records import Fields
from shared.schemas.base import Page
from shared.schemas.jobs import (
    FinalStatus,
    Job,
    JobAsked,
    JobCreate,
    JobCreated,
    JobFilter,
    JobQuery,
    JobStatus,
)
from shared.schemas.queues import QueueSettings
from shared.vault import masked

_NEW_QUEUE = QueueSettings().model_dump_json()
_STATES = [state.value for state in JobFilter if state != JobFilter.ALL]
_FAILED = ["failed", "retrying", "dead_lettered"]
_MANY = {JobFilter.ALL: _STATES, JobFilter.FAILED: _FAILED}
_FINAL = {
    "completed": FinalStatus.SUCCESS,
    "retrying": FinalStatus.RETRYING,
    "dead_lettered": FinalStatus.DEAD_LETTERED,
}
_TOO_LATE = "The expires_at field must be later than now and the delay."
_BATCH = 250
"""Jobs a script: more would hold Redis up for too long."""


@dataclass(frozen=True, slots=True)
class Made:
    """A job that was stored, now or before under the same idempotency key."""

    id: int
    queue_id: int
    scheduled_at: datetime
    is_replayed: bool
    is_paused: bool
    """Its queue is, so that it waits."""


async def create(redis: Redis, team: Team, asked: JobAsked, now: int | None = None) -> JobCreated:
    """Store a job and make it due; its queue is made if it is new. `now` in ms, else the server's clock."""
    (made,) = await create_many(redis, team, [asked], now=now)
    return created(asked, made)


def created(asked: JobAsked, made: Made, warnings: Sequence[str] = ()) -> JobCreated:
    """The answer to a new job over MCP."""
    return JobCreated(
        id=made.id,
        queue_id=made.queue_id,
        queue_name=asked.queue,
        url=asked.url,
        method=asked.method,
        status=JobStatus.PENDING,
        scheduled_at=made.scheduled_at,
        warnings=tuple(warnings),
    )


async def create_many(
    redis: Redis, team: Team, asked: Sequence[JobAsked], key: str = "", now: int | None = None
) -> list[Made]:
    """Store jobs in order, 250 a round trip.

    What was stored under the idempotency key within 24 h is not stored again. Raises Conflict if the key was
    used for something else, and Invalid if a job would expire before it could start.
    """
    rows = [_row(job) for job in asked]
    digest = _digest(repr(rows)) if key else ""
    rows = [(*row, _digest(f"{key}\n{number}") if key else "", digest) for number, row in enumerate(rows)]
    made = []
    for start in range(0, len(rows), _BATCH):
        flat = [part for row in rows[start : start + _BATCH] for part in row]
        stored = await scripts.create_jobs(
            redis, team.prefix, team.id, "" if now is None else now, _NEW_QUEUE, *flat
        )
        if stored is None:
            raise Conflict("The idempotency key was used for another request; take a new one.")
        if isinstance(stored, int):
            raise Invalid("expires_at", _TOO_LATE)
        made += stored
    return [
        Made(job_id, queue_id, clock.moment(due), bool(before), bool(paused))
        for job_id, queue_id, due, before, paused in made
    ]


def _row(asked: JobAsked) -> tuple[str | int, ...]:
    spec = asked.model_dump_json(exclude_defaults=True, exclude={"queue", "expires_at"})
    expires = asked.expires_at if isinstance(asked, JobCreate) else None
    callback = "1" if asked.callback_url else ""
    return asked.queue, spec, asked.delay * 1000, callback, clock.milliseconds(expires) if expires else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_expiry(asked: JobCreate) -> None:
    """Raises Invalid if the job would expire before it could start, by our own clock."""
    earliest = clock.milliseconds(clock.now()) + asked.delay * 1000
    if asked.expires_at and clock.milliseconds(asked.expires_at) <= earliest:
        raise Invalid("expires_at", _TOO_LATE)


async def get(redis: Redis, team: Team, job_id: int) -> Job:
    found = await read(redis, team, [job_id])
    if not found:
        raise NotFound("Job")
    return found[0]


async def read(redis: Redis, team: Team, ids: Sequence[int], *, with_runs: bool = True) -> list[Job]:
    """The jobs of these ids, in their order, without those that are not there."""
    rows = await scripts.read_jobs(redis, team.prefix, team.id, int(with_runs), *ids)
    return [
        _job(int(job_id), records.fields_of(flat), spec, queue, run)
        for job_id, flat, spec, queue, run in rows
    ]


async def page(redis: Redis, team: Team, query: JobQuery) -> Page[Job]:
    """Jobs newest first, by status and queue; a search looks in the URL."""
    states = _MANY.get(query.filter, [query.filter])
    owner = f"q{query.queue_id}:" if query.queue_id else ""
    listing = pages.Listing(
        [f"x:{team.id}:{owner}{state}" for state in states],
        read=lambda ids: read(redis, team, ids),
        matches=lambda job, text: words.contains(text, job.url),
        look=lambda ids: read(redis, team, ids, with_runs=False),
    )
    return await pages.read_page(redis, team, listing, query)


async def cancel(redis: Redis, team: Team, job_id: int) -> Job:
    """Cancel a job that waits or runs; a running one is broken off by its worker within moments.

    Raises Conflict if it has ended already.
    """
    before = await scripts.cancel_job(redis, team.prefix, team.id, job_id, "")
    if not before:
        raise NotFound("Job")
    if before not in ("pending", "processing"):
        raise Conflict("The job has ended; there is nothing to cancel.")
    return await get(redis, team, job_id)


async def delete(redis: Redis, team: Team, job_id: int) -> None:
    """Delete a job with its run, its chain and its pending retries; a request in flight may still end."""
    if not await scripts.delete_job(redis, team.prefix, team.id, job_id):
        raise NotFound("Job")


def _job(job_id: int, fields: Fields, spec: str, queue: str, run: str | None) -> Job:
    asked = from_json(spec)
    status, final = _status(fields)
    return Job(
        id=job_id,
        url=asked["url"],
        method=asked.get("method", "POST"),
        headers=masked(asked.get("headers")),
        payload=asked.get("payload"),
        callback_url=asked.get("callback_url"),
        queue=queue,
        queue_id=int(fields["queue"]),
        status=status,
        final_status=final,
        attempt_number=int(fields["attempt"]),
        is_retry="origin" in fields,
        delay_seconds=0 if "replay_of" in fields else asked.get("delay", 0),
        scheduled_at=clock.moment(fields["due"]),
        created_at=clock.moment(fields["created"]),
        run=records.run(run),
        original_job_id=int(fields["origin"]) if "origin" in fields else None,
        has_pending_retry="pending_retry" in fields,
        dead_lettered_at=records.instant(fields, "dead_at"),
        callback_status=records.callback_status(fields),
        waits_for=fields.get("waits_for") if status == JobStatus.PENDING else None,
        expires_at=records.instant(fields, "expires"),
        replay_of=int(fields["replay_of"]) if "replay_of" in fields else None,
        replayed_as=int(fields["replayed_as"]) if "replayed_as" in fields else None,
    )


def _status(fields: Fields) -> tuple[JobStatus, FinalStatus | None]:
    state = fields["state"]
    final = FinalStatus(fields["final"]) if state == "failed" else _FINAL.get(state)
    return (JobStatus.FAILED if state in _FAILED else JobStatus(state)), final
