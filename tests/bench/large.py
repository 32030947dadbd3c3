"""How long a claim takes with very many waiting jobs: `--large`."""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from redis.asyncio import Redis

from services.cli import embedded
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store import connection, keyspace
from tests.bench.feed import CONCURRENCY, PAYLOAD
from tests.calls import call_of
from tests.poll import until

TEAM = keyspace.Team(1)
QUEUES = 20
FEW, MANY = 1_000, 1_000_000
BATCH = 500
REWRITE_SECONDS = 180.0
CLAIMS, TIMES = 10, 10
RUN = '[1,200,[["content-type","text/plain"]],"ok",false,1,1700000000000,1700000000001]'


@dataclass(frozen=True, slots=True)
class Large:
    """Medians of a claim of 64, with few and with many jobs waiting in 20 queues."""

    few_ms: float
    many_ms: float


async def measure(folder: Path) -> Large:
    """Takes minutes, and a gigabyte of memory."""
    server = embedded.start(folder)
    redis = connection.connect(Settings(redis_url=server.url), blocking_seconds=30.0)
    try:
        await _fill(redis, FEW)
        few = await _claims(redis)
        await _fill(redis, MANY - FEW)
        await until(lambda: _is_at_rest(redis), REWRITE_SECONDS)
        many = await _claims(redis)
    finally:
        await redis.aclose()
        server.stop()
    return Large(median(few), median(many))


async def _is_at_rest(redis: Redis) -> bool:
    """Not while the append-only file is rewritten: its child makes every first write to a page a copy."""
    return not (await redis.info("persistence"))["aof_rewrite_in_progress"]


async def _fill(redis: Redis, n: int) -> None:
    for start in range(0, n, BATCH):
        numbers = range(start, min(start + BATCH, n))
        asked = [
            JobCreate(queue=f"q{number % QUEUES}", url="http://127.0.0.1/", payload=PAYLOAD)
            for number in numbers
        ]
        await jobs.create_many(call_of(redis, TEAM), asked)


async def _claims(redis: Redis) -> list[float]:
    """In ms; what was claimed is finished, and as much is made anew, so that the number stays what it was."""
    claims = Claims(redis, TEAM.shard, "bench")
    took = []
    for _ in range(TIMES):
        for _ in range(CLAIMS):
            began = time.perf_counter()
            works = await claims.claim(CONCURRENCY)
            took.append((time.perf_counter() - began) * 1000)
            assert len(works) == CONCURRENCY
            await claims.finish([Result(work, Complete(), RUN) for work in works])
        await _fill(redis, CLAIMS * CONCURRENCY)
    return took
