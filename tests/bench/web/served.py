"""How long the server takes for each page with very much stored: `python -m tests.bench.web.served`, which needs `wrk`.

The store of `tests.bench.api.reads` is filled. Then `wrk`, with the session of an admin, asks one process of the API for one page after
the other, of all that the table of routes has, over one connection and over two.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import uvloop
from redis.asyncio import Redis

from services.api.pages.routes import PAGES
from services.api.routing import Resource
from tests.bench import pages
from tests.bench.api import asked, filled, measured
from tests.bench.api.measured import Api, Reading
from tests.bench.api.stocked import stocked
from tests.bench.readings import cpu_seconds
from tests.bench.web.report import Part, put
from tests.bench.web.visiting import as_owner, reads_of

FULL = {"jobs": 1_000_000, "crons": 1_000, "executions": 30, "seconds": 3}
WANTED_MS, TIMES = 50, 10
NO_PAGES = {"/sign-in/oidc/callback", "/t/{team}/live", "/t/{team}/{rest:path}", "/zone"}
"""What answers nobody who simply comes, or as long as it is read."""
MORE = (
    "/t/1/crons?q=nightly+zone:Europe/*",
    "/t/1/crons?sort=next_run&page=20",
    "/t/1/crons/500?filter=failed",
    "/t/1/jobs?status=failed&queue=3",
    "/t/1/jobs?q=host:host-3.example.com",
    "/t/1/jobs?page=400",
    "/t/1/dead-letters?view=one",
    "/t/1/dead-letters?q=cart",
    "/t/1/jump?q=night",
    "/t/1/settings/audit?q=nothing-has-this",
)
"""Other ways to look at some of them."""


class Served(NamedTuple):
    """A page over one connection and over two, how often it asks Redis, and what it takes of CPU, in ms."""

    alone: Reading
    both: Reading
    trips: int
    api_cpu: float
    redis_cpu: float

    def __str__(self) -> str:
        one, two = self.alone, self.both
        slow = max(one.slowest_command, two.slowest_command)
        cpu = f"{self.api_cpu:.1f} | {self.redis_cpu:.1f}"
        return (
            f"| `{one.path}` | {one.p50:.1f} | {one.p95:.1f} | {two.p50:.1f} | {two.p95:.1f} | {cpu} | "
            f"{self.trips} | {f'{slow:.1f}' if slow else 'under 5'} | {one.requests + two.requests:,} |"
        )


def paths(names: dict[str, str]) -> list[str]:
    """Of all pages that are looked at; their ids are those that `names` has, else 1."""
    known = {**names, "team": "1", "cron": "500", "queue": "3", "channel": "slack"}
    found = []
    for route in PAGES:
        is_looked_at = isinstance(route.endpoint, Resource) and "GET" in route.endpoint.methods
        if is_looked_at and route.path not in NO_PAGES and "{code}" not in route.path:
            found.append(route.path.format_map(known))
    return [*found, *MORE]


async def _served(redis: Redis, api: Api, path: str, seconds: int) -> Served | None:
    answer = await api.client.get(path)
    if answer.is_redirect:  # what takes forms only leads back to the page that has them
        return None
    alone, both = [await measured.read(redis, api, path, path, seconds, many) for many in (1, 2)]
    trips = min([await _trips(redis, api, path) for _ in range(3)])
    return Served(alone, both, trips, *await _cpu(redis, api, path))


async def _cpu(redis: Redis, api: Api, path: str) -> tuple[float, float]:
    """Of one page, asked by nobody else: what `wrk` broke off at its end would count too."""
    api_cpu, redis_cpu = cpu_seconds(api.pid), await measured.cpu_of(redis)
    for _ in range(TIMES):
        await api.client.get(path)
    spent = cpu_seconds(api.pid) - api_cpu, await measured.cpu_of(redis) - redis_cpu
    return 1000 * spent[0] / TIMES, 1000 * spent[1] / TIMES


async def _trips(redis: Redis, api: Api, path: str) -> int:
    """How often the page makes Redis read: a command, or several that are sent together, is one."""
    before = await reads_of(redis)
    await api.client.get(path)
    return await reads_of(redis) - before - 1


async def _measure(options: argparse.Namespace) -> tuple[list[Served], float]:
    async with stocked(options.jobs, options.crons, options.executions) as (redis, (api,)):
        await redis.config_set("slowlog-log-slower-than", measured.SLOW_MICROSECONDS)
        memory = (await redis.info("memory"))["used_memory"] / 2**30
        return await _pages(redis, api, options), memory


async def _pages(redis: Redis, api: Api, options: argparse.Namespace) -> list[Served]:
    names, found = await asked.names(api.client, options.jobs), []
    async with as_owner(redis, api) as browser:
        for path in paths(names):
            if options.only and options.only not in path:
                continue
            if one := await _served(redis, browser, path, options.seconds):
                found.append(one)
                print(one, flush=True)
    return found


def _part(options: argparse.Namespace, found: Sequence[Served], memory: float, load: float) -> str:
    given = " ".join(f"--{name} {getattr(options, name)}" for name in FULL)
    return "\n".join(
        (
            Part.SERVED,
            "",
            f"* Command: `python -m tests.bench.web.served {given}`, on {time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores, "
            f"load {load:.1f} before.",
            f"* {options.crons:,} crons with {options.executions} executions each and {options.jobs:,} jobs in {filled.QUEUES} "
            f"queues of one team, {memory:.1f} GiB in Redis. One process of the API, asked by `wrk` with the session of an admin for "
            f"{options.seconds} s over one connection and for as long over two; wrk, the API and Redis share the cores.",
            f"* {WANTED_MS} ms is wanted of p95. Where other work shares the cores, CPU is what can be compared: that of the API and of "
            f"Redis for one page, of {TIMES} one after the other. Round trips: how often Redis reads for one page.",
            "",
            "| page | one: p50, ms | p95, ms | two: p50, ms | p95, ms | API, ms of CPU | Redis, ms of CPU | round trips | slowest command, ms | requests |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *map(str, found),
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web.served", description=__doc__)
    for name, least in FULL.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=least, help="(%(default)s)")
    parser.add_argument("--only", help="pages with this in their address")
    pages.add_output(parser, Part.SERVED.page)
    options, load = parser.parse_args(), os.getloadavg()[0]
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found, memory = runner.run(_measure(options))
    missing = pages.fewer(options, FULL) + ([f"--only {options.only}"] if options.only else [])
    put(Part.SERVED, _part(options, found, memory, load), options.output, missing)


if __name__ == "__main__":
    main()
