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
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Result, Verdict, Work
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection, keyspace
from tests.bench import pages
from tests.bench.stage import process
from tests.calls import KEY, call_of
from tests.installation import free_port
from tests.poll import until

PAGE = pages.DOCS / "benchmarks-reads.md"
FULL = {"jobs": 1_000_000, "crons": 1_000, "executions": 30, "seconds": 5}
QUEUES, BATCH, CLAIM = 20, 500, 1_000
SLOW_MICROSECONDS = 5_000
CONNECTIONS = 2
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Havana")
EXPRESSIONS = ("*/5 * * * *", "0 * * * *", "17 3 * * *", "0 9 * * 1-5", "30 2 1 * *", "*/15 8-18 * * *")
REPORT = """done = function(summary, latency)
  io.write(string.format("p50=%f p95=%f requests=%d wrong=%d\\n", latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, summary.requests, summary.errors.status + summary.errors.timeout))
end
"""
READS = (
    ("a cron", "/api/crons/500"),
    ("crons, the first page", "/api/crons"),
    ("crons, the last page of 100", "/api/crons?per_page=100&page=10"),
    ("crons by `q`", "/api/crons?q=nightly+zone:Europe/*"),
    ("fires to come, a day by the half hour", "/api/crons/coming"),
    ("fires to come, a month by the day", "/api/crons/coming?by=day&to={in_a_month}"),
    ("fires to come of a cron", "/api/crons/500/coming?count=100"),
    ("executions of all crons", "/api/executions"),
    ("executions that failed", "/api/executions?filter=failed"),
    ("executions that are due", "/api/executions?filter=due"),
    ("executions of a cron", "/api/crons/500/executions"),
    ("a job", "/api/jobs/{job}"),
    ("jobs, the first page", "/api/jobs"),
    ("jobs, a page far behind", "/api/jobs?page=20000"),
    ("failed jobs of a queue", "/api/jobs?filter=failed&queue_id=3"),
    ("jobs by `q`, that many are", "/api/jobs?q=host:*.example.com"),
    ("jobs by `q`, that few are", "/api/jobs?q=payload.order:4242"),
    ("dead letters", "/api/dead-letters"),
    ("dead letters by `q`", "/api/dead-letters?q=code:503"),
    ("queues", "/api/queues"),
    ("a queue", "/api/queues/3"),
    ("hosts", "/api/hosts"),
    ("alerts", "/api/alerts"),
    ("figures by the minute", "/api/stats?by=minute"),
    ("figures of a day by ten minutes", "/api/stats?by=ten_minutes"),
    ("figures of a month by the hour", "/api/stats?by=hour&from={a_month_ago}"),
    ("the audit trail", "/api/audit"),
    ("the usage", "/api/usage"),
)


class Reading(NamedTuple):
    """One read: its latencies in ms, how often it was asked, and the slowest command that Redis named, in ms."""

    name: str
    path: str
    p50: float
    p95: float
    requests: int
    wrong: int
    slowest_command: float

    def __str__(self) -> str:
        slow = f"{self.slowest_command:.1f}" if self.slowest_command else "under 5"
        wrong = f", {self.wrong} wrong answers" if self.wrong else ""
        return f"| {self.name} | `{self.path}` | {self.p50:.1f} | {self.p95:.1f} | {slow} | {self.requests:,}{wrong} |"


async def _fill_jobs(redis: Redis, team: keyspace.Team, n: int) -> None:
    claims = Claims(redis, team.shard, "bench")
    for start in range(0, n, BATCH):
        made = [
            JobCreate(
                queue=f"queue-{number % QUEUES}",
                url=f"https://host-{number % 40}.example.com/orders/{number}",
                payload={"order": number, "lines": [{"sku": f"a-{number % 900}", "count": 2}]},
                retry_delays=[],
            )
            for number in range(start, min(start + BATCH, n))
        ]
        await jobs.create_many(call_of(redis, team), made)
        if start < n - 10 * BATCH:  # the last ones wait
            await _end_all(claims)


async def _fill_crons(redis: Redis, team: keyspace.Team, n: int, each: int) -> None:
    call, claims = call_of(redis, team), Claims(redis, team.shard, "bench")
    for number in range(n):
        made = CronCreate(
            name=f"{('nightly', 'hourly', 'report', 'sync')[number % 4]} {number}",
            url=f"https://host-{number % 40}.example.com/crons/{number}",
            cron_expression=EXPRESSIONS[number % len(EXPRESSIONS)],
            timezone=ZONES[number % len(ZONES)],
            spread_seconds=number % 3 * 10,
        )
        await crons.create(call, made)
    for _ in range(each):
        for start in range(0, n, BATCH):
            ids = range(start + 1, min(start + BATCH, n) + 1)
            await asyncio.gather(*(executions.create(call, cron) for cron in ids))
        await _end_all(claims)


async def _end_all(claims: Claims) -> None:
    while works := await claims.claim(CLAIM):
        await claims.finish([_result(work) for work in works])


def _result(work: Work) -> Result:
    """Nine of ten end well; of the others every second one is a dead letter."""
    if work.id % 10:
        return Result(work, Complete(), _run(200, None), waited_ms=12, took_ms=142)
    verdict: Verdict = Dead() if work.id % 20 == 0 and work.kind == "j" else Fail()
    run, reason = _run(503, "http_server_error"), "http_server_error 503"
    return Result(work, verdict, run, "", reason, waited_ms=12, took_ms=142)


def _run(status: int, reason: str | None) -> str:
    failure = f'"{reason}"' if reason else "null"
    body = '"{\\"ok\\":true}"'
    return f'[1,{status},142,{time.time() * 1000:.0f},{body},{{"content-type":"application/json"}},false,null,{failure},null,null]'


@asynccontextmanager
async def _api(folder: Path, url: str) -> AsyncIterator[int]:
    port = free_port()
    environment = {
        "RECURO_REDIS_URL": url,
        "RECURO_API_PORT": str(port),
        "RECURO_ENCRYPTION_KEY": KEY,
        "RECURO_LOG_FORMAT": "json",
    }
    argv = [sys.executable, "-c", "from services.api.main import main; main()"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def serves() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        with process(argv, environment, folder / "api.log"):
            await until(serves)
            yield port


async def _read(
    redis: Redis, port: int, token: str, name: str, path: str, seconds: int, report: Path
) -> Reading:
    url = f"http://127.0.0.1:{port}{path}"
    header = f"Authorization: Bearer {token}"
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", header, "-s", str(report), url]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        (await client.get(url)).raise_for_status()  # the first of a process makes what it keeps
    await redis.slowlog_reset()
    asked = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await asked.communicate())[0].decode()
    found = re.search(r"p50=([\d.]+) p95=([\d.]+) requests=(\d+) wrong=(\d+)", said)
    assert found, said
    slow = [row["duration"] / 1000 for row in await redis.slowlog_get(100)]
    numbers = float(found[1]), float(found[2]), int(found[3]), int(found[4])
    return Reading(name, path, *numbers, max(slow, default=0.0))


async def _measure(options: argparse.Namespace) -> tuple[list[Reading], float]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder = Path(name)
        server = embedded.start(folder)
        try:
            async with connection.connect(Settings(redis_url=server.url), blocking_seconds=60.0) as redis:
                token = await tokens.create(redis, team="bench", name="bench", scopes=("admin",))
                team = keyspace.Team(1)
                await _fill_crons(redis, team, options.crons, options.executions)
                await _fill_jobs(redis, team, options.jobs)
                await until(lambda: _is_at_rest(redis), 180.0)
                await redis.config_set("slowlog-log-slower-than", SLOW_MICROSECONDS)
                memory = (await redis.info("memory"))["used_memory"] / 2**30
                return await _readings(redis, folder, server.url, token, options), memory
        finally:
            server.stop()


async def _readings(
    redis: Redis, folder: Path, url: str, token: str, options: argparse.Namespace
) -> list[Reading]:
    report = folder / "report.lua"
    report.write_text(REPORT)
    found = []
    async with _api(folder, url) as port:
        for name, path in READS:
            if options.only and options.only not in name:
                continue
            at = path.format(
                job=options.jobs // 2, in_a_month=_days_from_now(30), a_month_ago=_days_from_now(-30)
            )
            found.append(await _read(redis, port, token, name, at, options.seconds, report))
            print(found[-1], flush=True)
    return found


def _days_from_now(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400))


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
            f"* {options.crons:,} crons with {options.executions} executions each and {options.jobs:,} jobs in {QUEUES} "
            f"queues of one team, {memory:.1f} GiB in Redis. One process of the API, asked by `wrk` for {options.seconds} s over "
            f"{CONNECTIONS} connections at once; wrk, the API and Redis share the cores.",
            f"* The slowest command of Redis is named from {SLOW_MICROSECONDS // 1000} ms on, which is wanted of none; 50 ms is wanted "
            "of p95.",
            "",
            "| read | path | p50, ms | p95, ms | slowest command, ms | requests |",
            "|---|---|---|---|---|---|",
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
