"""`python -m tests.faults --seed N`: inject faults into real processes, and check that every guarantee holds."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.clock import clocks, edits, jumps, rules, ticks, times
from tests.faults.stage import Scene
from tests.faults.store import damage, data, doors, links, memory, outages, refusals, streams
from tests.faults.story import Outcome, Skipped, Story
from tests.faults.work import (
    aftermath,
    backfills,
    bulks,
    figures,
    idle,
    keys,
    load,
    neighbours,
    processes,
    redrives,
    repeats,
    sign_ins,
    strangers,
    street,
    upgrades,
)

ROW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the fault matrix; bounded rows are the part that ends within five minutes."""

    play: Callable[[Scene], Awaitable[None]]
    is_bounded: bool

    @property
    def name(self) -> str:
        return self.play.__name__


FAMILIES = (
    processes,
    outages,
    refusals,
    damage,
    links,
    doors,
    strangers,
    streams,
    clocks,
    jumps,
    data,
    load,
    keys,
    figures,
    neighbours,
    idle,
    memory,
    aftermath,
    street,
    ticks,
    edits,
    times,
    repeats,
    redrives,
    backfills,
    bulks,
    rules,
    sign_ins,
    upgrades,
)
ROWS = [
    Row(play, is_bounded)
    for family in FAMILIES
    for plays, is_bounded in ((family.BOUNDED, True), (family.LONG, False))
    for play in plays
]


def main() -> None:
    arguments = _arguments()
    rows = [row for row in ROWS if _is_chosen(row, arguments)]
    outcomes = []
    for row in rows:
        outcomes.append(_outcome(row, arguments))
        print(outcomes[-1], flush=True)
    failed = [outcome for outcome in outcomes if outcome.result == "failed"]
    if arguments.record:
        record = {"seed": arguments.seed, "rows": [asdict(outcome) for outcome in outcomes]}
        arguments.record.write_text(json.dumps(record, indent=1))
    for outcome in failed:  # again, at the end, where whoever sees the last lines of a log finds them
        print(outcome)
    print(f"seed {arguments.seed}:")
    print(f"rows: {len(outcomes) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not outcomes else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="repeats a run")
    parser.add_argument("--only", action="append", default=[], help="rows whose name contains this")
    parser.add_argument("--bounded", action="store_true", help="only what ends within five minutes")
    parser.add_argument("--record", type=Path, help="a JSON file of what was done and found")
    parser.add_argument("--keep", type=Path, help="a folder for the logs and data of every row")
    return parser.parse_args()


def _is_chosen(row: Row, arguments: argparse.Namespace) -> bool:
    if arguments.bounded and not row.is_bounded:
        return False
    return not arguments.only or any(part in row.name for part in arguments.only)


def _outcome(row: Row, arguments: argparse.Namespace) -> Outcome:
    story, began = Story(row.name), time.monotonic()
    rng = random.Random(f"{arguments.seed}:{row.name}")
    result, why = "passed", ""
    with tempfile.TemporaryDirectory(prefix="recuro-faults-") as name:
        folder = (arguments.keep or Path(name)) / row.name
        folder.mkdir(parents=True)
        try:
            asyncio.run(_played(row, Scene(folder, rng, story, is_small=arguments.bounded)))
        except Skipped as skipped:
            result, why = "skipped", str(skipped)
        except Exception as error:  # the one edge: a row that fails is reported, and the next one runs
            result, why = "failed", _described(error)
    seconds = round(time.monotonic() - began, 1)
    return Outcome(row.name, result, why, seconds, story.faults, story.figures)


async def _played(row: Row, scene: Scene) -> None:
    async with asyncio.timeout(ROW_SECONDS):
        await row.play(scene)


def _described(error: Exception) -> str:
    places = [place for place in traceback.extract_tb(error.__traceback__) if "/faults/" in place.filename]
    where = " < ".join(f"{Path(place.filename).name}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__}: {str(error)[:2000]} ({where})"


if __name__ == "__main__":
    main()
