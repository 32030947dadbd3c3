"""`python -m tests.bench`: Recuro, its peers and the floor side by side, in one interleaved run, as docs/benchmarks.md."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from services.cli import embedded
from tests.bench import contenders, large, pages, report, trial
from tests.bench.board import Board
from tests.bench.contenders import Contender
from tests.bench.stage import Target, process
from tests.bench.trial import Figures
from tests.poll import until

PAGE = pages.DOCS / "benchmarks.md"
FULL = {"rounds": 3, "jobs": 9000}
"""The least that the page is made from."""


def main() -> None:
    arguments, load = _arguments(sys.argv[1:]), os.getloadavg()[0]
    field, absent = _field(frozenset(arguments.only))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rounds = runner.run(_rounds(field, arguments.rounds, arguments.jobs))
        million = runner.run(_large()) if arguments.large else None
    run = report.Run(field, absent, rounds, arguments.jobs, embedded.find(), load, million)
    pages.put(report.page(run), PAGE, arguments.output, _missing(arguments, absent))


def _missing(arguments: argparse.Namespace, absent: list[str]) -> list[str]:
    """What this run lacks to be a full one."""
    missing = [f"--only {' '.join(arguments.only)} is not all contenders"] if arguments.only else []
    if absent:
        missing.append(f"{', '.join(absent)} could not be installed")
    return missing + pages.fewer(arguments, FULL)


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    whole = pages.positive
    parser.add_argument("--rounds", type=whole, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--jobs", type=whole, default=9000, help="jobs of a full queue (%(default)s)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these contenders and no others"
    )
    parser.add_argument(
        "--large", action="store_true", help="claims among a million waiting jobs too (minutes)"
    )
    pages.add_output(parser, PAGE)
    arguments = parser.parse_args(given)
    known = contenders.names()
    if unknown := [name for name in arguments.only if name not in known]:
        parser.error(f"--only does not know {', '.join(unknown)}; it takes {', '.join(map(repr, known))}")
    return arguments


def _field(only: frozenset[str]) -> tuple[list[Contender], list[str]]:
    """The contenders, and the names of those that could not be installed."""
    there = [contender for contender in contenders.ours() if not only or contender.name in only]
    absent = []
    for peer in contenders.peers(only):
        if isinstance(peer, str):
            print(f"{peer} could not be installed and is left out", file=sys.stderr)
            absent.append(peer)
        else:
            there.append(peer)
    return there, absent


async def _rounds(field: list[Contender], rounds: int, jobs: int) -> list[dict[str, Figures]]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder = Path(name)
        board = Board(folder / "board")
        argv = [sys.executable, "-m", "tests.bench.sink", str(folder / "board")]
        with process(argv, {}, folder / "sink.log") as sink:

            async def listening() -> bool:
                return board.port > 0

            await until(listening)
            target = Target(board, sink.pid, folder / "board")
            return [await _round(field, number, target, folder, jobs) for number in range(rounds)]


async def _large() -> large.Large:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        return await large.measure(Path(name) / "redis")


async def _round(
    field: list[Contender], number: int, target: Target, folder: Path, jobs: int
) -> dict[str, Figures]:
    """Every second round goes in reverse order, so that a drift affects all alike."""
    figures: dict[str, Figures] = {}
    for place, contender in enumerate(field if number % 2 == 0 else field[::-1]):
        if number >= contender.rounds:
            continue
        own = folder / f"{number}-{place}"
        own.mkdir()
        try:
            f = await trial.run(contender, target, own, jobs, is_first=number == 0)
        except AssertionError as error:
            if contender.name == report.OURS:
                raise
            print(f"round {number + 1}: {contender.name} is left out: {error}", file=sys.stderr)
            continue
        figures[contender.name] = f
        print(
            f"round {number + 1}: {contender.name}: {f.http.jobs_per_second:,.0f} jobs/s, "
            f"{f.http.worker_us:.0f} µs of worker CPU a job",
            file=sys.stderr,
        )
    return figures


if __name__ == "__main__":
    main()
