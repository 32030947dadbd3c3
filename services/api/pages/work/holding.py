"""What holds a queue back, in a sentence, and its last hour in figures."""

from typing import NamedTuple

from services.api.pages.work.words import plural, rate
from shared.schemas.queues import Queue
from shared.schemas.reports.stats import Percentiles, Stats


class LastHour(NamedTuple):
    """How many started and failed, how long they waited, and the starts of each minute as bars."""

    started: int
    failed: int
    wait_ms: Percentiles
    duration_ms: Percentiles
    bars: list[tuple[int, float]]
    """Starts, and how high that is of 30 px."""


def last_hour(found: Stats) -> LastHour:
    most = max((one.started for one in found.data), default=0) or 1
    return LastHour(
        found.total.started,
        found.total.failed,
        found.total.wait_ms,
        found.total.duration_ms,
        [(one.started, max(1.0, 28 * one.started / most)) for one in found.data[-60:]],
    )


def sentence(queue: Queue) -> str:
    """Why what waits does not start, as far as its settings and counts say it."""
    waiting, running = queue.counts.pending, queue.counts.processing
    if not queue.is_active:
        return f"It is paused. {plural(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}."
    if not waiting:
        return "Nothing waits."
    if queue.max_parallelism and running >= queue.max_parallelism:
        return f"{running:,} of {queue.max_parallelism:,} are in flight: the next starts when one ends."
    if queue.rate_limit:
        return f"Starts are limited to {rate(queue.rate_limit)}."
    if queue.key_max_parallelism or queue.key_rate_limit:
        return "Jobs of one key wait for each other."
    return "What waits is due later, or starts when a worker has room."
