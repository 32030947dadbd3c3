"""Crons at one second: how late ten thousand of them are made, and what an outage with ten times as many costs.

`python -m tests.bench.boundary` writes docs/benchmarks-crons.md; `make bench` runs it too.
"""

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import unquote

import httpx
import uvloop
from redis.asyncio import Redis

from shared import clock
from shared.actions import crons
from shared.actions.explain import explain
from shared.schemas.crons import CronCreate
from shared.schemas.explain import ExplainQuery
from shared.store import connection, keyspace
from shared.store.keyspace import Team
from tests.actions.test_explain import COMMON
from tests.bench import environments, pages
from tests.bench.stage import process
from tests.calls import call_of
from tests.faults.parts.installation import FaultInstallation, Options
from tests.installation import TOKEN
from tests.poll import until

TEAM = Team(1)
PAGE = pages.DOCS / "benchmarks-crons.md"
FULL, CONTENDERS = {"crons": 10_000, "overdue": 100_000}, 3
AHEAD_SECONDS = 15
"""The least time between making the crons and their instant."""
PATIENCE_SECONDS = 60.0
CALL_EVERY_SECONDS = 0.02
OUTAGE_MS = 3_600_000
BLOCKED_MICROSECONDS = 5000


class Trial(NamedTuple):
    """Latenesses (ms) of those that came within a minute of the instant, and how many there should be."""

    name: str
    lateness: Sequence[float]
    asked: int

    def row(self) -> str:
        cells = [
            f"{each:,.0f}" for each in (at(self.lateness, 0.5), at(self.lateness, 0.99), max(self.lateness))
        ]
        return f"| {self.name} | {len(self.lateness):,} of {self.asked:,} | {' | '.join(cells)} |"


class Outage(NamedTuple):
    """The cost of catching up."""

    crons: int
    seconds: float
    block_ms: float
    """The longest command in Redis."""
    gap_ms: float
    """The longest that another client waited for a PING."""
    executions: int
    missed: int


def at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


async def make(redis: Redis, n: int, expression: str) -> None:
    asked = CronCreate(name="c", url="http://127.0.0.1:65000/", cron_expression=expression)
    for start in range(0, n, 200):
        await asyncio.gather(
            *(crons.create(call_of(redis, TEAM), asked) for _ in range(start, min(n, start + 200)))
        )


async def an_instant(redis: Redis, after_seconds: float) -> int:
    """A whole second to come, by the clock of Redis."""
    seconds, _ = await redis.time()
    return int(seconds + after_seconds)


def once(second: int) -> str:
    moment = datetime.fromtimestamp(second, UTC)
    return f"{moment.second} {moment.minute} {moment.hour} {moment.day} {moment.month} *"


async def ours(folder: Path, n: int) -> tuple[Trial, list[float]]:
    """The latenesses, and those of calls to the API meanwhile (ms)."""
    with FaultInstallation(folder, Options(services=("api", "scheduler"))) as installation:
        async with connection.connect(installation.settings) as redis:
            due = await an_instant(redis, AHEAD_SECONDS + n / 400)
            await make(redis, n, once(due))
            assert (await redis.time())[0] < due - 1, "the crons were not made in time"
            calls: list[float] = []
            calling = asyncio.create_task(_call(installation.api, due, calls))

            async def all_made() -> bool:
                await asyncio.sleep(0.2)  # a poller, slower than usual: it shares the cores
                made = await redis.hget(keyspace.ledger(TEAM), "execution.accepted")  # type: ignore[misc]
                return int(made or 0) >= n

            await until(all_made, AHEAD_SECONDS + n / 400 + PATIENCE_SECONDS)
            await asyncio.sleep(1)  # the calls cover its end too
            assert not calling.done() or calling.result() is None
            calling.cancel()
            return Trial("Recuro, one scheduler", await _lateness(redis, due), n), calls


async def _call(api: str, due: int, calls: list[float]) -> None:
    """A list and a create in turn, from a second before the instant until a second after all are made."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    job = {"queue": "q", "url": "http://127.0.0.1:65000/", "delay": 3600}
    async with httpx.AsyncClient(base_url=api, headers=headers, trust_env=False, timeout=10) as client:
        await client.get("/api/jobs?per_page=1")
        await asyncio.sleep(max(0.0, due - 1 - time.time()))  # until the instant
        while True:
            for method, path, body in (("GET", "/api/jobs?per_page=1", None), ("POST", "/api/jobs", job)):
                began = time.perf_counter()
                answer = await client.request(method, path, json=body)
                calls.append(1000 * (time.perf_counter() - began))
                assert answer.status_code in (200, 201), answer.text
                await asyncio.sleep(CALL_EVERY_SECONDS)  # a steady pace


async def _lateness(redis: Redis, due: int) -> list[float]:
    keys = [key async for key in redis.scan_iter(f"{TEAM.prefix}e:{TEAM.id}:*", count=1000)]
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key, "created")
        return [float(created) - 1000 * due for created in await pipe.execute()]


async def outage(folder: Path, n: int) -> Outage:
    """All of them have been due each minute of an hour when a scheduler comes back."""
    with FaultInstallation(folder, Options(services=("api",))) as installation:
        async with connection.connect(installation.settings) as redis:
            await make(redis, n, "* * * * *")
            seconds, _ = await redis.time()
            back = (seconds * 1000 - OUTAGE_MS) // 60_000 * 60_000
            members = await redis.zrange(keyspace.crons(TEAM.shard), 0, -1)
            for start in range(0, n, 1000):
                await redis.zadd(
                    keyspace.crons(TEAM.shard), dict.fromkeys(members[start : start + 1000], back)
                )
            await redis.config_set("slowlog-log-slower-than", BLOCKED_MICROSECONDS)
            await redis.slowlog_reset()
            gaps: list[float] = []
            pinging = asyncio.create_task(_ping(redis, gaps))
            began = time.monotonic()
            installation.start("scheduler")

            async def caught_up() -> bool:
                await asyncio.sleep(0.2)  # a poller, slower than usual
                first = await redis.zrange(keyspace.crons(TEAM.shard), 0, 0, withscores=True)
                return bool(first[0][1] > back + OUTAGE_MS)

            await until(caught_up, 600)
            took = time.monotonic() - began
            pinging.cancel()
            blocks = [entry["duration"] for entry in await redis.slowlog_get(128)]
            made = int(await redis.hget(keyspace.ledger(TEAM), "execution.accepted") or 0)  # type: ignore[misc]
            missed = int(await redis.hget(f"{TEAM.prefix}e:{TEAM.id}:1", "missed") or 0)  # type: ignore[misc]
            return Outage(n, took, max(blocks, default=0) / 1000, max(gaps), made, missed)


async def _ping(redis: Redis, gaps: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await redis.ping()
        gaps.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.002)  # a steady pace


async def theirs(folder: Path, name: str, argv: list[str], n: int, seconds_to_make: float) -> Trial | None:
    """A program that makes so many crons, and writes how late each started."""
    with FaultInstallation(folder, Options(services=("api",))) as installation:
        async with connection.connect(installation.settings) as redis:
            due = await an_instant(redis, AHEAD_SECONDS + seconds_to_make)
        where = (
            installation.server.url
            if "arq" in name
            else unquote(installation.server.url.removeprefix("unix://")).partition("?")[0]
        )
        file = folder / "lateness.json"
        with process([*argv, where, str(n), str(due), str(file)], {}, folder / "said.log") as running:

            async def is_done() -> bool:
                await asyncio.sleep(0.2)  # a poller, slower than usual
                return file.exists() or running.poll() is not None

            await until(is_done, AHEAD_SECONDS + seconds_to_make + PATIENCE_SECONDS + 60)
        if not file.exists():
            print(f"{name} failed: {(folder / 'said.log').read_text()[-800:]}", file=sys.stderr)
            return None
        found = json.loads(file.read_text())
        return Trial(name, found["lateness"], n) if found["lateness"] else None


def explaining() -> list[float]:
    """How long an answer takes for each of the common expressions (ms), the median of five."""
    found = []
    for expression in COMMON:
        asked, took = ExplainQuery(cron_expression=expression, timezone="Europe/Berlin"), []
        for _ in range(5):
            began = time.perf_counter()
            explain(asked, clock.now())
            took.append(1000 * (time.perf_counter() - began))
        found.append(median(took))
    return found


async def measure(n: int, overdue: int) -> tuple[list[Trial], list[float], Outage]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder, trials = Path(name), []
        for own in ("ours", "apscheduler", "arq", "outage"):
            (folder / own).mkdir()
        first, calls = await ours(folder / "ours", n)
        trials.append(first)
        if peer := environments.python_of("apscheduler"):
            script = str(environments.PEERS / "apscheduler_scheduler.py")
            label = f"APScheduler {environments.version_of('apscheduler')}, Redis job store"
            trials.append(await theirs(folder / "apscheduler", label, [str(peer), script], n, n / 200))  # type: ignore[arg-type]
        argv = [sys.executable, "-m", "tests.bench.arq_crons"]
        trials.append(await theirs(folder / "arq", "arq's own crons, one worker", argv, n, n / 500))  # type: ignore[arg-type]
        return [trial for trial in trials if trial], calls, await outage(folder / "outage", overdue)


def page(
    trials: Sequence[Trial], calls: Sequence[float], late: Outage, options: argparse.Namespace, load: float
) -> str:
    """Markdown."""
    words = explaining()
    ours_p50, ours_p99 = (at(trials[0].lateness, share) for share in (0.5, 0.99))
    ratios = [
        f"| {trial.name} : Recuro | {at(trial.lateness, 0.5) / ours_p50:,.1f} | {at(trial.lateness, 0.99) / ours_p99:,.1f} |"
        for trial in trials[1:]
    ]
    return "\n".join(
        [
            "# Benchmarks of crons at one second",
            "",
            f"* Command: `python -m tests.bench.boundary --crons {options.crons} --overdue {options.overdue}`, which wrote "
            f"this page on {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, load {load:.1f} before.",
            "* Late is from the second at which all are due: with Recuro until the execution is made and can be claimed, "
            "with the others until their function starts, which does nothing.",
            "* Each has a Redis of its own, and a minute. Bench, Redis and contender share the cores.",
            "",
            "| | came in a minute | p50 late, ms | p99, ms | last, ms |",
            "|---|---|---|---|---|",
            *(trial.row() for trial in trials),
            "",
            "| Lateness beside ours | p50 | p99 |",
            "|---|---|---|",
            *ratios,
            "",
            f"Wanted of ours: p50 under 500 ms, p99 under 1,500 ms. Meanwhile {len(calls)} calls to the API, a list and a "
            f"create in turn, took {at(calls, 0.5):.0f} ms at p50 and {at(calls, 0.99):.0f} ms at p99 (wanted: under 250 ms).",
            "",
            "## After an outage",
            "",
            f"{late.crons:,} crons of every minute, an hour overdue, when one scheduler comes back: {late.executions:,} "
            f"executions were made in {late.seconds:.0f} s with `run_once`, each for the last minute and {late.missed} more. "
            f"The longest command of Redis took {late.block_ms:.0f} ms (wanted: under 100 ms), and another client waited "
            f"{late.gap_ms:.0f} ms at most for its PING.",
            "",
            "## Explain",
            "",
            f"{len(words)} common expressions take {median(words):.1f} ms each at the median to explain, and "
            f"{max(words):.1f} ms at most (wanted: under 5 ms).",
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.boundary", description=__doc__)
    asked.add_argument("--crons", type=pages.positive, default=10_000)
    asked.add_argument("--overdue", type=pages.positive, default=100_000)
    pages.add_output(asked, PAGE)
    options, load = asked.parse_args(arguments), os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        trials, calls, late = runner.run(measure(options.crons, options.overdue))
    text = page(trials, calls, late, options, load)
    missing = [] if len(trials) == CONTENDERS else ["a contender could not be measured"]
    pages.put(text, PAGE, options.output, missing + pages.fewer(options, FULL))


if __name__ == "__main__":
    main()
