"""Warnings about accepted input that will not do what was meant; they are never a reason to refuse it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import notifications
from shared.actions.explain import pitfalls
from shared.errors import Damaged
from shared.schemas.base import Method
from shared.schemas.crons import Cron, CronMade, CronMode, CronWithWarnings
from shared.schemas.explain import ExplainQuery
from shared.schemas.jobs import JobCreate, JobSpec
from shared.schemas.queues import Queue, QueueWithWarnings
from shared.schemas.timing import Timing
from shared.security.vault import is_secret
from shared.store import moments
from shared.store.connection import AWAY
from shared.store.keyspace import Team

FEW = 2
"""If fewer fires than this are left before `ends_at`, it may be a mistake."""
LONG = timedelta(days=366)
_NEVER_JSON = re.compile("x-www-form-urlencoded|multipart/|xml|html", re.IGNORECASE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def saved_cron(redis: Redis, team: Team, cron: Cron) -> CronWithWarnings:
    """The answer to a write of a cron, with its warnings."""
    before = cron.warnings if isinstance(cron, CronWithWarnings) else ()
    has_reader = cron.alert_threshold is None or await _has_channel(redis, team)
    found = (
        *before,
        *of_cron(cron, await _now(redis, team)),
        *([] if has_reader else [_NO_CHANNEL.format("alert_threshold")]),
    )
    kind = CronMade if isinstance(cron, CronMade) else CronWithWarnings
    return kind(**{**dict(cron), "warnings": found})


async def saved_queue(redis: Redis, team: Team, queue: Queue) -> QueueWithWarnings:
    """The answer to a write of a queue, with its warnings."""
    has_reader = not queue.alerts_enabled or await _has_channel(redis, team)
    found = (*of_queue(queue), *([] if has_reader else [_NO_CHANNEL.format("alerts_enabled")]))
    return QueueWithWarnings(**dict(queue), warnings=found)


_NO_CHANNEL = (
    "{} is set, and the team has no alert channel: nobody will be notified. Set one up with "
    "PUT /api/settings/notifications."
)


async def _now(redis: Redis, team: Team) -> datetime:
    try:
        return await moments.now(redis, team.shard)
    except AWAY:  # as below; for advice our own clock is good enough
        return clock.now()


async def _has_channel(redis: Redis, team: Team) -> bool:
    try:
        return await notifications.has_channel(redis, team)
    except (Damaged, *AWAY):  # the write is done: failing advice must not make it look lost
        return True


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
        given = {name: getattr(cron, name) for name in (*Timing.model_fields, *_ITS_TIMING)}
        yield from pitfalls(ExplainQuery(**given), now)


_ITS_TIMING = ("cron_expression", "timezone", "timeout_seconds")


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
