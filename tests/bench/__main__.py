"""`python -m tests.bench`: Recuro's worker beside plain arq, in one interleaved run, as docs/benchmarks.md."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop

from services.cli import embedded
from tests.bench import report, trial
from tests.bench.board import Board
from tests.bench.contenders import Arq, ArqDefault, Contender, Recuro
from tests.bench.trial import ROOT, Figures, Target
from tests.poll import until

CONTENDERS: tuple[type[Contender], ...] = (Recuro, Arq)


def main() -> None:
    arguments, load = _arguments(), os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rounds = runner.run(_rounds(arguments.rounds, arguments.jobs))
    text = report.page(rounds, arguments.jobs, embedded.find(), load)
    arguments.output.write_text(text)
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (%(default)s)")
    parser.add_argument("--jobs", type=int, default=3000, help="jobs of a full queue (%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="the page")
    return parser.parse_args()


async def _rounds(rounds: int, jobs: int) -> list[dict[str, Figures]]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder = Path(name)
        board = Board(folder / "board")
        argv = [sys.executable, "-m", "tests.bench.sink", str(folder / "board")]
        with trial.process(argv, {}, folder / "sink.log") as sink:

            async def listening() -> bool:
                return board.port > 0

            await until(listening)
            target = Target(board, sink.pid)
            return [await _round(number, target, folder, jobs) for number in range(rounds)]


async def _round(number: int, target: Target, folder: Path, jobs: int) -> dict[str, Figures]:
    """Every second round goes the other way, so that what drifts hits both alike."""
    order = list(CONTENDERS if number % 2 == 0 else reversed(CONTENDERS))
    if number == 0:
        order.append(ArqDefault)
    figures = {}
    for kind in order:
        contender = kind()
        own = folder / f"{number}-{kind.__name__}"
        own.mkdir()
        figures[kind.name] = await trial.run(contender, target, own, jobs)
        print(
            f"round {number + 1}: {kind.name}: {figures[kind.name].jobs_per_second:,.0f} jobs/s",
            file=sys.stderr,
        )
    return figures


if __name__ == "__main__":
    main()
