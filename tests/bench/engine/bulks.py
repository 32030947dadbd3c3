"""What a change of 10,000 crons does to crons that fire each second: `python -m tests.bench.engine.bulks`.

One scheduler, as a process on a Redis of its own, does both; how late fires were made is read of their executions, from
before the change, while it went on, and after it.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import uvloop
from redis.asyncio import Redis

from services.cli import embedded
from services.cli.leash import leashed
from shared import clock
from shared.actions import crons
from shared.actions.bulk import background
from shared.actions.bulk import crons as bulks
from shared.schemas.bulk.results import BulkProgress, BulkState
from shared.schemas.bulk.wanted import CronBulk
from shared.schemas.crons import CronCreate
from shared.settings import Settings
from shared.store import connection, keyspace, moments
from tests.bench import pages
from tests.calls import call_of

TEAM = keyspace.Team(1)
FULL = {"crons": 10_000, "firing": 200, "seconds": 20}
RECURO = Path(sys.executable).parent / "recuro"
AT_ONCE, EXECUTIONS = 50, 500
TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """CPU seconds until now."""

    scheduler: float
    redis: float


class Phase(NamedTuple):
    """What happened from one moment to another."""

    since: datetime
    until: datetime
    used: Used


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def _make(redis: Redis, options: argparse.Namespace) -> None:
    asked = [
        CronCreate(name="yearly", url="https://a.example/", cron_expression="0 0 1 1 *")
        for _ in range(options.crons)
    ]
    asked += [
        CronCreate(name="each second", url="https://b.example/", cron_expression="* * * * * *")
        for _ in range(options.firing)
    ]
    for start in range(0, len(asked), AT_ONCE):
        await asyncio.gather(
            *(crons.create(call_of(redis, TEAM), one) for one in asked[start : start + AT_ONCE])
        )


@asynccontextmanager
async def _scheduler(url: str, folder: Path) -> AsyncIterator[int]:
    environment = {**os.environ, "RECURO_REDIS_URL": url, "RECURO_LOG_FORMAT": "json"}
    with (folder / "scheduler.log").open("wb") as said:
        process = subprocess.Popen(
            leashed([str(RECURO), "scheduler"], death_signal=signal.SIGKILL),
            env=environment,
            stdout=said,
            stderr=said,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _measure(
    folder: Path, options: argparse.Namespace
) -> tuple[dict[str, Phase], list[tuple[float, float]]]:
    server = embedded.start(folder)
    redis = connection.connect(Settings(redis_url=server.url), blocking_seconds=30.0)
    phases = dict[str, Phase]()
    try:
        await _make(redis, options)
        async with _scheduler(server.url, folder) as pid:
            await asyncio.sleep(10)  # what came due as they were made is over
            for name in ("before", "meanwhile", "after"):
                since, used = await moments.now(redis, TEAM.shard), Used(_used(pid), _used(server.pid))
                await (
                    _change(redis, options.crons) if name == "meanwhile" else asyncio.sleep(options.seconds)
                )
                spent = Used(_used(pid) - used.scheduler, _used(server.pid) - used.redis)
                phases[name] = Phase(since, await moments.now(redis, TEAM.shard), spent)
        return phases, await _fires(redis)
    finally:
        await redis.aclose()
        server.stop()


async def _change(redis: Redis, most: int) -> None:
    wanted = CronBulk.model_validate(
        {"change": {"timezone": "Europe/Berlin"}, "ids": list(range(1, most + 1))}
    )
    begun = await bulks.change(call_of(redis, TEAM), wanted)
    assert isinstance(begun, BulkProgress)
    while (await background.get(redis, TEAM, begun.id)).state is BulkState.RUNNING:
        await asyncio.sleep(0.2)


async def _fires(redis: Redis) -> list[tuple[float, float]]:
    """When each was due, and when it was made (ms)."""
    ids = await redis.zrange(f"{TEAM.prefix}x:{TEAM.id}:executions", 0, -1)
    found = list[tuple[float, float]]()
    for start in range(0, len(ids), EXECUTIONS):
        async with redis.pipeline(transaction=False) as pipe:
            for one in ids[start : start + EXECUTIONS]:
                pipe.hmget(f"{TEAM.prefix}e:{TEAM.id}:{one}", ["due", "created"])
            found += [(float(due), float(made)) for due, made in await pipe.execute()]
    return found


def _row(name: str, phase: Phase, fires: Sequence[tuple[float, float]]) -> str:
    since, until = clock.milliseconds(phase.since), clock.milliseconds(phase.until)
    late = [made - due for due, made in fires if since <= due < until]
    cuts = quantiles(late, n=100)
    seconds = (until - since) / 1000
    return (
        f"| {name} | {seconds:.1f} | {len(late) / seconds:.0f} | {cuts[49]:.0f} | {cuts[98]:.0f} | {max(late):.0f} "
        f"| {phase.used.scheduler:.1f} | {phase.used.redis:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.engine.bulks", description=__doc__)
    for name, least in FULL.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=least, help="(%(default)s)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="recuro-bench-") as name,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        phases, fires = runner.run(_measure(Path(name), options))
    print(f"load {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores")
    print("| | s | fires a second | late p50, ms | p99, ms | most, ms | CPU s of the scheduler | of Redis |")
    print("|---|---|---|---|---|---|---|---|")
    for phase, of in phases.items():
        print(_row(phase, of, fires))


if __name__ == "__main__":
    main()
