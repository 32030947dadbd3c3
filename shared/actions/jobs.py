"""What a caller can do to jobs."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.actions.accounts import reach
from shared.basics import words
from shared.basics.spelling import Spelled
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schemas.base import Page
from shared.schemas.jobs import (
    FinalStatus,
    Job,
    JobCreate,
    JobCreated,
    JobFilter,
    JobQuery,
    JobSpec,
    JobStatus,
)
from shared.schemas.kinds import Kind
from shared.schemas.queues import QueueSettings
from shared.schemas.runs import Run
from shared.security.vault import masked
from shared.store import connection, excerpts, paging, records, stored, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import NewJob, StoredJob

_NEW_QUEUE = QueueSettings().model_dump_json()
_STATES = [state.value for state in JobFilter if state != JobFilter.ALL]
_FAILED = ["failed", "retrying", "dead_lettered"]
_MANY = {JobFilter.ALL: _STATES, JobFilter.FAILED: _FAILED}
_FINAL = {
    "completed": FinalStatus.SUCCESS,
    "retrying": FinalStatus.RETRYING,
    "dead_lettered": FinalStatus.DEAD_LETTERED,
}
TOO_LATE = "The expires_at field must be later than now and the delay."
KEPT_CHARACTERS = 65_536
"""How many characters of the request's body a run shows."""
_BATCH = 250
"""Jobs a transition: more would block Redis for too long."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that was stored, now or before under the same idempotency key."""

    id: int
    queue_id: int
    scheduled_at: datetime
    is_paused: bool
    """Whether its queue is paused, so that the job waits."""


async def create(call: Call, job: JobSpec, now_ms: int | None = None) -> JobCreated:
    """Store a job and make it due; its queue is made if it is new."""
    (made,) = await create_many(call, [job], now_ms)
    return created(job, made)


def created(job: JobSpec, made: QueuedJob, warnings: Sequence[str] = ()) -> JobCreated:
    """The answer to a new job over MCP."""
    return JobCreated(
        id=made.id,
        queue_id=made.queue_id,
        queue_name=job.queue,
        url=job.url,
        method=job.method,
        status=JobStatus.PENDING,
        scheduled_at=made.scheduled_at,
        warnings=tuple(warnings),
    )


async def create_many(call: Call, jobs: Sequence[JobSpec], now_ms: int | None = None) -> list[QueuedJob]:
    """Store jobs in order; raises Invalid if one would expire before it could start."""
    made = [one for one in await create_each(call, jobs, now_ms) if one]
    if len(made) < len(jobs):
        raise Invalid("expires_at", TOO_LATE)
    return made


async def create_each(
    call: Call, jobs: Sequence[JobSpec], now_ms: int | None = None
) -> list[QueuedJob | None]:
    """Store jobs in order, 250 a round trip; None is one that would expire before it could start."""
    await call.count_runs(len(jobs))
    made: list[QueuedJob | None] = []
    for step, start in enumerate(range(0, len(jobs), _BATCH)):
        batch = jobs[start : start + _BATCH]
        with connection.begun() if step else nullcontext():
            rows = await transitions.create_jobs(
                call.redis,
                call.team,
                [_new(job) for job in batch],
                settings=_NEW_QUEUE,
                now_ms=now_ms,
                write=call.write(_said_of(batch)),
                step=step,
            )
        made += [row and QueuedJob(*row[:2], clock.moment(row.due_ms), row.is_paused) for row in rows]
    return made


def _said_of(jobs: Sequence[JobSpec]) -> str:
    """What the audit trail says of new jobs: of several only their queues."""
    if len(jobs) == 1:
        return audit.made(queue=jobs[0].queue, method=jobs[0].method, url=jobs[0].url)
    return audit.made(queue=", ".join(dict.fromkeys(job.queue for job in jobs)))


def _new(job: JobSpec) -> NewJob:
    spec = job.model_dump_json(exclude_defaults=True, exclude={"queue", "expires_at"})
    if isinstance(job.payload, Spelled):
        rest = job.model_dump(mode="json", exclude_defaults=True, exclude={"queue", "expires_at", "payload"})
        spec = stored.spec({**rest, "method": job.method, "payload_json": job.payload.text})
    elif len(spec) > stored.LONG_CHARACTERS:
        rest = job.model_dump(mode="json", exclude_defaults=True, exclude={"queue", "expires_at"})
        spec = stored.spec({**rest, "method": job.method})
    expires = job.expires_at if isinstance(job, JobCreate) else None
    expires_ms = clock.milliseconds(expires) if expires else None
    return NewJob(job.queue, spec, job.delay * 1000, bool(job.callback_url), expires_ms)


async def get(redis: Redis, team: Team, job_id: int) -> Job:
    found = await read(redis, team, [job_id])
    if not found:
        raise NotFound("Job")
    return found[0]


async def read(
    redis: Redis,
    team: Team,
    ids: Sequence[int],
    *,
    with_runs: bool = True,
    most_bytes: int = stored.WHOLE_BYTES,
) -> list[Job]:
    """The jobs of these ids, in their order, without those that do not exist.

    With `most_bytes` no more than that is read of long texts, and the jobs are excerpts that say so.
    """
    rows = await transitions.read_jobs(redis, team, ids, with_runs=with_runs, most_bytes=most_bytes)
    return [_excerpt_of(row) if most_bytes else _of_row(row) for row in rows]


async def page(redis: Redis, team: Team, query: JobQuery) -> Page[Job]:
    """Jobs newest first, by status and queue; a search looks in the URL."""
    states = _MANY.get(query.filter, [query.filter])
    owner = f"{Kind.QUEUE}{query.queue_id}:" if query.queue_id else ""
    listing = paging.Listing(
        [f"x:{team.id}:{owner}{state}" for state in states],
        read=lambda ids: read(redis, team, ids, most_bytes=stored.LIST_BYTES),
        matches=lambda job, text: words.contains(text, job.url),
        look=lambda ids: read(redis, team, ids, with_runs=False, most_bytes=stored.LOOK_BYTES),
    )
    return await paging.read_page(redis, team, listing, query)


async def cancel(call: Call, job_id: int) -> Job:
    """Cancel a job that waits or runs, by any id of its chain; a running one is stopped within moments.

    Raises Conflict if it has ended already.
    """
    await reach.check_queue(call, job_id)
    row = await transitions.cancel_job(call.redis, call.team, job=job_id, write=call.write())
    if row is None:
        raise NotFound("Job")
    if row == "ended":
        raise Conflict("The job has ended; there is nothing to cancel.")
    return _of_row(row)


async def delete(call: Call, job_id: int) -> None:
    """Delete a job with its run, its chain and its pending retries; a request in flight may still end."""
    call.may_delete()
    await reach.check_queue(call, job_id)
    if not await transitions.delete_job(call.redis, call.team, job=job_id, write=call.write()):
        raise NotFound("Job")


def _of_row(row: StoredJob) -> Job:
    reader = Reader()
    spec, (ran, _) = reader.spec(row.spec), reader.run(row.run)
    return _job(int(row.id), records.fields_of(row.fields), spec.fields, _Around(row.queue, ran, reader))


def _excerpt_of(row: StoredJob) -> Job:
    reader = Reader()
    spec, (ran, unread) = reader.spec(row.spec), reader.run(row.run)
    job = _job(int(row.id), records.fields_of(row.fields), spec.fields, _Around(row.queue, ran, reader))
    return excerpts.of_job(job, [*spec.unread, *(f"run.{name}" for name in unread)])


class _Around(NamedTuple):
    """What belongs to a job outside its own record."""

    queue: str
    run: Run | None
    reader: Reader


def _job(job_id: int, fields: Fields, spec: dict[str, Any], around: _Around) -> Job:
    reader, (status, final) = around.reader, _status(fields, around.reader)
    payload = _payload(spec, reader)
    job = reader.model(
        Job,
        {
            "method": "POST",
            **spec,
            "url": spec.get("url", ""),
            "headers": masked(_headers(spec)),
            "payload": payload,
            "id": job_id,
            "queue": around.queue,
            "queue_id": fields["queue"],
            "status": status,
            "final_status": final,
            "attempt_number": reader.number(fields, "attempt", 1),
            "is_retry": "origin" in fields,
            "delay_seconds": 0 if "replay_of" in fields else spec.get("delay", 0),
            "scheduled_at": reader.made(fields, "due"),
            "created_at": reader.made(fields, "created"),
            "run": _with_body(around.run, spec, payload),
            **_chain(job_id, fields, reader),
            "waits_for": fields.get("waits_for") if status == JobStatus.PENDING else None,
            "callback_url": spec.get("callback_url"),
            "body": spec.get("body"),
            "timeout_seconds": spec.get("timeout_seconds"),
            "retry_delays": spec.get("retry_delays"),
            "idempotency_key": _key_of(_headers(spec) or {}, fields),
            "expires_at": reader.instant(fields, "expires"),
        },
    )
    return job if reader.problem is None else job.model_copy(update={"problem": reader.problem})


def _chain(job_id: int, fields: Fields, reader: Reader) -> dict[str, Any]:
    """The job's chain: its original, its retry, its replays, and how they ended."""
    replays = {name: fields.get(name) for name in ("replay_of", "replayed_as")}
    return {
        "original_job_id": fields.get("origin", job_id),
        "has_pending_retry": "pending_retry" in fields,
        "dead_lettered_at": reader.instant(fields, "dead_at"),
        "callback_status": records.callback_status(fields),
        **replays,
    }


def _headers(spec: Mapping[str, Any]) -> dict[str, str] | None:
    found = spec.get("headers")
    return found if isinstance(found, dict) else None


def _payload(spec: Mapping[str, Any], reader: Reader) -> Any:
    if "payload_json" not in spec:
        return spec.get("payload")
    try:
        return stored.read_payload(spec["payload_json"])
    except (ValueError, TypeError):
        reader.note("payload", "it is no JSON")
        return None


def _with_body(run: Run | None, spec: dict[str, Any], payload: Any) -> Run | None:
    """The run with the body that all attempts carry, if the request was sent."""
    if run is None or run.request_headers is None:
        return run
    text = spec.get("payload_json", spec.get("body") if payload is None else to_json(payload).decode())
    return run if text is None else run.model_copy(update={"request_body": text[:KEPT_CHARACTERS]})


def _key_of(headers: dict[str, str], fields: Fields) -> str | None:
    given = (value for name, value in headers.items() if name.lower() == "idempotency-key")
    return next(given, fields.get("intent"))


def _status(fields: Fields, reader: Reader) -> tuple[str, str | None]:
    """Status and final status of a stored state; a newer version may have stored one that is unknown here."""
    state = fields.get("state", "")
    if state not in _STATES:
        reader.note("state", f"{state[:20] or 'nothing'} is none that is known here")
        return JobStatus.FAILED, None
    final = fields.get("final") if state == "failed" else _FINAL.get(state)
    return (JobStatus.FAILED if state in _FAILED else JobStatus(state)), final
