"""What a claim costs with 10,000 keys in a queue: `python -m tests.bench.engine.keys`, beside one key, and none.

Each has a team of its own in one Redis, whose commands are counted around each claim of 16 and what ends it; a round
claims once of each, every second round in reverse order.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import uvloop
from redis.asyncio import Redis

from services.cli import embedded
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.actions import jobs, queues
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.settings import Settings
from shared.store import connection, keyspace
from tests.bench import pages
from tests.calls import call_of

PAGE = pages.DOCS / "benchmarks-keys.md"
FULL = {"jobs": 20_000, "keys": 10_000, "rounds": 120}
BATCH, CLAIM = 500, 16
MOST_RATIO = 1.5
RUN = "[1,200,1,1]"


class Field(NamedTuple):
    """A queue: how many keys its jobs have, and how many of each may run at once."""

    name: str
    team: keyspace.Team
    keys: int
    most: int | None


class Cost(NamedTuple):
    """Of a job: microseconds in functions of Redis, and commands, with those that the functions call."""

    claim_us: float
    claim_commands: float
    end_us: float
    end_commands: float


Costs = Mapping[str, Sequence[Cost]]
"""By the name of the field, one a round."""


def _fields(keys: int) -> tuple[Field, ...]:
    return (
        Field("no key", keyspace.Team(1), 0, None),
        Field("one key, no limit", keyspace.Team(2), 1, None),
        Field(f"{keys:,} keys, no limit", keyspace.Team(3), keys, None),
        Field(f"{keys:,} keys, one of each at once", keyspace.Team(4), keys, 1),
    )


async def _measure(folder: Path, options: argparse.Namespace) -> Costs:
    server = embedded.start(folder)
    redis = connection.connect(Settings(redis_url=server.url), blocking_seconds=30.0)
    costs, fields = defaultdict[str, list[Cost]](list), _fields(options.keys)
    try:
        worker = Claims(redis, keyspace.SHARDS[0], "bench")
        for field in fields:
            await queues.create(
                call_of(redis, field.team), QueueCreate(name="work", key_max_parallelism=field.most)
            )
        for number in range(options.rounds):
            for field in fields if number % 2 == 0 else fields[::-1]:
                await _fill_up(redis, field, options.jobs)
                costs[field.name].append(await _cost(redis, worker, field, fields))
    finally:
        await redis.aclose()
        server.stop()
    return costs


async def _fill_up(redis: Redis, field: Field, most: int) -> None:
    waiting = int(await redis.zcard(f"{field.team.prefix}x:{field.team.id}:pending"))
    ended = int(await redis.zcard(f"{field.team.prefix}x:{field.team.id}:completed"))
    for start in range(ended + waiting, ended + most, BATCH):
        numbers = range(start, min(start + BATCH, ended + most))
        asked = [
            JobCreate(
                queue="work",
                url="http://127.0.0.1/",
                key=f"key-{number % field.keys}" if field.keys else None,
            )
            for number in numbers
        ]
        await jobs.create_many(call_of(redis, field.team), asked)


async def _cost(redis: Redis, worker: Claims, field: Field, fields: Sequence[Field]) -> Cost:
    """Of one claim and its end, with the other teams out of the turns."""
    turns = keyspace.turns(field.team.shard)
    await redis.zrem(turns, *(str(other.team.id) for other in fields if other is not field))
    await redis.config_resetstat()
    works = await worker.claim(CLAIM)
    claim_us, claim_commands = await _spent(redis)
    assert {work.team for work in works} == {field.team.id}
    assert len(works) == CLAIM
    await redis.config_resetstat()
    assert await worker.finish([Result(work, Complete(), RUN) for work in works]) == [1] * CLAIM
    end_us, end_commands = await _spent(redis)
    await redis.zadd(turns, {str(other.team.id): 0 for other in fields})
    return Cost(claim_us / CLAIM, claim_commands / CLAIM, end_us / CLAIM, end_commands / CLAIM)


async def _spent(redis: Redis) -> tuple[float, float]:
    """Microseconds in functions and all commands since the reset, but for it and this one."""
    stats = await redis.info("commandstats")
    counts = {name.removeprefix("cmdstat_"): one for name, one in stats.items()}
    commands = sum(one["calls"] for name, one in counts.items() if name not in ("config|resetstat", "info"))
    return float(counts["fcall"]["usec"]), float(commands)


def _medians(costs: Costs) -> dict[str, Cost]:
    return {
        name: Cost(*(median(column) for column in zip(*rounds, strict=True)))
        for name, rounds in costs.items()
    }


def _ratio(found: Mapping[str, Cost]) -> float:
    """What a claim costs of many keys with a limit, of one without."""
    _, one, _, many = found.values()
    return many.claim_us / one.claim_us


def _page(found: Mapping[str, Cost], options: argparse.Namespace, load: float) -> str:
    given = " ".join(f"--{name} {getattr(options, name)}" for name in FULL)
    rows = [
        f"| {name} | {one.claim_us:.0f} | {one.claim_commands:.1f} | {one.end_us:.0f} | {one.end_commands:.1f} |"
        for name, one in found.items()
    ]
    return "\n".join(
        [
            "# Benchmarks of keys",
            "",
            f"* Command: `python -m tests.bench.engine.keys {given}`, which wrote this page on "
            f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, load {load:.1f} before.",
            f"* {options.jobs:,} jobs wait in one queue of a team each, all teams in one Redis. A round claims "
            f"{CLAIM} of each and ends them.",
            "* Figures are medians over the rounds, of a job: time in functions of Redis, and commands, with those "
            "that the functions call.",
            f"* A claim of many keys of which one runs at once takes {_ratio(found):.2f} times as long as one of a "
            f"single key; at most {MOST_RATIO} is wanted.",
            "",
            "| keys | claim, µs | commands | end, µs | commands |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engine.keys", description=__doc__)
    for name, least in FULL.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=least, help="(%(default)s)")
    pages.add_output(parser, PAGE)
    options, load = parser.parse_args(), os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="recuro-bench-") as name,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = _medians(runner.run(_measure(Path(name), options)))
    pages.put(_page(found, options, load), PAGE, options.output, pages.fewer(options, FULL))
    sys.exit(_ratio(found) > MOST_RATIO)


if __name__ == "__main__":
    main()
