"""Recuro's programs of the benchmark: its feeder, and its worker with a job that only counts itself."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from services.worker.main import create_worker
from services.worker.work import Complete, Result, Work
from shared.actions import jobs
from shared.runtime import logs
from shared.schemas.jobs import JobCreate
from shared.settings import load
from shared.store import connection, keyspace
from tests.bench import feed
from tests.calls import call_of

TEAM = keyspace.Team(1)
RUN = (
    '[1,200,[["content-type","text/plain"],["content-length","2"]],"ok",false,1,1700000000000,1700000000001]'
)
"""A stored run of the same size as for the sink's answer."""


def work() -> None:
    """The worker of services.worker.main, but for its one function."""
    board = feed.board()

    async def deliver(ctx: dict[Any, Any], work: Work) -> Result:
        board.arrive(0)
        return Result(work, Complete(), RUN)

    settings = load()
    logs.configure(settings, "worker")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    worker = create_worker(settings)
    worker.functions["deliver"].coroutine = deliver
    worker.run()


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    """Makes jobs through the functions behind `POST /api/jobs` and its batch."""
    redis = connection.connect(load())
    call = call_of(redis, TEAM)

    def asked(url: str) -> JobCreate:
        return JobCreate(queue="bench", url=url, payload=feed.PAYLOAD)

    async def one(job: str, url: str) -> None:
        await jobs.create(call, asked(url))

    async def many(job: str, url: str, n: int) -> None:
        await jobs.create_many(call, [asked(url) for _ in range(n)])

    yield feed.Feeder(one, many)
    await redis.aclose()


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else work()
