"""How long reads of the API take with very much stored: `python -m tests.bench.api.reads`, which needs `wrk`.

A thousand crons with thirty executions each and a million jobs are stored, ended as a queue's jobs end. Then `wrk` asks one
process of the API for one read after the other, and Redis says which of its commands took longer than 5 ms.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence

import uvloop
from redis.asyncio import Redis

from tests.bench import pages
from tests.bench.api import asked, filled, measured
from tests.bench.api.measured import Api, Reading
from tests.bench.api.stocked import stocked

PAGE = pages.DOCS / "benchmarks-reads.md"
FULL = {
    "jobs": 1_000_000,
    "crons": 1_000,
    "executions": 30,
    "seconds": 5,
    "connections": measured.CONNECTIONS,
}


async def _measure(options: argparse.Namespace) -> tuple[list[Reading], float]:
    async with stocked(options.jobs, options.crons, options.executions) as (redis, (api,)):
        await redis.config_set("slowlog-log-slower-than", measured.SLOW_MICROSECONDS)
        memory = (await redis.info("memory"))["used_memory"] / 2**30
        return await _readings(redis, api, options), memory


async def _readings(redis: Redis, api: Api, options: argparse.Namespace) -> list[Reading]:
    found, names = [], await asked.names(api.client, options.jobs)
    for name, path in asked.READS:
        if options.only and options.only not in name:
            continue
        path = path.format(**names)
        found.append(await measured.read(redis, api, name, path, options.seconds, options.connections))
        print(found[-1], flush=True)
    return found


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
            f"{options.connections} connections at once; wrk, the API and Redis share the cores.",
            f"* The slowest command of Redis is named from {measured.SLOW_MICROSECONDS // 1000} ms on, which is wanted of none; 50 ms is wanted "
            f"of p95. It is measured over one connection for {measured.ALONE_SECONDS} s, as with two it has what it waits for a core, and where one is slow "
            f"up to {measured.ALONE_TIMES} times: the least of them counts, for the machine has other guests.",
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
