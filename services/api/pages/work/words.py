"""What pages of jobs, queues and dead letters say in words: states, reasons, spans of time and sizes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from services.api.pages import words
from services.api.pages.work.sparks import spark
from shared.schemas.accounts.makers import Maker
from shared.schemas.dead_letters import Replay, ReplayReason, ReplayState
from shared.schemas.jobs import FinalStatus, Job, JobStatus
from shared.schemas.queues import RateLimit
from shared.schemas.runs import FailureReason, Run


class Said(NamedTuple):
    """A state: its colour, its shape and its word."""

    colour: str
    icon: str
    text: str


_ENDED = {
    FinalStatus.RETRYING: Said("warn", "s-warn", "Retrying"),
    FinalStatus.DEAD_LETTERED: Said("bad", "s-bad", "Dead letter"),
    FinalStatus.SUCCESS: Said("ok", "s-ok", "Completed"),
}
_STANDS = {
    JobStatus.PENDING: Said("wait", "s-wait", "Waits"),
    JobStatus.PROCESSING: Said("run", "s-run", "Running"),
    JobStatus.COMPLETED: _ENDED[FinalStatus.SUCCESS],
    JobStatus.FAILED: Said("bad", "s-bad", "Failed"),
}
_CANCELLED = Said("idle", "s-skip", "Cancelled")
_REPLAYED = Said("idle", "s-skip", "Replayed")
REASONS = {
    FailureReason.TIMEOUT: "timeout",
    FailureReason.CONNECTION_ERROR: "no connection",
    FailureReason.DNS_ERROR: "name not found",
    FailureReason.SSL_ERROR: "TLS",
    FailureReason.HTTP_CLIENT_ERROR: "client error",
    FailureReason.HTTP_SERVER_ERROR: "server error",
    FailureReason.INVALID_URL: "invalid URL",
    FailureReason.ASSERTION_FAILED: "assertion failed",
    FailureReason.LIMIT_EXCEEDED: "limit exceeded",
    FailureReason.UNKNOWN: "unknown",
    FailureReason.BLOCKED_ADDRESS: "address blocked",
    FailureReason.REDIRECT: "redirect",
    FailureReason.RESPONSE_TOO_LARGE: "answer too large",
    FailureReason.EXPIRED: "expired",
    FailureReason.CANCELLED: "cancelled",
    FailureReason.NO_PING: "no ping",
    FailureReason.PING_FAILED: "ping failed",
}
_REPLAYS = {
    ReplayState.COLLECTING: Said("run", "s-run", "Collecting"),
    ReplayState.TRYING: Said("run", "s-run", "Sends one first"),
    ReplayState.RUNNING: Said("run", "s-run", "Running"),
    ReplayState.FINISHED: Said("ok", "s-ok", "All handed out"),
    ReplayState.STOPPED: Said("bad", "s-bad", "Stopped"),
    ReplayState.CANCELLED: Said("idle", "s-skip", "Stopped by hand"),
}
_WHY_ENDED = {
    ReplayReason.FAILURES: "It stopped because too many failed again. What is left stays a dead letter.",
    ReplayReason.FIRST_FAILED: "The one that was sent first failed, so no other was sent.",
    ReplayReason.FIRST_GONE: "The one that was sent first was deleted, so no other was sent.",
    ReplayReason.EXPECTED_COUNT: "Another number of dead letters was chosen than expected, so none was sent.",
    ReplayReason.INTERRUPTED: "It was interrupted while it collected, so none was sent.",
    ReplayReason.CANCELLED: "Somebody stopped it. What is left stays a dead letter.",
}
_BY = {"token": "token", "mcp": "agent", "replay": "replay"}


def state(job: Job) -> Said:
    """How a job stands, in a word."""
    if job.run and job.run.failure_reason == FailureReason.CANCELLED:
        return _CANCELLED
    if job.replayed_as:
        return _REPLAYED
    ended = _ENDED.get(job.final_status) if job.final_status else None
    return ended or _STANDS[job.status]


def outcome(run: Run | None) -> str:
    """What came of an attempt: 503, timeout."""
    if run is None:
        return ""
    if run.response_status and run.failure_reason not in _NOT_BY_STATUS:
        return str(run.response_status)
    return REASONS[run.failure_reason] if run.failure_reason else "done"


_NOT_BY_STATUS = frozenset(
    (FailureReason.ASSERTION_FAILED, FailureReason.RESPONSE_TOO_LARGE, FailureReason.CANCELLED)
)


def reason(found: FailureReason, status: int | None = None) -> str:
    """server error 503"""
    return f"{REASONS[found]} {status}" if status else REASONS[found]


def replay_state(replay: Replay) -> Said:
    return _REPLAYS[replay.state]


def why_ended(replay: Replay) -> str:
    return _WHY_ENDED[replay.reason] if replay.reason else ""


def took(milliseconds: int | float | None) -> str:
    """38 ms, 1.2 s, 3 h 31 min."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return span(milliseconds / 1000)


def span(seconds: float) -> str:
    """45 s, 1 min, 3 h 31 min, 2 days."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 172_800:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min")
    return f"{whole // 86_400} days"


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first} {unit} {second} {smaller}" if second else f"{first} {unit}"


def between(first: datetime, second: datetime) -> str:
    return took(max(0, (second - first) / timedelta(milliseconds=1)))


def at(moment: datetime, now: datetime) -> str:
    """10:12:33 today, 27 Nov 10:12 another day, 27 Nov 2025 another year; by the clock of `now`."""
    here = words.here(moment, now)
    if here.date() == now.date():
        return f"{here:%H:%M:%S}"
    return f"{here.day} {here:%b} {here:%H:%M}" if here.year == now.year else words.date(moment, now)


def number(value: int) -> str:
    return f"{value:,}"


def size(count: int) -> str:
    """312 bytes, 1.0 KB, 1.0 MB."""
    if count < 1000:
        return "1 byte" if count == 1 else f"{count} bytes"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def plural(value: int, noun: str) -> str:
    """1,204 jobs, 1 job."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def delays(seconds: Sequence[int]) -> str:
    """after 1 min, 30 min, 3 h"""
    return f"after {', '.join(span(one) for one in seconds)}" if seconds else "none"


def rate(limit: RateLimit | None) -> str:
    """3 in any 10 s"""
    return f"{limit.count:,} in any {span(limit.per_seconds)}" if limit else "no limit"


def maker(by: Maker | None) -> str:
    """Who made it: token “shop backend”."""
    if by is None:
        return "not known"
    name = f"“{by.name}”" if by.name else str(by.id or "")
    return f"{_BY[by.kind]} {name}".strip() if by.kind in _BY else by.name or "a former member"


def target(url: str) -> tuple[str, str]:
    """Host and path of a URL, as a request names them; what is none is all path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


FILTERS = {
    "at": at,
    "between": between,
    "delays": delays,
    "job_state": state,
    "maker": maker,
    "number": number,
    "outcome": outcome,
    "plural": plural,
    "rate": rate,
    "reason": reason,
    "replay_state": replay_state,
    "size": size,
    "spark": spark,
    "span": span,
    "target": target,
    "took": took,
    "why_ended": why_ended,
}
