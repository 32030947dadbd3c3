"""streaq: a Redis stream, 64 tasks at a time, uvloop, results kept for its five minutes."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from streaq import Worker

from tests.bench import feed

BOARD = feed.board()


@asynccontextmanager
async def lifespan() -> AsyncGenerator[aiohttp.ClientSession, None]:
    async with aiohttp.ClientSession() as session:
        yield session


worker = Worker(
    redis_url=feed.redis_url(),
    concurrency=feed.CONCURRENCY,
    lifespan=lifespan,
    anyio_kwargs={"use_uvloop": True},
)


@worker.task(silent=True)
async def deliver(url: str, body: str) -> None:
    async with worker.context.post(url, data=body, headers=feed.HEADERS) as response:
        await response.read()
        response.raise_for_status()


@worker.task(silent=True)
async def count(url: str, body: str) -> None:
    BOARD.arrive(0)


TASKS = {"deliver": deliver, "count": count}


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    async def one(job: str, url: str) -> None:
        await TASKS[job].enqueue(url, feed.BODY)

    async def many(job: str, url: str, n: int) -> None:
        await worker.enqueue_many([TASKS[job].enqueue(url, feed.BODY) for _ in range(n)])

    async with worker:
        yield feed.Feeder(one, many)


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else worker.run_sync()
