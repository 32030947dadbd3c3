"""A plain arq worker that sends the same request, written as arq's documentation would have it."""

import asyncio
import os
from typing import Any

import aiohttp
import uvloop
from arq.connections import RedisSettings
from arq.worker import Worker

KEEP_RESULT_SECONDS = 60
HEADERS = {"Content-Type": "application/json"}


async def open_session(ctx: dict[Any, Any]) -> None:
    ctx["session"] = aiohttp.ClientSession()


async def close_session(ctx: dict[Any, Any]) -> None:
    await ctx["session"].close()


async def deliver(ctx: dict[Any, Any], url: str, body: str) -> None:
    """The job: one request; anything but a 2xx or 3xx fails it."""
    async with ctx["session"].post(url, data=body, headers=HEADERS) as response:
        await response.read()
        response.raise_for_status()


def main() -> None:
    """Work until SIGTERM."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # before arq asks for the loop
    Worker(
        [deliver],
        redis_settings=RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"]),
        on_startup=open_session,
        on_shutdown=close_session,
        max_jobs=int(os.environ["BENCH_CONCURRENCY"]),
        poll_delay=float(os.environ["BENCH_POLL_DELAY"]),
        keep_result=KEEP_RESULT_SECONDS,
    ).run()


if __name__ == "__main__":
    main()
