"""A job's way: its attempts with the waits between, and where the time of one of them went."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.api.pages import words
from services.api.pages.work.words import outcome, took
from shared.schemas.jobs import Job, JobStatus
from shared.schemas.runs import ConnectionUse, FailureReason, Phases, Run

_PHASES = (
    ("waited_ms", "Waited in queue", "m-soft"),
    ("dns_ms", "Name looked up", "m-run"),
    ("connect_ms", "Connected", "m-run"),
    ("tls_ms", "TLS agreed", "m-run"),
    ("sent_ms", "Sent", "m-run"),
    ("first_byte_ms", "First byte", "m-run"),
    ("body_ms", "Body", "m-run"),
)
_LEAST = 0.5
"""Percent of the width that a phase has at least, so that it is seen."""
_SAID = {
    "dns_ms": "Looking up the name took",
    "connect_ms": "Connecting took",
    "tls_ms": "Agreeing on TLS took",
    "sent_ms": "Sending the request took",
    "first_byte_ms": "The target took",
    "body_ms": "Reading the answer took",
}


class Bar(NamedTuple):
    """A phase: from where to where of the whole, in percent."""

    name: str
    mark: str
    start: float
    width: float
    ms: int


class Fall(NamedTuple):
    """The phases of a run, and a sentence that says where the time went."""

    bars: list[Bar]
    sentence: str


def fall(run: Run | None) -> Fall | None:
    """The longest phase of the request stands in ink; None where no connection was wanted."""
    if run is None or run.phases is None:
        return None
    found = [(name, said, mark, getattr(run.phases, name)) for name, said, mark in _PHASES]
    whole = sum(ms or 0 for *_, ms in found) or 1
    longest = max(_SAID, key=lambda name: getattr(run.phases, name) or 0)
    bars, start = [], 0.0
    for name, said, mark, ms in found:
        if ms is None:
            continue
        width = 100 * ms / whole
        place = min(start, 100 - _LEAST)
        bars.append(Bar(said, "m-ink" if name == longest else mark, place, max(width, _LEAST), ms))
        start += width
    return Fall(bars, _sentence(run, run.phases, longest))


def _sentence(run: Run, phases: Phases, longest: str) -> str:
    ms = getattr(phases, longest) or 0
    said = f"{_SAID[longest]} {took(ms)} of {took(run.duration_ms or 0)}." if ms else ""
    if run.address:
        how = "anew" if run.connection == ConnectionUse.NEW else "by a connection that was kept"
        said += f" It was connected to {run.address} {how}"
        said += f", by worker {run.worker}." if run.worker else "."
    return said.strip()


def began(job: Job) -> datetime:
    """When an attempt was sent, or is due."""
    return job.run.started_at if job.run and job.run.started_at else job.scheduled_at


def ended(job: Job) -> datetime | None:
    return job.run.executed_at if job.run else None


class Step(NamedTuple):
    """An attempt, and how long it came after what was before."""

    job: Job
    wait_ms: float


def way(jobs: Sequence[Job]) -> list[Step]:
    """The attempts in their order; the first waited from when it was made."""
    steps, before = list[Step](), jobs[0].created_at if jobs else None
    for job in jobs:
        wait = (began(job) - before).total_seconds() * 1000 if before else 0
        steps.append(Step(job, max(0, wait)))
        before = ended(job) or job.created_at
    return steps


def summary(jobs: Sequence[Job], now: datetime) -> str:
    """What became of the job, in a sentence."""
    last, sent = jobs[-1], [one for one in jobs if one.run is not None]
    count = words.count(len(sent), "attempt")
    end = ended(last)
    if last.status == JobStatus.PROCESSING:
        return f"Attempt {last.attempt_number} runs since {took(_ms(began(last), now))}"
    if last.status == JobStatus.PENDING:
        return _waiting(last, count if sent else "", now)
    if last.status == JobStatus.COMPLETED:
        return f"{count}, the last one answered {outcome(last.run)} in {_lasted(jobs, end)}"
    if last.run and last.run.failure_reason == FailureReason.CANCELLED:
        return "Nothing more is sent"
    if last.run and last.run.failure_reason == FailureReason.EXPIRED:
        return "It waited longer than its expiry, and was not sent"
    return f"{count} in {_lasted(jobs, end)}, none succeeded"


def _waiting(job: Job, before: str, now: datetime) -> str:
    if job.waits_for:
        return f"It waits until {job.waits_for} answers again"
    start = f"{f'{before}; ' if before else ''}attempt {job.attempt_number} starts"
    start = start[0].upper() + start[1:]
    wait = _ms(now, job.scheduled_at)
    return f"{start} in {took(wait)}" if wait else f"{start} when its queue has room"


def _lasted(jobs: Sequence[Job], end: datetime | None) -> str:
    return took(_ms(jobs[0].created_at, end)) if end else "no time"


def _ms(first: datetime, second: datetime) -> float:
    return max(0.0, (second - first).total_seconds() * 1000)
