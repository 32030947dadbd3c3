"""taskiq: its Redis stream broker, 64 tasks at a time, uvloop, no result backend, as it comes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from tests.bench import feed

BOARD = feed.board()
SESSIONS: list[aiohttp.ClientSession] = []

broker = RedisStreamBroker(url=feed.redis_url(), consumer_id="0")


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def startup(state: TaskiqState) -> None:
    SESSIONS.append(aiohttp.ClientSession())


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def shutdown(state: TaskiqState) -> None:
    await SESSIONS[0].close()


@broker.task("deliver")
async def deliver(url: str, body: str) -> None:
    async with SESSIONS[0].post(url, data=body, headers=feed.HEADERS) as response:
        await response.read()
        response.raise_for_status()


@broker.task("count")
async def count(url: str, body: str) -> None:
    BOARD.arrive(0)


TASKS = {"deliver": deliver, "count": count}


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    async def one(job: str, url: str) -> None:
        await TASKS[job].kiq(url, feed.BODY)

    await broker.startup()
    yield feed.Feeder(one)
    await broker.shutdown()


if __name__ == "__main__":
    feed.feed(feeder)
