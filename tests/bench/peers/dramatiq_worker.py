"""dramatiq: its Redis broker and asyncio middleware, 64 threads around one uvloop, no results, as it comes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import dramatiq
import uvloop
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AsyncIO

from tests.bench import feed

BOARD = feed.board()
SESSIONS: list[aiohttp.ClientSession] = []

broker = RedisBroker(url=feed.redis_url())
broker.add_middleware(AsyncIO())
dramatiq.set_broker(broker)
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # the middleware makes its loop by the policy


@dramatiq.actor
async def deliver(url: str, body: str) -> None:
    if not SESSIONS:  # dramatiq has no hook that runs in the loop
        SESSIONS.append(aiohttp.ClientSession())
    async with SESSIONS[0].post(url, data=body, headers=feed.HEADERS) as response:
        await response.read()
        response.raise_for_status()


@dramatiq.actor
async def count(url: str, body: str) -> None:
    BOARD.arrive(0)


ACTORS = {"deliver": deliver, "count": count}


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    async def one(job: str, url: str) -> None:
        ACTORS[job].send(url, feed.BODY)

    yield feed.Feeder(one)


if __name__ == "__main__":
    feed.feed(feeder)
