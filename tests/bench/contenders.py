"""Who is measured: how each one's worker is started, and how it is given jobs."""

import asyncio
import json
import sys
from typing import ClassVar, Protocol

from arq.connections import ArqRedis, RedisSettings
from arq.connections import create_pool as create_arq_pool
from arq.constants import default_queue_name, health_check_key_suffix

from shared import jobs, keyspace, store
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from tests.house import RECURO

CONCURRENCY = 64
PAYLOAD = {"event": "order.paid", "text": "x" * 168}
BODY = json.dumps(PAYLOAD, separators=(",", ":"))
"""200 bytes, the same from both workers."""


class Contender(Protocol):
    """One queue with one worker process, on a Redis of its own."""

    name: ClassVar[str]
    argv: ClassVar[list[str]]

    def environment(self, redis_url: str) -> dict[str, str]:
        """What the worker process needs on top of the harness's own environment."""

    async def open(self, redis_url: str) -> None: ...

    async def close(self) -> None: ...

    async def is_ready(self) -> bool:
        """Whether the worker is up and looking for jobs."""

    async def enqueue(self, url: str) -> None:
        """One job, the way an application makes one."""

    async def has_recorded(self, n: int) -> bool:
        """Whether the results of all `n` jobs are in Redis."""


class Recuro:
    """`recuro worker`, fed through the function behind `POST /api/jobs`."""

    name: ClassVar[str] = "Recuro"
    argv: ClassVar[list[str]] = [str(RECURO), "worker"]

    def environment(self, redis_url: str) -> dict[str, str]:
        return {
            "RECURO_REDIS_URL": redis_url,
            "RECURO_EGRESS_ALLOW": "127.0.0.0/8",
            "RECURO_WORKER_CONCURRENCY": str(CONCURRENCY),
            "RECURO_LOG_LEVEL": "WARNING",
        }

    async def open(self, redis_url: str) -> None:
        self._redis = store.connect(Settings(redis_url=redis_url))
        self._team = keyspace.Team(1)

    async def close(self) -> None:
        await self._redis.aclose()

    async def is_ready(self) -> bool:
        return bool(await self._redis.zcard(keyspace.live()))

    async def enqueue(self, url: str) -> None:
        await jobs.create(self._redis, self._team, JobCreate(queue="bench", url=url, payload=PAYLOAD))

    async def has_recorded(self, n: int) -> bool:
        completed: int = await self._redis.zcard(f"{self._team.prefix}x:{self._team.id}:completed")
        return completed >= n


class Arq:
    """arq's own worker and queue, polling as often as it sensibly can."""

    name: ClassVar[str] = "arq, poll 0.01 s"
    argv: ClassVar[list[str]] = [sys.executable, "-m", "tests.bench.arq_worker"]
    poll_delay: ClassVar[float] = 0.01

    def environment(self, redis_url: str) -> dict[str, str]:
        return {
            "BENCH_REDIS_URL": redis_url,
            "BENCH_CONCURRENCY": str(CONCURRENCY),
            "BENCH_POLL_DELAY": str(self.poll_delay),
        }

    async def open(self, redis_url: str) -> None:
        self._pool: ArqRedis = await create_arq_pool(RedisSettings.from_dsn(redis_url))

    async def close(self) -> None:
        await self._pool.aclose()

    async def is_ready(self) -> bool:
        return bool(await self._pool.exists(default_queue_name + health_check_key_suffix))

    async def enqueue(self, url: str) -> None:
        await self._pool.enqueue_job("deliver", url, BODY)

    async def has_recorded(self, n: int) -> bool:
        return not await self._pool.zcard(default_queue_name)


class ArqDefault(Arq):
    """arq as it comes, looking for jobs twice a second."""

    name: ClassVar[str] = "arq, default poll 0.5 s"
    poll_delay: ClassVar[float] = 0.5


async def enqueue_many(contender: Contender, url: str, n: int) -> None:
    """`n` jobs, some of them at a time."""
    for start in range(0, n, CONCURRENCY):
        await asyncio.gather(*(contender.enqueue(url) for _ in range(start, min(start + CONCURRENCY, n))))
