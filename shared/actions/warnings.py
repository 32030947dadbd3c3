"""Warnings about accepted input that will not do what was meant; they are never a reason to refuse it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import cron_records, explain, job_records, notifications, queues
from shared.actions.jobs import QueuedJob
from shared.basics import words
from shared.errors import Damaged
from shared.schemas.base import Method
from shared.schemas.crons import Cron, CronMade, CronMode, CronWithWarnings
from shared.schemas.jobs import Job, JobCreate, JobSpec
from shared.schemas.queues import Queue, QueueWithWarnings
from shared.security.vault import is_secret
from shared.store import moments, stored, transitions
from shared.store.connection import AWAY
from shared.store.keyspace import Team

FEW = 2
"""If fewer fires than this are left before `ends_at`, it may be a mistake."""
LONG = timedelta(days=366)
AGAIN, CRONS_BEFORE, JOBS_BEFORE = timedelta(minutes=1), 5, 20
"""Within what time the same made twice may be a mistake, and how many made before it are compared."""
NEW_QUEUES, SHOWN = 5, 80
"""How many of one call are compared with the names there are, and characters of one."""
_NEVER_JSON = re.compile("x-www-form-urlencoded|multipart/|xml|html", re.IGNORECASE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def saved_cron(redis: Redis, team: Team, cron: Cron) -> CronWithWarnings:
    """The answer to a write of a cron, with its warnings."""
    before = cron.warnings if isinstance(cron, CronWithWarnings) else ()
    is_made = isinstance(cron, CronMade)
    found = (
        *before,
        *of_cron(cron, await _now(redis, team)),
        *(await unheard(redis, team, "alert_threshold") if cron.alert_threshold else ()),
        *(await _cron_again(redis, team, cron) if is_made else ()),
    )
    kind = CronMade if is_made else CronWithWarnings
    return kind(**{**dict(cron), "warnings": found})


async def saved_queue(redis: Redis, team: Team, queue: Queue, *, is_new: bool = False) -> QueueWithWarnings:
    """The answer to a write of a queue, with its warnings."""
    slips = await _slips(redis, team, [queue.name] if is_new else ())
    unread = await unheard(redis, team, "alerts_enabled") if queue.alerts_enabled else ()
    found = (*of_queue(queue), *slips.values(), *unread)
    return QueueWithWarnings(**dict(queue), warnings=found)


async def made_jobs(
    redis: Redis, team: Team, jobs: Sequence[JobSpec], made: Sequence[QueuedJob]
) -> list[tuple[str, ...]]:
    """Those of each job that was made; storage is asked only about queues that are new."""
    pairs = list(zip(jobs, made, strict=True))
    slips = await _slips(redis, team, dict.fromkeys(job.queue for job, one in pairs if one.queue_is_new))
    return [
        (*of_job(job, is_paused=one.is_paused), *([slips[job.queue]] if job.queue in slips else ()))
        for job, one in pairs
    ]


async def job_again(redis: Redis, team: Team, job_id: int) -> list[str]:
    """Whether the same job was made just before.

    It costs a read, and programs mean the same job twice often: this is for agents, which repeat calls.
    """
    ids = range(job_id, max(0, job_id - JOBS_BEFORE - 1), -1)
    try:
        rows = await transitions.read_jobs(redis, team, ids, with_runs=False, most_bytes=stored.LIST_BYTES)
    except AWAY:
        return []
    found = [
        job for job in map(job_records.excerpt_of, rows) if job.attempt_number == 1 and not job.replay_of
    ]
    return _again("Job", found, _SAME_JOB) if found and found[0].id == job_id else []


async def _cron_again(redis: Redis, team: Team, cron: Cron) -> list[str]:
    ids = range(cron.id, max(0, cron.id - CRONS_BEFORE - 1), -1)
    try:
        found = await cron_records.excerpts_of(redis, team, ids)
    except AWAY:
        return []
    return _again("Cron", found, _SAME_CRON) if found and found[0].id == cron.id else []


def _again(noun: str, found: Sequence[Cron] | Sequence[Job], fields: Sequence[str]) -> list[str]:
    """Whether one of those made before the first is the same."""
    new, *others = found
    for other in others:
        after = new.created_at - other.created_at
        alike = all(getattr(new, name) == getattr(other, name) for name in fields)
        if alike and timedelta() <= after <= AGAIN and _starts_alike(new, other):
            return [
                f"{noun} {other.id} is the same and was made {after.total_seconds():.0f} s before: if this "
                "repeats it, delete one of them. With an idempotency key a repeat does nothing twice."
            ]
    return []


def _starts_alike(new: Cron | Job, other: Cron | Job) -> bool:
    """Whether two jobs start at one moment, or each so long after it was made."""
    if not (isinstance(new, Job) and isinstance(other, Job)):
        return True
    waits = (new.scheduled_at - new.created_at) - (other.scheduled_at - other.created_at)
    return new.scheduled_at == other.scheduled_at or abs(waits) < timedelta(seconds=1)


_SAME_JOB = (
    "url",
    "method",
    "headers",
    "payload",
    "body",
    "queue_id",
    "callback_url",
    "delay_seconds",
    "key",
)
_SAME_CRON = ("name", "url", "method", "headers", "payload", "cron_expression", "timezone", "callback_url")


async def _slips(redis: Redis, team: Team, new: Collection[str]) -> dict[str, str]:
    """Of each queue that is new and whose name is almost that of another, what to say of it."""
    if not new:
        return {}
    try:
        known = await queues.names(redis, team)
    except AWAY:
        return {}
    near = {
        name: next((other for other in known if words.is_slip(name, other)), None)
        for name in [*new][:NEW_QUEUES]
    }
    return {
        name: f"The queue {name[:SHOWN]} is new, and {other[:SHOWN]} is almost the same name: if that was "
        "meant, delete this one and use it."
        for name, other in near.items()
        if other
    }


_NO_CHANNEL = (
    "{} is set, and the team has no alert channel: nobody will be notified. Set one up with "
    "PUT /api/settings/notifications."
)


async def _now(redis: Redis, team: Team) -> datetime:
    try:
        return await moments.now(redis, team.shard)
    except AWAY:  # as below; for advice our own clock is good enough
        return clock.now()


async def unheard(redis: Redis, team: Team, field: str) -> list[str]:
    """Whether nobody hears of the alerts that the field asks for."""
    try:
        return [] if await notifications.has_channel(redis, team) else [_NO_CHANNEL.format(field)]
    except (Damaged, *AWAY):  # the write is done: failing advice must not make it look lost
        return []


def of_cron(cron: Cron, now: datetime) -> list[str]:
    return [*_of_its_fires(cron, now), *(_of_its_requests(cron) if cron.mode is CronMode.REQUEST else ())]


def of_queue(queue: Queue) -> list[str]:
    if queue.is_active:
        return []
    return ["The queue is paused: its jobs wait until is_active is true."]


def of_job(job: JobSpec, *, is_paused: bool) -> list[str]:
    has_body = job.payload is not None or bool(job.body)
    found = [*_of_request(job.method, job.url, job.headers or {}, has_body=has_body)]
    if job.callback_url == job.url:
        found.append(_CALLS_BACK)
    type_ = _content_type(job.headers)
    if job.body and type_:
        found += _of_content("body", job.body, type_)
    if isinstance(job, JobCreate) and job.at and job.at <= clock.now():
        found.append("The moment of the at field has passed: the job starts at once.")
    if is_paused:
        found.append(f"The queue {job.queue} is paused: the job waits until the queue's is_active is true.")
    return found


_CALLS_BACK = "callback_url is the url itself: every outcome goes to the endpoint that was just called."


def _of_its_fires(cron: Cron, now: datetime) -> Iterator[str]:
    if cron.problem:
        yield cron.problem
        return
    if not cron.is_active:
        yield "It is paused: it will not fire until is_active is true."
    elif cron.next_run_at is None:
        yield "It has ended: no fire is left. Give a later ends_at, or more max_runs."
    elif cron.max_runs is None and cron.ends_at and len(cron.next_runs) <= FEW:
        yield f"Before its ends_at it fires only at {' and '.join(map(_iso, cron.next_runs))}."
    elif cron.next_run_at - now > LONG:
        yield f"It fires first at {_iso(cron.next_run_at)}, more than a year from now."
    if cron.next_run_at or not cron.is_active:
        yield from explain.pitfalls(explain.of_cron(cron), now)


def _of_its_requests(cron: Cron) -> Iterator[str]:
    headers = cron.headers or {}
    yield from _of_request(cron.method, cron.url, headers, has_body=bool(cron.payload))
    if cron.callback_url == cron.url:
        yield _CALLS_BACK
    if any(name.lower() == "idempotency-key" for name in headers):
        yield (
            "Every fire carries the same Idempotency-Key: a receiver that deduplicates does only the first. "
            "Leave the header out: Recuro sends a key of its own with each."
        )
    type_ = _content_type(headers)
    if cron.payload and type_:
        yield from _of_content("payload", cron.payload, type_)


def _of_request(method: Method, url: str, headers: Mapping[str, str], *, has_body: bool) -> Iterator[str]:
    if has_body and method in (Method.GET, Method.DELETE):
        yield f"A {method} with a body: it is sent, and many servers ignore it. Is POST meant?"
    parts = urlsplit(url)
    secret = next((name for name in headers if is_secret(name)), None)
    if parts.scheme.lower() == "http" and secret and parts.hostname not in _LOOPBACK:
        yield f"The {secret} header goes over http://, for all on the way to read; use https:// if you can."


def _of_content(field: str, text: str, type_: str) -> Iterator[str]:
    """Where the text is not what its content type says."""
    try:
        is_json = isinstance(from_json(text), dict | list)
    except ValueError:
        if "json" in type_.lower():
            yield f"The {field} is no JSON, and the Content-Type header says {type_[:80]}."
        return
    if is_json and _NEVER_JSON.search(type_):
        yield f"The {field} is JSON, and the Content-Type header says {type_[:80]}."


def _content_type(headers: Mapping[str, str] | None) -> str | None:
    return next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), None)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
