"""What a claim costs with 10,000 keys in a queue against one: `python -m tests.bench.engine.keys`, side by side in one run."""

import asyncio
import sys
import tempfile
import time
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
from tests.calls import call_of

JOBS, KEYS = 20_000, 10_000
BATCH, CLAIM, TIMES = 500, 16, 120
MOST_RATIO = 1.5
RUN = "[1,200,1,1]"
ONE, MANY = keyspace.Team(1), keyspace.Team(2)


async def measure(folder: Path) -> dict[str, float]:
    """Medians in ms of a claim of 16, of a team whose queue has one key and of one whose has 10,000."""
    server = embedded.start(folder)
    redis = connection.connect(Settings(redis_url=server.url), blocking_seconds=30.0)
    try:
        took: dict[str, list[float]] = {"one key": [], "10,000 keys": []}
        worker = Claims(redis, keyspace.SHARDS[0], "bench")
        for _ in range(TIMES):
            for name, team, keys in (("one key", ONE, 1), ("10,000 keys", MANY, KEYS)):
                await _fill_up(redis, team, keys)
                took[name].append(await _claim(redis, worker, team))
    finally:
        await redis.aclose()
        server.stop()
    return {name: median(times) for name, times in took.items()}


async def _fill_up(redis: Redis, team: keyspace.Team, keys: int) -> None:
    waiting = int(await redis.zcard(f"{team.prefix}x:{team.id}:pending"))
    for start in range(waiting, JOBS, BATCH):
        numbers = range(start, min(start + BATCH, JOBS))
        asked = [
            JobCreate(queue="work", url="http://127.0.0.1/", key=f"key-{number % keys}") for number in numbers
        ]
        await jobs.create_many(call_of(redis, team), asked)


async def _claim(redis: Redis, worker: Claims, team: keyspace.Team) -> float:
    """With the other team out of the turns, so that all that is claimed is of this one."""
    other = MANY if team == ONE else ONE
    await redis.zrem(keyspace.turns(team.shard), str(other.id))
    began = time.perf_counter()
    works = await worker.claim(CLAIM)
    took = (time.perf_counter() - began) * 1000
    assert {work.team for work in works} == {team.id}
    assert len(works) == CLAIM
    await worker.finish([Result(work, Complete(), RUN) for work in works])
    await redis.zadd(keyspace.turns(team.shard), {str(other.id): 0})
    return took


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        found = asyncio.run(measure(Path(name)))
    ratio = found["10,000 keys"] / found["one key"]
    print(*(f"{name}: {ms:.2f} ms" for name, ms in found.items()), f"ratio {ratio:.2f}", sep="; ")
    sys.exit(ratio > MOST_RATIO)


if __name__ == "__main__":
    main()
