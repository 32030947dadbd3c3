"""The floor: the cost of a stream, one script a batch and Recuro's HTTP client, and nothing else."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.worker.http.client import Sender
from services.worker.http.outgoing import Outgoing
from shared.security.addresses import Policy
from tests.bench import feed

STREAM, GROUP = "floor", "workers"
RUN = (
    '[1,200,[["content-type","text/plain"],["content-length","2"]],"ok",false,1,1700000000000,1700000000001]'
)
FINISH = """
for at = 1, #ARGV, 2 do
  redis.call('XACK', KEYS[1], 'workers', ARGV[at])
  redis.call('XDEL', KEYS[1], ARGV[at])
  redis.call('SET', 'run:' .. ARGV[at], ARGV[at + 1])
end
"""


async def work() -> None:
    """Batches one after the other, each as large as the concurrency."""
    redis = Redis.from_url(feed.redis_url(), decode_responses=True)
    finish = redis.register_script(FINISH)
    board = feed.board()
    with suppress(ResponseError):  # the other worker was faster
        await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    async def deliver(job: str, url: str, body: str) -> None:
        if job == "count":
            board.arrive(0)
        else:
            await sender.send(Outgoing("POST", url, dict(feed.HEADERS), body.encode(), 30.0))

    async with Sender(Policy((ip_network("127.0.0.0/8"),))) as sender:
        while True:
            batches = await redis.xreadgroup(
                GROUP, str(os.getpid()), {STREAM: ">"}, count=feed.CONCURRENCY, block=1000
            )
            for _, entries in batches:
                await asyncio.gather(*(deliver(e["job"], e["url"], e["body"]) for _, e in entries))
                await finish([STREAM], [part for entry, _ in entries for part in (entry, RUN)])


@asynccontextmanager
async def feeder() -> AsyncGenerator[feed.Feeder, None]:
    redis = Redis.from_url(feed.redis_url())

    async def one(job: str, url: str) -> None:
        await redis.xadd(STREAM, {"job": job, "url": url, "body": feed.BODY})

    async def many(job: str, url: str, n: int) -> None:
        pipeline = redis.pipeline(transaction=False)
        for _ in range(n):
            pipeline.xadd(STREAM, {"job": job, "url": url, "body": feed.BODY})
        await pipeline.execute()

    yield feed.Feeder(one, many)
    await redis.aclose()


if __name__ == "__main__":
    feed.feed(feeder) if sys.argv[1] == "feed" else feed.run(work)
