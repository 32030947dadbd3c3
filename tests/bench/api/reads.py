"""How long reads of the API take with very much stored: `python -m tests.bench.api.reads`, which needs `wrk`.

A thousand crons with thirty executions each and a million jobs are stored, ended as a queue's jobs end. Then `wrk` asks one
process of the API for one read after the other, and Redis says which of its commands took longer than 5 ms.
"""

import argparse
import asyncio
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import uvloop
from redis.asyncio import Redis

from services.cli import embedded
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.bench import pages
from tests.bench.api import asked, filled
from tests.bench.readings import cpu_seconds
from tests.bench.stage import process
from tests.calls import KEY
from tests.installation import free_port
from tests.poll import until

PAGE = pages.DOCS / "benchmarks-reads.md"
FULL = {"jobs": 1_000_000, "crons": 1_000, "executions": 30, "seconds": 5}
SLOW_MICROSECONDS = 5_000
CONNECTIONS = 2
REPORT = """done = function(summary, latency)
  io.write(string.format("p50=%f p95=%f requests=%d wrong=%d\\n", latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, summary.requests, summary.errors.status + summary.errors.timeout))
end
"""


class Reading(NamedTuple):
    """One read: its latencies in ms, how often it was asked, what one took of CPU, and the slowest command of Redis, in ms."""

    name: str
    path: str
    p50: float
    p95: float
    requests: int
    wrong: int
    api_cpu: float
    redis_cpu: float
    slowest_command: float

    def __str__(self) -> str:
        slow = f"{self.slowest_command:.1f}" if self.slowest_command else "under 5"
        wrong = f", {self.wrong} wrong answers" if self.wrong else ""
        cpu = f"{self.api_cpu:.1f} | {self.redis_cpu:.1f}"
        numbers = f"{self.p50:.1f} | {self.p95:.1f} | {cpu} | {slow} | {self.requests:,}{wrong}"
        return f"| {self.name} | `{self.path}` | {numbers} |"


@asynccontextmanager
async def _api(folder: Path, url: str, token: str) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """The process id of one, and how it is asked."""
    environment = {
        "RECURO_REDIS_URL": url,
        "RECURO_API_PORT": str(port := free_port()),
        "RECURO_ENCRYPTION_KEY": KEY,
        "RECURO_LOG_FORMAT": "json",
    }
    argv = [sys.executable, "-c", "from services.api.main import main; main()"]
    header = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=header, timeout=60) as client:

        async def serves() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        with process(argv, environment, folder / "api.log") as api:
            await until(serves)
            yield api.pid, client


async def _read(
    redis: Redis, api: tuple[int, httpx.AsyncClient], name: str, path: str, seconds: int, report: Path
) -> Reading:
    pid, client = api
    (await client.get(path)).raise_for_status()  # the first of a process makes what it keeps
    header, url = f"Authorization: {client.headers['Authorization']}", str(client.base_url.join(path))
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", header, "-s", str(report), url]
    await redis.slowlog_reset()
    api_cpu, redis_cpu = cpu_seconds(pid), await _cpu_of(redis)
    wrk = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await wrk.communicate())[0].decode()
    found = re.search(r"p50=([\d.]+) p95=([\d.]+) requests=(\d+) wrong=(\d+)", said)
    assert found, said
    requests = int(found[3])
    api_ms, redis_ms = (
        1000 * spent / max(1, requests)
        for spent in (cpu_seconds(pid) - api_cpu, await _cpu_of(redis) - redis_cpu)
    )
    slow = max([row["duration"] / 1000 for row in await redis.slowlog_get(100)], default=0.0)
    latencies = float(found[1]), float(found[2])
    return Reading(name, path, *latencies, requests, int(found[4]), api_ms, redis_ms, slow)


async def _cpu_of(redis: Redis) -> float:
    said = await redis.info("cpu")
    return float(said["used_cpu_user"]) + float(said["used_cpu_sys"])


async def _measure(options: argparse.Namespace) -> tuple[list[Reading], float]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder = Path(name)
        server = embedded.start(folder)
        try:
            async with connection.connect(Settings(redis_url=server.url), blocking_seconds=60.0) as redis:
                token = await tokens.create(redis, team=filled.TEAM, name="bench", scopes=("admin",))
                async with _api(folder, server.url, token) as (pid, client):
                    await filled.fill(
                        redis, client, n_jobs=options.jobs, n_crons=options.crons, each=options.executions
                    )
                    await until(lambda: _is_at_rest(redis), 180.0)
                    await redis.config_set("slowlog-log-slower-than", SLOW_MICROSECONDS)
                    memory = (await redis.info("memory"))["used_memory"] / 2**30
                    return await _readings(redis, folder, (pid, client), options), memory
        finally:
            server.stop()


async def _readings(
    redis: Redis, folder: Path, api: tuple[int, httpx.AsyncClient], options: argparse.Namespace
) -> list[Reading]:
    report = folder / "report.lua"
    report.write_text(REPORT)
    found, names = [], await asked.names(api[1], options.jobs)
    for name, path in asked.READS:
        if options.only and options.only not in name:
            continue
        found.append(await _read(redis, api, name, path.format(**names), options.seconds, report))
        print(found[-1], flush=True)
    return found


async def _is_at_rest(redis: Redis) -> bool:
    """Not while the append-only file is rewritten: its child makes every first write to a page a copy."""
    return not (await redis.info("persistence"))["aof_rewrite_in_progress"]


def _page(options: argparse.Namespace, readings: Sequence[Reading], memory: float, load: float) -> str:
    given = " ".join(f"--{name} {getattr(options, name)}" for name in FULL)
    return "\n".join(
        (
            "# Benchmarks of reads with much stored",
            "",
            f"* Command: `python -m tests.bench.api.reads {given}`, which wrote this page on "
            f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores, load {load:.1f} before.",
            f"* {options.crons:,} crons with {options.executions} executions each and {options.jobs:,} jobs in {filled.QUEUES} "
            f"queues of one team, {memory:.1f} GiB in Redis. One process of the API, asked by `wrk` for {options.seconds} s over "
            f"{CONNECTIONS} connections at once; wrk, the API and Redis share the cores.",
            f"* The slowest command of Redis is named from {SLOW_MICROSECONDS // 1000} ms on, which is wanted of none; 50 ms is wanted "
            "of p95.",
            "",
            "| read | path | p50, ms | p95, ms | API, ms | Redis, ms | slowest command, ms | requests |",
            "|---|---|---|---|---|---|---|---|",
            *map(str, readings),
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api.reads", description=__doc__)
    for name, least in FULL.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=least, help="(%(default)s)")
    parser.add_argument("--only", help="reads with this in their name")
    pages.add_output(parser, PAGE)
    options, load = parser.parse_args(), os.getloadavg()[0]
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        readings, memory = runner.run(_measure(options))
    missing = pages.fewer(options, FULL) + ([f"--only {options.only}"] if options.only else [])
    pages.put(_page(options, readings, memory, load), PAGE, options.output, missing)


if __name__ == "__main__":
    main()
