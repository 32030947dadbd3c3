"""The lines of the report: where each number comes from, and whether more of it is better."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

from tests.bench.trial import Figures, Full


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `of` returns None if a contender has no such figure."""

    label: str
    of: Callable[[Figures], float | None]
    decimals: int = 0
    more_is_better: bool = False
    in_ratios: str = ""
    """Its name in the table of ratios; if empty, it is not there."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of work."""

    title: str
    rows: tuple[Row, ...]
    text: str = ""


def _percentile(nth: int) -> Callable[[Figures], float]:
    return lambda figures: quantiles(figures.dispatch_ms, n=100, method="inclusive")[nth - 1]


def _full(which: Callable[[Figures], Full | None], words: str) -> tuple[Row, ...]:
    """The lines that every full queue has."""

    def of(number: Callable[[Full], float]) -> Callable[[Figures], float | None]:
        return lambda figures: number(full) if (full := which(figures)) else None

    return (
        Row("Throughput, jobs/s", of(lambda f: f.jobs_per_second), 0, True, f"{words}: throughput"),
        Row("Worker CPU, µs per job", of(lambda f: f.worker_us)),
        Row(
            "Jobs per second of worker CPU",
            of(lambda f: 1e6 / max(f.worker_us, 1)),
            0,
            True,
            f"{words}: jobs per second of worker CPU",
        ),
        Row("Redis CPU, µs per job", of(lambda f: f.redis_us), 0, False, f"{words}: Redis CPU"),
        Row("Redis commands per job, those inside scripts too", of(lambda f: f.commands), 1),
        Row(
            "Redis socket reads per job (round trips)",
            of(lambda f: f.reads),
            2,
            False,
            f"{words}: round trips",
        ),
    )


TABLES = (
    Table(
        "One request a job, one worker",
        (
            *_full(lambda f: f.http, "Requests"),
            Row("Target's CPU, share of one core", lambda f: f.http.sink_busy, 2),
        ),
    ),
    Table(
        "No request, one worker",
        _full(lambda f: f.counting, "No request"),
        "The job counts itself in memory and ends: what is left is the queue.",
    ),
    Table(
        "One request a job, two workers",
        _full(lambda f: f.pair, "Two workers"),
        "Two workers, Redis, the target and the harness on the same cores: it shows that nobody gets in the way of "
        "the other, not how far it scales.",
    ),
    Table(
        "Making jobs",
        (
            Row(
                "One call a job, 64 at a time, jobs/s",
                lambda f: f.http.made_per_second,
                0,
                True,
                "Making jobs one by one",
            ),
            Row(
                "In batches of 500, jobs/s",
                lambda f: f.counting.made_per_second,
                0,
                True,
                "Making jobs in batches",
            ),
        ),
        "By the library function, in a process of its own, while the worker is stopped. Those of rq and dramatiq "
        "block, so it is one at a time. No number: no call of the library makes many jobs in one round trip.",
    ),
    Table(
        "Dispatch latency, ms",
        tuple(Row(f"p{nth}", _percentile(nth), 1, False, f"Dispatch latency p{nth}") for nth in (50, 95, 99)),
        "From the call that makes a job to its request at the target, with an idle queue and one job every 20 ms.",
    ),
    Table(
        "Memory of Redis, bytes per job",
        (
            Row("Waiting", lambda f: f.http.waiting_bytes, 0, False, "Memory of a waiting job"),
            Row("Finished, with what is kept of it", lambda f: f.http.finished_bytes),
        ),
    ),
    Table(
        "Idle",
        (
            Row("Worker CPU, ms per second", lambda f: f.idle.worker_ms if f.idle else None, 1),
            Row("Redis commands per second", lambda f: f.idle.commands if f.idle else None, 1),
        ),
        "Over 5 s, in the first round only.",
    ),
)
