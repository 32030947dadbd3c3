"""What the figures must come to, counted of what the targets got and of what each job and execution says."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from shared.basics.histogram import BOUNDS_MS
from tests.truth.play import RETRIES, Play, Seen

CRONS, IDLE, SYNC = "crons", "idle", "sync"
FIGURES = ("started", "completed", "failed", "retried", "skipped")
REASONS = {
    "error": ("http_server_error", 500),
    "flaky": ("http_server_error", 503),
    "gone": ("http_client_error", 404),
    "wrong": ("assertion_failed", 200),
}
Tally: TypeAlias = Counter[tuple[str, int, str]]
"""By what is counted: a queue, or crons; the minute; and the figure."""
Row: TypeAlias = Mapping[str, Any]
"""An answer, or a part of one."""


class Alike(NamedTuple):
    """What makes failures one problem; `of` is the queue's name or the cron's id."""

    of: str
    reason: str
    status: int | None
    host: str | None
    path: str | None


@dataclass(slots=True)
class Failures:
    """Those of a problem: in which minutes, of which originals, and how many chains they ended."""

    minutes: list[int] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    dead: int = 0


def outcome_of(seen: Seen) -> str:
    """`completed`, `retried` or `failed`, by what it was answered and how often its queue tries again."""
    if seen.is_good:
        return "completed"
    return "retried" if seen.attempt <= len(RETRIES.get(seen.of, ())) else "failed"


def tally(play: Play, executions: Iterable[Row]) -> Tally:
    """By the minute; what was skipped is known from the executions alone."""
    found: Tally = Counter()
    for seen in play.seen:
        of = CRONS if seen.cron else seen.of
        found[of, seen.minute, "started"] += 1
        found[of, seen.minute, outcome_of(seen)] += 1
    for minute in play.unreachable:
        found[SYNC, minute, "started"] += 1
    for minute in (*play.unreachable, *play.cancelled):
        found[SYNC, minute, "failed"] += 1
    for minute in play.expired:
        found[IDLE, minute, "failed"] += 1
    for one in executions:
        if one["status"] == "skipped":
            found[CRONS, minute_of(play, one["created_at"]), "skipped"] += 1
    return found


def minute_of(play: Play, moment: str) -> int:
    return int((datetime.fromisoformat(moment) - play.starts).total_seconds() // 60)


def summed(found: Tally, kinds: Iterable[str], minutes: range) -> dict[str, int]:
    return {
        figure: sum(found[kind, minute, figure] for kind in kinds for minute in minutes) for figure in FIGURES
    }


def failures(play: Play) -> Mapping[Alike, Failures]:
    """All problems that there must be."""
    found: dict[Alike, Failures] = defaultdict(Failures)
    for seen in play.seen:
        if seen.is_good:
            continue
        *_, ending, _ = seen.request.path.split("/")
        alike = Alike(seen.cron or seen.of, *REASONS[ending], seen.host, f"/{seen.of}/{ending}/{{id}}")
        found[alike].minutes.append(seen.minute)
        found[alike].jobs.append(seen.original)
        found[alike].dead += bool(RETRIES.get(seen.of)) and outcome_of(seen) == "failed"
    found[Alike(SYNC, "connection_error", None, play.nobody, "/sync/nobody/{id}")].minutes += play.unreachable
    found[Alike(IDLE, "expired", None, None, None)].minutes += play.expired
    return found


def bucket_of(ms: float) -> int:
    return sum(bound < ms for bound in BOUNDS_MS)


def measured_agree(figure: Row, exact: Sequence[int]) -> None:
    """As many as were measured, and each estimate in the bucket in which the exact value lies; or AssertionError."""
    assert figure["count"] == len(exact)
    values = sorted(exact)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        if not values:
            assert figure[name] is None
            continue
        value = values[math.ceil(share * len(values)) - 1]
        bucket = bucket_of(value)
        bounds = (0, *BOUNDS_MS, BOUNDS_MS[-1])
        assert bounds[bucket] <= figure[name] <= bounds[bucket + 1], f"{name} is {figure[name]}, not {value}"
