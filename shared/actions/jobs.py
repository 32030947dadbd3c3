"""What a caller can do to jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.actions.accounts import reach
from shared.actions.job_records import FAILED, STATES, excerpt_of, of_row
from shared.actions.redaction import of_jobs
from shared.actions.searches import jobs as searches
from shared.actions.searches import looks
from shared.actions.searches.jobs import NOTHING_BESIDE, Beside
from shared.actions.searches.looks import LookedJob
from shared.basics import words
from shared.basics.search import Search
from shared.basics.spelling import Spelled
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.runtime.waiting.waits import Sought
from shared.schemas.base import Page
from shared.schemas.jobs import Job, JobCreate, JobFilter, JobQuery, JobSpec, JobUpdate
from shared.schemas.kinds import Kind
from shared.schemas.queues import QueueSettings
from shared.store import connection, keyspace, likely, makers, moments, paging, records, stored, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below, CreatedJob, NewJob, OtherRules, Seen

_NEW_QUEUE = QueueSettings().model_dump_json()
_MANY = {JobFilter.ALL: STATES, JobFilter.FAILED: FAILED}
_NOT_OF_SPEC = {"queue", "at", "expires_at", "key"}
_LONGEST_WAIT = timedelta(days=366)  # as `create_jobs` has it
_BATCH = 250
"""Jobs a transition: more would block Redis for too long."""
_ATTEMPTS = 5
"""Meanwhile somebody else may change what is not kept of a queue's requests."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that was stored, now or before under the same idempotency key."""

    id: int
    queue_id: int
    scheduled_at: datetime
    is_paused: bool
    """Whether its queue is paused, so that the job waits."""
    queue_is_new: bool = False
    """Whether its queue was made for it."""


class NotMade(NamedTuple):
    """A job that is not made, by the field that is wrong and what to do."""

    field: str
    sentence: str


_NOT_MADE: Mapping[str, NotMade] = {
    "late": NotMade("expires_at", "The expires_at field must be later than now and the delay."),
    "far": NotMade("at", "The at field must be at most a year ahead."),
}


async def create(call: Call, job: JobSpec, now_ms: int | None = None) -> QueuedJob:
    """Store a job and make it due; its queue is made if it is new."""
    (made,) = await create_many(call, [job], now_ms)
    return made


async def create_many(call: Call, jobs: Sequence[JobSpec], now_ms: int | None = None) -> list[QueuedJob]:
    """Store jobs in order; raises Invalid if one would expire before it starts, or start in over a year."""
    made = []
    for one in await create_each(call, jobs, now_ms):
        if isinstance(one, NotMade):
            raise Invalid(one.field, one.sentence)
        made.append(one)
    return made


async def create_each(
    call: Call, jobs: Sequence[JobSpec], now_ms: int | None = None
) -> list[QueuedJob | NotMade]:
    """Store jobs in order, 250 a round trip; some may not be made, and do not stop the others."""
    if not jobs:
        return []
    async with call.counting_runs(len(jobs)):  # a refusal of the first ones is one of all
        made = [_queued(row) for row in await _stored(call, jobs[:_BATCH], now_ms, 0)]
    for step, start in enumerate(range(_BATCH, len(jobs), _BATCH), 1):
        with connection.begun():
            made += [_queued(row) for row in await _stored(call, jobs[start : start + _BATCH], now_ms, step)]
    return made


async def _stored(
    call: Call, jobs: Sequence[JobSpec], now_ms: int | None, step: int
) -> Sequence[CreatedJob | Literal["late", "far"]]:
    """Store jobs of at most one batch: without what their queues' rules name, which the storage knows."""
    rules: Mapping[str, str] = {}
    for _ in range(_ATTEMPTS):
        rows = await transitions.create_jobs(
            call.redis,
            call.team,
            [_new(job, rules.get(job.queue, ""), call) for job in jobs],
            settings=_NEW_QUEUE,
            now_ms=now_ms,
            write=call.write(_said_of(jobs)),
            step=step,
        )
        if not isinstance(rows, OtherRules):
            return rows
        rules = {**rules, **rows.by_queue}
    raise Conflict("What is not kept of the queue's requests is being changed by others; try again.")


async def would_be(call: Call, job: JobSpec) -> QueuedJob:
    """What `create` would do now, with 0 for an id that is not there yet; nothing is kept. Raises Invalid."""
    known = await call.redis.hget(keyspace.queue_names(call.team), job.queue)  # type: ignore[misc]
    rows = await transitions.read_queues(call.redis, call.team, [int(known)]) if known else []
    at = _start_of(job, await moments.now(call.redis, call.team.shard))
    if not rows:
        return QueuedJob(0, 0, at, is_paused=False, queue_is_new=True)
    is_paused = records.fields_of(rows[0].fields).get("is_active") == "0"
    return QueuedJob(0, int(rows[0].id), at, is_paused)


def _start_of(job: JobSpec, now: datetime) -> datetime:
    at = now + timedelta(seconds=job.delay)
    if isinstance(job, JobCreate):
        at = max(at, job.at or at)
        if job.expires_at and job.expires_at <= at:
            raise Invalid(*_NOT_MADE["late"])
    if at > now + _LONGEST_WAIT:
        raise Invalid(*_NOT_MADE["far"])
    return at


def _queued(row: CreatedJob | Literal["late", "far"]) -> QueuedJob | NotMade:
    if isinstance(row, str):
        return _NOT_MADE[row]
    return QueuedJob(row.id, row.queue_id, clock.moment(row.due_ms), row.is_paused, row.queue_is_new)


def _said_of(jobs: Sequence[JobSpec]) -> str:
    """What the audit trail says of new jobs: of several only their queues."""
    if len(jobs) == 1:
        return audit.made(queue=jobs[0].queue, method=jobs[0].method, url=jobs[0].url)
    return audit.made(queue=", ".join(dict.fromkeys(job.queue for job in jobs)))


def _new(job: JobSpec, rules: str, call: Call) -> NewJob:
    spec = job.model_dump_json(exclude_defaults=True, exclude=_NOT_OF_SPEC)
    if rules:
        kept = of_jobs.kept(_fields_of(job), of_jobs.rules_in(rules), call.vault, call.team.id)
        spec = stored.spec(kept)
    elif isinstance(job.payload, Spelled) or len(spec) > stored.LONG_CHARACTERS:
        spec = stored.spec(_fields_of(job))
    at, expires, key = (job.at, job.expires_at, job.key) if isinstance(job, JobCreate) else (None,) * 3
    at_ms, expires_ms = (clock.milliseconds(moment) if moment else None for moment in (at, expires))
    starts = (job.delay * 1000, at_ms)
    return NewJob(
        job.queue, spec, *starts, bool(job.callback_url), expires_ms=expires_ms, rules=rules, key=key
    )


def _fields_of(job: JobSpec) -> dict[str, Any]:
    """Those of its spec."""
    fields = job.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_OF_SPEC) | {"method": job.method}
    if isinstance(job.payload, Spelled):
        fields["payload_json"] = job.payload.text
        del fields["payload"]
    return fields


async def get(redis: Redis, team: Team, job_id: int, maker: str | None = None) -> Job:
    """One job; where `maker` made it, which is likely of who asks, it costs one round trip."""
    whole = transitions.reading_jobs(team, [job_id], with_runs=True, most_bytes=0)
    rows, names = await likely.read(redis, team, whole, maker)
    if not rows:
        raise NotFound("Job")
    return (await makers.named(redis, team, [of_row(rows[0])], names))[0]


async def get_ended(call: Call, job_id: int, seconds: int, at: str = "") -> Job:
    """The same once its chain has ended, or after so many seconds; `at` is where the caller can ask on."""
    found = await call.wait(Sought(call.team, Kind.JOB, job_id, _read_whole), seconds, at)
    if found is None:
        raise NotFound("Job")
    return found


async def _read_whole(redis: Redis, team: Team, _owner: int, ids: Sequence[int]) -> list[Job]:
    return await read(redis, team, ids)


async def read(
    redis: Redis,
    team: Team,
    ids: Sequence[int],
    *,
    with_runs: bool = True,
    most_bytes: int = stored.WHOLE_BYTES,
    maker: str | None = None,
) -> list[Job]:
    """The jobs of these ids, in their order, without those that do not exist.

    With `most_bytes` no more than that is read of long texts, and the jobs are excerpts that say so.
    """
    reading = transitions.reading_jobs(team, ids, with_runs=with_runs, most_bytes=most_bytes)
    rows, names = await likely.read(redis, team, reading, maker)
    found = [excerpt_of(row) if most_bytes else of_row(row) for row in rows]
    return await makers.named(redis, team, found, names)


async def page(redis: Redis, team: Team, query: JobQuery, maker: str | None = None) -> Page[Job]:
    """Jobs newest first, by status and queue; a search looks in the URL.

    Where `maker` made them, which is likely of who asks, their names cost no round trip.
    """
    wanted = await searches.understood(redis, team, query.q)
    states = searches.states_of(wanted, _MANY.get(query.filter, [query.filter]))
    owner = f"{Kind.QUEUE}{query.queue_id}:" if query.queue_id else ""
    listing = paging.Listing(
        [f"x:{team.id}:{owner}{state}" for state in states],
        read=lambda ids: read(redis, team, ids, most_bytes=stored.LIST_BYTES, maker=maker),
        matches=lambda job, text: (not text or words.contains(text, job.url)) and wanted.finds(job),
        look=lambda below: looked_at(redis, team, below, wanted, Beside(query.search or "")),
        is_filtered=bool(wanted.terms),
    )
    return await paging.read_page(redis, team, listing, query)


async def looked_at(
    redis: Redis,
    team: Team,
    below: Below,
    wanted: Search[LookedJob],
    beside: Beside = NOTHING_BESIDE,
) -> Seen[LookedJob]:
    """Those jobs that may be looked for, as far as a search looks at them."""
    seen = await transitions.look_at_jobs(
        redis,
        team,
        below,
        wanted.hints(beside.words, [beside.reason] if beside.reason else []),
        with_specs=bool(beside.words) or not wanted.needs_only(searches.RUN),
        with_runs=beside.reason is not None or wanted.needs(searches.RUN),
        with_fields=beside.with_fields or wanted.needs(searches.FIELDS),
        with_makers=wanted.needs(looks.MAKER),
        most_bytes=stored.LIST_BYTES if wanted.needs(searches.PAYLOAD) else stored.LOOK_BYTES,
    )
    rows = await looks.named(redis, team, wanted, [LookedJob(row) for row in seen.rows])
    return Seen(seen.size, seen.last, seen.has_more, rows)


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
    return await makers.named_one(call.redis, call.team, of_row(row))


async def move(call: Call, job_id: int, update: JobUpdate) -> Job:
    """Let a job that waits start at another moment, by any id of its chain.

    Raises Conflict if it runs or has ended, Invalid if it would expire before, or wait for over a year.
    """
    await reach.check_queue(call, job_id)
    before = await get(call.redis, call.team, job_id)
    said = audit.changed("scheduled_at", before.scheduled_at.isoformat(), update.at.isoformat())
    at_ms = clock.milliseconds(update.at)
    row = await transitions.move_job(call.redis, call.team, job=job_id, at_ms=at_ms, write=call.write(said))
    if row is None:
        raise NotFound("Job")
    if row == "begun":
        raise Conflict("The job runs or has ended; only one that waits can be moved.")
    if row == "late":
        raise Invalid("at", "The at field must be earlier than the job's expires_at.")
    if row == "far":
        raise Invalid(*_NOT_MADE[row])
    return await makers.named_one(call.redis, call.team, of_row(row))


async def delete(call: Call, job_id: int) -> None:
    """Delete a job with its run, its chain and its pending retries; a request in flight may still end."""
    call.may_delete()
    await reach.check_queue(call, job_id)
    if not await transitions.delete_job(call.redis, call.team, job=job_id, write=call.write()):
        raise NotFound("Job")
