"""Streams of live pages without a browser: what they cost Redis and the API, one, twenty or a hundred of a page."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
from redis.asyncio import Redis

from services.api.pages.live.stream import MOST_OF_A_SESSION
from tests.bench.api.measured import Api
from tests.bench.readings import cpu_seconds
from tests.bench.web.changes import Changes
from tests.bench.web.visiting import reads_of

SECONDS = 20.0
MANY = (1, 20, 100)


class Cost(NamedTuple):
    """Of so many streams of a page: round trips to Redis a second beside those without any, readers, CPU of the API."""

    path: str
    streams: int
    trips: float
    readers: int
    cpu: float
    events: int

    def __str__(self) -> str:
        return f"| `{self.path}` | {self.streams} | {self.trips:.1f} | {self.readers} | {100 * self.cpu:.0f} % | {self.events:,} |"


@asynccontextmanager
async def _open(api: Api, path: str, cookies: list[tuple[str, str]], many: int) -> AsyncIterator[list[int]]:
    """So many streams, and how many events each has had."""
    counts, tasks = [0] * many, []
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=api.client.base_url, timeout=None, limits=limits) as client:

        async def read(number: int) -> None:
            name, value = cookies[number // MOST_OF_A_SESSION]
            sent = client.stream(
                "GET", "/t/1/live", params={"page": path}, headers={"Cookie": f"{name}={value}"}
            )
            async with sent as answer:
                async for line in answer.aiter_lines():
                    counts[number] += line.startswith("event: ")

        tasks = [asyncio.create_task(read(number)) for number in range(many)]
        yield counts
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def trips_a_second(redis: Redis, changes: Changes, seconds: float) -> float:
    """What Redis reads beside the commands that make the changes, and ours."""
    began, before, own = time.monotonic(), await reads_of(redis), changes.redis.trips
    await asyncio.sleep(seconds)
    after, others = await reads_of(redis), changes.redis.trips - own
    return (after - before - others - 1) / (time.monotonic() - began)


async def cost(
    redis: Redis,
    api: Api,
    changes: Changes,
    path: str,
    cookies: list[tuple[str, str]],
    many: int,
    idle: float,
) -> Cost:
    async with _open(api, path, cookies, many) as counts:
        while not all(counts):
            await asyncio.sleep(0.2)
        cpu, began = cpu_seconds(api.pid), time.monotonic()
        trips = await trips_a_second(redis, changes, SECONDS)
        spent = (cpu_seconds(api.pid) - cpu) / (time.monotonic() - began)
        readers = sum(one["cmd"] == "xread" for one in await redis.client_list())
        return Cost(path, many, trips - idle, readers, spent, sum(counts))
