"""rq: its worker that does not fork, one job at a time, results kept for its 500 seconds."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import requests
from redis import Redis
from rq import Queue, SimpleWorker

from tests.bench import feed

BOARD = feed.board()
SESSION = requests.Session()
SESSION.trust_env = False
HERE = "tests.bench.peers.rq_worker"


def deliver(url: str, body: str) -> None:
    SESSION.post(url, data=body, headers=feed.HEADERS).raise_for_status()


def count(url: str, body: str) -> None:
    BOARD.arrive(0)


def work() -> None:
    redis = Redis.from_url(feed.redis_url())
    worker = SimpleWorker([Queue(connection=redis)], connection=redis)
    worker.log_job_description = False
    worker.work(logging_level="WARNING")


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    queue = Queue(connection=Redis.from_url(feed.redis_url()))

    async def one(job: str, url: str) -> None:
        queue.enqueue(f"{HERE}.{job}", url, feed.BODY)

    async def many(job: str, url: str, n: int) -> None:
        queue.enqueue_many([Queue.prepare_data(f"{HERE}.{job}", (url, feed.BODY)) for _ in range(n)])

    yield feed.Feeder(one, many)


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else work()
