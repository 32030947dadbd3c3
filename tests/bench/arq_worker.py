"""Plain arq, written as its documentation would have it, on uvloop; results kept for a minute."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import uvloop
from arq.connections import RedisSettings, create_pool
from arq.worker import Worker

from tests.bench import feed

KEEP_RESULT_SECONDS = 60


async def open_session(ctx: dict[Any, Any]) -> None:
    ctx["session"], ctx["board"] = aiohttp.ClientSession(), feed.board()


async def close_session(ctx: dict[Any, Any]) -> None:
    await ctx["session"].close()


async def deliver(ctx: dict[Any, Any], url: str, body: str) -> None:
    """The job: one request; anything but a 2xx or 3xx fails it."""
    async with ctx["session"].post(url, data=body, headers=feed.HEADERS) as response:
        await response.read()
        response.raise_for_status()


async def count(ctx: dict[Any, Any], url: str, body: str) -> None:
    """The job without a request."""
    ctx["board"].arrive(0)


def work() -> None:
    """Work until SIGTERM."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # before arq asks for the loop
    Worker(
        [deliver, count],
        redis_settings=RedisSettings.from_dsn(feed.redis_url()),
        on_startup=open_session,
        on_shutdown=close_session,
        max_jobs=feed.CONCURRENCY,
        poll_delay=float(os.environ["BENCH_POLL_DELAY"]),
        keep_result=KEEP_RESULT_SECONDS,
    ).run()


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    pool = await create_pool(RedisSettings.from_dsn(feed.redis_url()))

    async def one(job: str, url: str) -> None:
        await pool.enqueue_job(job, url, feed.BODY)

    yield feed.Feeder(one)
    await pool.aclose()


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else work()
