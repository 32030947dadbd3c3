"""What the pages of crons say of times, durations and outcomes, in words."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.api.pages import zones
from shared.schemas.crons import Cron, CronMode, Execution, ExecutionStatus
from shared.schemas.runs import FailureReason

LATE_MS = 1000
UNKNOWN = "\u2013"
"""Where there is no number."""
DAY = timedelta(days=1)
_FAILED = {
    FailureReason.TIMEOUT: "timeout",
    FailureReason.CONNECTION_ERROR: "no connection",
    FailureReason.DNS_ERROR: "name not found",
    FailureReason.SSL_ERROR: "TLS error",
    FailureReason.HTTP_CLIENT_ERROR: "client error",
    FailureReason.HTTP_SERVER_ERROR: "server error",
    FailureReason.BLOCKED_ADDRESS: "blocked address",
}


class State(NamedTuple):
    """A shape, the colour of its words, and the words."""

    icon: str
    tone: str
    words: str


class Moment(NamedTuple):
    """A time as it is shown: by the clock, with its zone for who looks closer, and for programs."""

    words: str
    title: str
    iso: str


def moment(at: datetime, now: datetime, zone: str) -> Moment:
    return Moment(wall(at, now, zone), whole(at, zone), at.isoformat(timespec="seconds"))


def wall(at: datetime, now: datetime, zone: str) -> str:
    """12:05, Sat 02:30, 1 Jan 06:00, 1 Jan 2031 06:00; with seconds if it is not at a whole minute."""
    here, today, time = zones.local(at, zone), zones.local(now, zone), clock(at, zone)
    if here.date() == today.date():
        return time
    if abs(here.date() - today.date()) < 7 * DAY:
        return f"{here:%a} {time}"
    year = "" if here.year == today.year or abs(at - now) < 180 * DAY else f" {here.year}"
    return f"{here.day} {here:%b}{year} {time}"


def dated(at: datetime, zone: str) -> str:
    """Fri 27 Nov 02:30"""
    here = zones.local(at, zone)
    return f"{here:%a} {here.day} {here:%b} {clock(at, zone)}"


def whole(at: datetime, zone: str) -> str:
    """Friday 27 November 2026, 02:30:00 Europe/Berlin"""
    here = zones.local(at, zone)
    return f"{here:%A} {here.day} {here:%B %Y}, {here:%H:%M:%S} {zone}"


def span(delta: timedelta) -> str:
    """28 s, 10 min, 14 h 25 min, 2 d 20 h, 34 d."""
    seconds = max(0, round(delta.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 90:
        return f"{seconds} s"
    if minutes < 90:
        return f"{minutes} min"
    if hours < 24:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    rest = hours % 24
    return f"{days} d {rest} h" if days < 7 and rest else f"{days} d"


def ahead(at: datetime, now: datetime) -> str:
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def took(milliseconds: float | None) -> str:
    """96 ms, 1.9 s, 48 s, 11 min; a dash for what is not known."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        seconds = milliseconds / 1000
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return span(timedelta(milliseconds=milliseconds))


def late(milliseconds: int) -> str:
    """0.1 s, 41 s, 95 min."""
    if milliseconds < 60_000:
        seconds = milliseconds / 1000
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return span(timedelta(milliseconds=milliseconds))


def state_of(cron: Cron) -> State:
    """How a cron is: it fails, is paused, has ended, or is well."""
    if cron.problem:
        return State("s-warn", "warn", "Damaged")
    if not cron.is_active:
        return State("s-idle", "idle", "Paused")
    if cron.consecutive_failures:
        is_silent = cron.mode is CronMode.HEARTBEAT
        return State("s-bad", "bad", "No ping" if is_silent else "Failing")
    if cron.has_ended:
        return State("s-skip", "skip", "Ended")
    if not cron.recent_executions:
        return State("s-wait", "wait", "Waiting for its first fire")
    return State("s-ok", "ok", "Healthy")


def outcome(execution: Execution) -> State:
    """What became of a fire."""
    run = execution.run
    match execution.status:
        case ExecutionStatus.COMPLETED:
            if execution.lateness_ms > LATE_MS:
                return State("s-warn", "warn", "Completed, late")
            return State("s-ok", "ok", "Completed")
        case ExecutionStatus.FAILED:
            reason = run.failure_reason if run else None
            words = _FAILED.get(reason, reason.replace("_", " ")) if reason else ""
            return State("s-bad", "bad", f"Failed: {words}" if words else "Failed")
        case ExecutionStatus.SKIPPED:
            return State("s-skip", "skip", f"Skipped: {execution.skip_reason or 'not known why'}")
        case ExecutionStatus.PROCESSING:
            return State("s-run", "run", "Running")
    return State("s-wait", "wait", "Waits")


def answer(execution: Execution) -> str:
    """What came back, on one line: 503 upstream pool exhausted."""
    run = execution.run
    if run is None:
        return ""
    if run.response_status is None:
        return run.error_message or ""
    body = " ".join((run.response_body or "").split())
    return f"{run.response_status} {body}"[:200].strip()


def place(url: str) -> str:
    """A URL without its scheme, as a list shows it."""
    return url.partition("://")[2] or url


def clock(at: datetime, zone: str) -> str:
    """02:30, or with seconds if it is not at a whole minute."""
    here = zones.local(at, zone)
    return f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
