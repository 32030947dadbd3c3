"""Shared by every program of the benchmark; it also runs in the peers' environments: standard library only.

A feeder is a process that makes jobs on command, a line of JSON in, a line of JSON out:
`{"how": "single" | "batch" | "pace", "job": "deliver" | "count", "url": …, "n": …}`.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.board import Board

CONCURRENCY = 64
PACE_SECONDS = 0.02
PAYLOAD = {"event": "order.paid", "text": "x" * 168}
BODY = json.dumps(PAYLOAD, separators=(",", ":"))
"""200 bytes, the same from every worker."""
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Feeder:
    """How one library makes a job, `one(job, url)`, and, where it can, `many(job, url, n)` in a batch."""

    one: Callable[[str, str], Awaitable[object]]
    many: Callable[[str, str, int], Awaitable[object]] | None = None
    most: int = 500
    """Jobs a batch."""


def redis_url() -> str:
    return os.environ["BENCH_REDIS_URL"]


def board() -> Board:
    """Where a job without a request reports that it ran."""
    return Board(Path(os.environ["BENCH_BOARD"]))


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it on uvloop."""
    new_loop: Any = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_awaited(main))


async def _awaited(main: Callable[[], Awaitable[None]]) -> None:
    await main()


def feed(feeder: Callable[[], AbstractAsyncContextManager[Feeder]]) -> None:
    """Do what the lines of standard input say, until it ends."""

    async def main() -> None:
        async with feeder() as feeding:
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(await _answer(feeding, **json.loads(line))), flush=True)

    run(main)


async def _answer(feeder: Feeder, how: str, job: str, url: str, n: int) -> float | list[int] | None:
    """Seconds; or of paced jobs the moment (ns) each was made; nothing if it cannot."""
    if how == "pace":
        return await _pace(feeder, job, url, n)
    began = time.perf_counter()
    if how == "single":
        for start in range(0, n, CONCURRENCY):
            await asyncio.gather(*(feeder.one(job, url) for _ in range(start, min(start + CONCURRENCY, n))))
    elif feeder.many is None:
        return None
    else:
        for start in range(0, n, feeder.most):
            await feeder.many(job, url, min(feeder.most, n - start))
    return time.perf_counter() - began


async def _pace(feeder: Feeder, job: str, url: str, n: int) -> list[int]:
    """The URL of each ends in its number."""
    made_ns: list[int] = []
    start = time.monotonic()
    async with asyncio.TaskGroup() as making:
        for number in range(n):
            # The pace is part of the measurement; this waits for no condition.
            await asyncio.sleep(start + number * PACE_SECONDS - time.monotonic())
            made_ns.append(time.monotonic_ns())
            making.create_task(_one(feeder, job, f"{url}{number}"))
    return made_ns


async def _one(feeder: Feeder, job: str, url: str) -> None:
    await feeder.one(job, url)
