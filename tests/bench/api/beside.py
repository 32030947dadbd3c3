"""The reads of another checkout and of this one, in turns on one store: `python -m tests.bench.api.beside FOLDER`.

A machine that is slow, or has other guests, is so for both: what the reads cost times what they cost there is a figure
that can be compared with those of another day. The other checkout runs with the packages of this one.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

import uvloop
from redis.asyncio import Redis

from tests.bench import pages
from tests.bench.api import asked, measured
from tests.bench.api.measured import Api
from tests.bench.api.stocked import stocked
from tests.bench.readings import cpu_seconds
from tests.bench.stage import ROOT

TURNS = (0, 1, 1, 0, 0, 1, 1, 0)
"""Which of the two is asked, so that both are first and last as often."""


class Cost(NamedTuple):
    """Of one request: half of them took this long at most, and what they took of CPU on average; in ms."""

    latency: float
    api_cpu: float
    redis_cpu: float


class Beside(NamedTuple):
    name: str
    there: Cost
    here: Cost

    def __str__(self) -> str:
        (a, b, c), (x, y, z) = self.there, self.here
        return f"| {self.name} | {a:.1f} | {x:.1f} | {x / a:.2f} | {b:.1f} | {y:.1f} | {c:.1f} | {z:.1f} |"


async def _measure(options: argparse.Namespace) -> list[Beside]:
    roots = (options.folder, ROOT)
    async with stocked(options.jobs, options.crons, options.executions, roots) as (redis, both):
        return await _all(redis, both, options)


async def _all(redis: Redis, both: Sequence[Api], options: argparse.Namespace) -> list[Beside]:
    found, names = [], await asked.names(both[1].client, options.jobs)
    for name, path in asked.READS:
        there, here = await _in_turns(redis, both, path.format(**names), options.requests)
        found.append(Beside(name, there, here))
        print(found[-1], flush=True)
    return found


async def _in_turns(redis: Redis, both: Sequence[Api], path: str, requests: int) -> list[Cost]:
    took: list[list[float]] = [[], []]
    spent = [[0.0, 0.0], [0.0, 0.0]]
    for api in both:
        (await api.client.get(path)).raise_for_status()  # the first of a process makes what it keeps
    for which in TURNS:
        api, before = both[which], (cpu_seconds(both[which].pid), await measured.cpu_of(redis))
        for _ in range(requests):
            began = time.perf_counter()
            (await api.client.get(path)).raise_for_status()
            took[which].append(1000 * (time.perf_counter() - began))
        spent[which][0] += cpu_seconds(api.pid) - before[0]
        spent[which][1] += await measured.cpu_of(redis) - before[1]
    return [
        Cost(median(its), 1000 * api / len(its), 1000 * of_redis / len(its))
        for its, (api, of_redis) in zip(took, spent, strict=True)
    ]


def _summary(found: Sequence[Beside]) -> str:
    latency = exp(fmean(log(one.here.latency / one.there.latency) for one in found))
    api, of_redis = (
        sum(one.here[place] for one in found) / sum(one.there[place] for one in found) for place in (1, 2)
    )
    return (
        f"{len(found)} reads: latency {latency:.2f} times (geometric mean of the medians), CPU of the API {api:.2f} times, "
        f"of Redis {of_redis:.2f} times"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api.beside", description=__doc__)
    parser.add_argument("folder", type=Path, help="the other checkout")
    for name, usual in {"jobs": 1_000_000, "crons": 1_000, "executions": 30, "requests": 10}.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=usual, help="(%(default)s)")
    options, load = parser.parse_args(), os.getloadavg()[0]
    print("| read | there: ms | here: ms | times | API there, ms | here | Redis there, ms | here |")
    print("|---|---|---|---|---|---|---|---|")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure(options))
    print(f"\n{_summary(found)}; {os.cpu_count()} cores, load {load:.1f} before")


if __name__ == "__main__":
    main()
