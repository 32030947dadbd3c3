"""saq: a Redis list, 64 jobs at a time, uvloop, jobs kept with their results for its ten minutes."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from redis.asyncio import Redis
from saq import Queue, Worker
from saq.queue.redis import RedisQueue

from tests.bench import feed

BOARD = feed.board()


async def startup(ctx: dict[str, Any]) -> None:
    ctx["session"] = aiohttp.ClientSession()


async def shutdown(ctx: dict[str, Any]) -> None:
    await ctx["session"].close()


async def deliver(ctx: dict[str, Any], *, url: str, body: str) -> None:
    async with ctx["session"].post(url, data=body, headers=feed.HEADERS) as response:
        await response.read()
        response.raise_for_status()


async def count(ctx: dict[str, Any], *, url: str, body: str) -> None:
    BOARD.arrive(0)


def queue() -> Queue:
    return RedisQueue(Redis.from_url(feed.redis_url()), max_concurrent_ops=feed.CONCURRENCY)


async def work() -> None:
    await Worker(
        queue(), [deliver, count], concurrency=feed.CONCURRENCY, startup=startup, shutdown=shutdown
    ).start()


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    jobs = queue()

    async def one(job: str, url: str) -> None:
        await jobs.enqueue(job, url=url, body=feed.BODY)

    yield feed.Feeder(one)
    await jobs.disconnect()


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else feed.run(work)
