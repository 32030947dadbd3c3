"""The figures as a page: medians side by side, and ratios within rounds."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

from services.cli.embedded import Program
from tests.bench.contenders import Contender
from tests.bench.feed import BODY, CONCURRENCY
from tests.bench.figures import TABLES, Row, Table
from tests.bench.large import FEW, MANY, QUEUES, Large
from tests.bench.trial import Figures

Rounds = Sequence[dict[str, Figures]]
"""Per round, the figures of each contender that ran in it."""
OURS, FLOOR = "Recuro", "floor"
DASH = "-"

HOW_TO_READ = """\
* One harness, one run: each round measures all contenders one after the other, every second round in reverse order.
  Each trial has worker processes of its own and a Redis of its own that starts empty, with the same settings
  (append-only file, fsync every second, unix socket), and the same target process on the loopback. 64 jobs go first
  to warm it up.
* The worker is stopped (SIGSTOP) while its jobs are made, then continues. Throughput is counted at the target (without
  a request: by the job itself), from the first to the last. CPU and counts run from the start until the last result
  is in Redis, over the worker's process and all its children. Peers get fewer
  jobs than Recuro and the floor, so that a trial lasts about as long: a third, streaq a ninth, rq an eighteenth.
* The best peer is chosen for each line by its median in this run. Ratios are of one round; the table has the median
  and the lowest and highest. Never compare figures of two runs.
* Worker, Redis, target and harness share the machine's cores, so the rates are lower than on a machine with more cores;
  CPU per job and ratios travel better.
* Each has the fastest settings we found for it, and keeps of a job what it keeps by default: the list above
  says what. They do not do the same. Recuro also judges the address of every request, shares the worker among teams and
  queues, and keeps history; peers run any Python function, which Recuro does not.
* The floor is no queue. It has one stream, loses what runs when it is killed, never retries, and waits for its
  slowest request before it takes more. It is there to say how much is left to gain.
* Not measured: slow targets, TLS, many queues or teams, a Redis over a network (where each round trip costs more)."""


@dataclass(frozen=True, slots=True)
class Run:
    """All that was measured, and how."""

    field: Sequence[Contender]
    absent: Sequence[str]
    rounds: Rounds
    jobs: int
    program: Program
    load: float
    """The load average before the first round."""
    large: Large | None = None


def page(run: Run) -> str:
    """Markdown."""
    arguments = f"--rounds {len(run.rounds)} --jobs {run.jobs}{' --large' if run.large else ''}"
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Recuro beside other queues on Redis, on the same work in one run. A job is a POST of {len(BODY)} bytes "
            f"of JSON, or nothing; {CONCURRENCY} at a time where a contender has such a notion.",
            "",
            f"* Command: `make bench ARGS='{arguments}'` (or `python -m tests.bench {arguments}`), which wrote this page",
            f"* Date: {datetime.now(UTC):%Y-%m-%d}",
            f"* Machine: {machine(run.program)}; load average {run.load:.1f} before the start",
            *_contenders(run),
            "",
            "## Ratios",
            "",
            *_ratios(run),
            "",
            *(line for table in TABLES for line in _table(table, run)),
            *_ceiling(run),
            *_large(run.large),
            "## How to read this",
            "",
            HOW_TO_READ,
            "",
        ]
    )


def machine(program: Program) -> str:
    """The machine of the run, in words that do not identify it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    server = f"{program.product} {'.'.join(map(str, program.version))}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("redis", "uvloop"))
    return (
        f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, {server}, {libraries}"
    )


def _contenders(run: Run) -> list[str]:
    lines = ["* Contenders:"]
    for contender in run.field:
        lines.append(
            f"  * {f'{contender.name} {contender.version}'.strip()}: {contender.words}{_missing(run, contender)}"
        )
    if run.absent:
        lines.append(f"  * not installed here, so not measured: {', '.join(run.absent)}")
    return lines


def _missing(run: Run, contender: Contender) -> str:
    """The trials that are left out as a job was lost, done twice or not done in time."""
    due = min(contender.rounds, len(run.rounds))
    there = sum(contender.name in figures for figures in run.rounds)
    return "" if there == due else f" (failed in {due - there} of {due} rounds, which are left out)"


def _ratios(run: Run) -> list[str]:
    """How many times better Recuro is, within rounds."""
    lines = [
        "How many times better Recuro is (above 1: better, below 1: worse), median of the rounds (lowest to highest).",
        "",
        "| | Best peer | Recuro : best peer | Recuro : floor |",
        "|---|---|---:|---:|",
    ]
    for row in (row for table in TABLES for row in table.rows if row.in_ratios):
        best = _best_peer(run, row)
        against = [_spread(run, row, name) if name else DASH for name in (best, FLOOR)]
        lines.append(f"| {row.in_ratios} | {best or DASH} | {against[0]} | {against[1]} |")
    return lines


def _best_peer(run: Run, row: Row) -> str | None:
    middles = {
        contender.name: middle
        for contender in run.field
        if contender.name not in (OURS, FLOOR)
        and (middle := _middle(run.rounds, contender.name, row)) is not None
    }
    choose = max if row.more_is_better else min
    return choose(middles, key=lambda name: middles[name]) if middles else None


def _spread(run: Run, row: Row, other: str) -> str:
    ratios = []
    for figures in run.rounds:
        ours, theirs = (row.of(figures[name]) if name in figures else None for name in (OURS, other))
        if ours and theirs:
            ratios.append(ours / theirs if row.more_is_better else theirs / ours)
    if not ratios:
        return DASH
    middle = f"{median(ratios):.2f}"
    return middle if len(ratios) == 1 else f"{middle} ({min(ratios):.2f} to {max(ratios):.2f})"


def _middle(rounds: Rounds, name: str, row: Row) -> float | None:
    found = [row.of(figures[name]) for figures in rounds if name in figures]
    numbers = [number for number in found if number is not None]
    return median(numbers) if numbers else None


def _table(table: Table, run: Run) -> list[str]:
    """Medians; a contender without any figure of this table has no column."""
    middles = {
        contender.name: [_middle(run.rounds, contender.name, row) for row in table.rows]
        for contender in run.field
    }
    names = [name for name, column in middles.items() if any(number is not None for number in column)]
    if not names:
        return []
    lines = [f"## {table.title}", "", *([table.text, ""] if table.text else [])]
    lines += [f"| | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for place, row in enumerate(table.rows):
        cells = [
            DASH if (number := middles[name][place]) is None else f"{number:,.{row.decimals}f}"
            for name in names
        ]
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return [*lines, ""]


def _ceiling(run: Run) -> list[str]:
    """Why two workers are not twice one: what a job costs all processes together, and what the cores give."""
    both = [figures[OURS] for figures in run.rounds if OURS in figures and figures[OURS].pair]
    if not both:
        return []
    one, two = (
        median(of)
        for of in zip(
            *((f.http.jobs_per_second, f.pair.jobs_per_second) for f in both if f.pair), strict=True
        )
    )
    cost = median(
        f.http.worker_us + f.http.redis_us + f.http.sink_busy / f.http.jobs_per_second * 1e6 for f in both
    )
    most = len(os.sched_getaffinity(0)) / cost * 1e6
    return [
        f"Two workers did {two / one:.2f} times the jobs of one. A job costs worker, Redis and target {cost:.0f} µs together "
        f"(the harness comes on top), so these cores allow {most:,.0f} jobs/s at the most, {most / one:.2f} times what one "
        "worker does.",
        "",
    ]


def _large(large: Large | None) -> list[str]:
    if large is None:
        return []
    return [
        "## A million waiting jobs",
        "",
        f"Recuro only: one claim of {CONCURRENCY} jobs, round trip included, from {QUEUES} queues, median.",
        "",
        "| Waiting jobs | ms |",
        "|---|---:|",
        f"| {FEW:,} | {large.few_ms:.2f} |",
        f"| {MANY:,} | {large.many_ms:.2f} |",
        "",
    ]
