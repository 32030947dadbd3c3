"""The figures as a page: medians side by side, and ratios within rounds."""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median, quantiles

from services.cli.embedded import Program
from tests.bench.contenders import BODY, CONCURRENCY, Arq, ArqDefault, Recuro
from tests.bench.trial import PACE_SECONDS, PACED_JOBS, Figures

Rounds = Sequence[dict[str, Figures]]
"""Per round, the figures of each contender that ran in it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: its label, where the number comes from, how many decimals it has."""

    label: str
    of: Callable[[Figures], float]
    decimals: int = 0


def percentile(figures: Figures, nth: int) -> float:
    return quantiles(figures.dispatch_ms, n=100, method="inclusive")[nth - 1]


RATE = Row("Throughput, jobs/s", lambda f: f.jobs_per_second)
WORKER = Row("Worker CPU, µs per job", lambda f: f.worker_us)
PER_CORE = Row("Jobs per second of worker CPU", lambda f: 1e6 / f.worker_us)
REDIS = Row("Redis CPU, µs per job", lambda f: f.redis_us)
PER_CPU = Row("Jobs per second of worker and Redis CPU", lambda f: 1e6 / (f.worker_us + f.redis_us))
COMMANDS = Row("Redis commands per job, those inside scripts too", lambda f: f.commands, 1)
READS = Row("Redis socket reads per job (round trips)", lambda f: f.reads, 2)
P50 = Row("Dispatch latency p50, ms", lambda f: percentile(f, 50), 1)
P95 = Row("Dispatch latency p95, ms", lambda f: percentile(f, 95), 1)
P99 = Row("Dispatch latency p99, ms", lambda f: percentile(f, 99), 1)
SINK = Row("Target's CPU, share of one core", lambda f: f.sink_busy, 2)
ROWS = (RATE, WORKER, PER_CORE, REDIS, PER_CPU, COMMANDS, READS, P50, P95, P99, SINK)
NAMES = (Recuro.name, Arq.name, ArqDefault.name)

HOW_TO_READ = """\
* One harness, one run: each round measures the contenders one after the other, every second round in reverse order,
  each with a worker process of its own, on a Redis of its own that starts empty, with the same settings
  (append-only file, fsync every second, unix socket), against the same target process on the loopback.
* The worker is stopped (SIGSTOP) while its jobs are enqueued, then continues. Throughput is counted at the target, from
  the first request to the last. CPU and counts run from there until the last result is in Redis.
* Dispatch latency is from the call that makes a job to its request at the target, the call included, with
  an idle queue and one job every {pace} ms. Each percentile is of one round's {paced} jobs; the table has the medians.
* Worker, Redis, target and harness share the machine's cores, so the rates are lower than on a machine with more cores;
  CPU per job and ratios travel better. Compare ratios of one run only, never figures of two runs.
* They do not do the same: Recuro judges the address of each request and keeps the job, its run with the response, its
  places in the listings, counters and events until they are pruned; arq keeps a function's result, for a minute here.
  Recuro moves work in batches, one script call for many jobs: more commands, few round trips.
* Recuro's log level is WARNING here; its default, INFO, writes one more line for each job. arq's worker logs nothing.
* Not measured: enqueuing (both make jobs one call at a time), slow targets, TLS, many queues or teams."""


def page(rounds: Rounds, jobs: int, program: Program, load: float) -> str:
    """Markdown; `load` is the load average before the first round."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"A job is a POST of {len(BODY)} bytes of JSON. The worker of Recuro beside arq's own worker and queue, both "
            f"with {CONCURRENCY} jobs at a time, uvloop and aiohttp.",
            "",
            f"* Command: `make bench ARGS='--rounds {len(rounds)} --jobs {jobs}'` (or `python -m tests.bench`), "
            "which wrote this page",
            f"* Date: {datetime.now(UTC):%Y-%m-%d}",
            f"* Machine: {machine(program)}; load average {load:.1f} before the start",
            "",
            *_table(rounds),
            "",
            "## Ratios",
            "",
            *_ratios(rounds),
            "",
            "## How to read this",
            "",
            HOW_TO_READ.format(pace=round(PACE_SECONDS * 1000), paced=PACED_JOBS),
            "",
        ]
    )


def machine(program: Program) -> str:
    """What the figures were made on, in words that name nobody's machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    server = f"{program.product} {'.'.join(map(str, program.version))}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("arq", "redis", "aiohttp", "uvloop"))
    return (
        f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, {server}, {libraries}"
    )


def _table(rounds: Rounds) -> list[str]:
    columns = [_runs(rounds, name) for name in NAMES]
    heads = [
        f"{name} ({f'median of {len(runs)}' if len(runs) > 1 else 'one run'})"
        for name, runs in zip(NAMES, columns, strict=True)
    ]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for row in ROWS:
        cells = [f"{median(map(row.of, runs)):,.{row.decimals}f}" for runs in columns]
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return lines


def _runs(rounds: Rounds, name: str) -> list[Figures]:
    return [figures[name] for figures in rounds if name in figures]


def _ratios(rounds: Rounds) -> list[str]:
    """Recuro against each arq, within rounds: lowest, median and highest."""
    lines = ["| Ratio within a round, median (lowest to highest) | " + " | ".join(NAMES[1:]) + " |"]
    lines.append("|---|---:|---:|")
    for text, row, up in (
        ("Throughput, Recuro : arq", RATE, True),
        ("Jobs per second of worker CPU, Recuro : arq", PER_CORE, True),
        ("Jobs per second of worker and Redis CPU, Recuro : arq", PER_CPU, True),
        ("Redis CPU per job, arq : Recuro", REDIS, False),
        ("Redis round trips per job, arq : Recuro", READS, False),
        ("Dispatch latency p50, arq : Recuro", P50, False),
        ("Dispatch latency p99, arq : Recuro", P99, False),
    ):
        cells = [
            _spread([_ratio(figures, name, row, up) for figures in _with(rounds, name)]) for name in NAMES[1:]
        ]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return lines


def _with(rounds: Rounds, name: str) -> list[dict[str, Figures]]:
    return [figures for figures in rounds if name in figures]


def _ratio(figures: dict[str, Figures], other: str, row: Row, ours_over: bool) -> float:
    ours, theirs = row.of(figures[Recuro.name]), row.of(figures[other])
    return ours / theirs if ours_over else theirs / ours


def _spread(ratios: list[float]) -> str:
    middle = f"{median(ratios):.2f}"
    return middle if len(ratios) == 1 else f"{middle} ({min(ratios):.2f} to {max(ratios):.2f})"
