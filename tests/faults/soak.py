"""`python -m tests.faults.soak --seed N`: a busy installation with a fault every few seconds for ten minutes."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.faults.injuries import INJURIES, Injury
from tests.faults.parts import account
from tests.faults.parts.callers import Wanted
from tests.faults.parts.installation import Options
from tests.faults.parts.targets import FLAKY
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Story

OPTIONS = Options(
    services=("api", "scheduler", "scheduler", "worker", "worker", "worker"),
    grace_seconds=10,
    is_proxied=True,
)
PER_SECOND = 30.0
DRAIN_SECONDS = 180.0
CRONS = ("* * * * * *", "*/2 * * * * *", "* * * * *")


def main() -> None:
    arguments = _arguments()
    story = Story("soak")
    why = ""
    with tempfile.TemporaryDirectory(prefix="recuro-soak-") as name:
        folder = (arguments.keep or Path(name)) / "soak"
        folder.mkdir(parents=True)
        scene = Scene(folder, random.Random(arguments.seed), story, is_small=False)
        try:
            asyncio.run(_soak(scene, arguments.minutes * 60, arguments.faults))
        except Exception as error:  # the one edge: what was done until then is still recorded
            why = f"{type(error).__name__}: {error}"[:4000]
    record = {"seed": arguments.seed, "passed": not why, "why": why, **asdict(story)}
    if arguments.record:
        arguments.record.write_text(json.dumps(record, indent=1))
    print(json.dumps({name: record[name] for name in ("seed", "passed", "why", "figures")}, indent=1))
    sys.exit(1 if why else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="repeats the faults")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (%(default)s)")
    parser.add_argument("--faults", type=int, default=150, help="how many (%(default)s)")
    parser.add_argument("--record", type=Path, help="a JSON file of what was done and found")
    parser.add_argument("--keep", type=Path, help="a folder for the logs and data")
    return parser.parse_args()


async def _soak(scene: Scene, seconds: float, faults: int) -> None:
    async with playing(scene, OPTIONS) as stage:
        stage.target.answer_with(200, delay=0.1)
        stage.queue("flaky", retry_delays=[1, 1, 2, 2, 3])
        for expression in CRONS:
            stage.cron(expression)
        wanted = (
            Wanted(stage.url()),
            Wanted(stage.url(), queue="other"),
            Wanted(stage.url(), delay=scene.rng.randint(1, 20)),
            Wanted(stage.url(FLAKY), queue="flaky"),
        )
        with stage.calling(*wanted, per_second=PER_SECOND) as callers:
            await _hurt(stage, seconds, faults)
            await callers.gain(50)
        await _rest(stage)
        stage.story.figures |= {f"answers {status}": n for status, n in sorted(callers.answers.items())}
        stage.story.figures["slowest answer"] = round(callers.slowest, 2)


async def _hurt(stage: Stage, seconds: float, faults: int) -> None:
    """So many injuries, spread over that time; those that last overlap with the next."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as lasting:
        for number in range(faults):
            moment = began + seconds * (number + stage.scene.rng.random()) / faults
            await asyncio.sleep(max(0.0, moment - time.monotonic()))  # the rhythm of the faults
            lasting.create_task(_chosen(stage.scene.rng)(stage))
    stage.story.figures["faults"] = len(stage.story.faults)


def _chosen(rng: random.Random) -> Injury:
    return rng.choices([injury for injury, _ in INJURIES], [weight for _, weight in INJURIES])[0]


async def _rest(stage: Stage) -> None:
    """Everything ends and adds up."""
    await stage.holds(lambda: _is_ready(stage), 60)
    stage.stop_crons()
    await stage.settle(DRAIN_SECONDS)
    stage.no_process_ended()
    fires = account.fires(stage.target.received)
    twice = {moment: keys for moment, keys in fires.items() if len(keys) > 1}
    assert not twice, f"a cron fired twice for a moment: {twice}"
    stage.story.figures["fires"] = len(fires)
    stage.story.figures["samples"] = stage.watch.samples


async def _is_ready(stage: Stage) -> bool:
    return stage.installation.answers("/readyz")


if __name__ == "__main__":
    main()
