import pytest
from redis.asyncio import Redis

from shared import jobs
from shared.keyspace import Team
from shared.schemas.jobs import JobCreate, JobQuery
from shared.store import AWAY

JOB = JobCreate(queue="mail", url="https://a.example")


async def test_a_redis_that_refuses_writes_counts_as_away_and_can_still_be_read(
    redis: Redis, team: Team
) -> None:
    await jobs.create(redis, team, JOB)
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(AWAY):
            await jobs.create(redis, team, JOB)
        await redis.script_flush()
        with pytest.raises(AWAY):
            await jobs.create(redis, team, JOB)
        assert (await jobs.page(redis, team, JobQuery())).total == 1
    finally:
        await redis.config_set("min-replicas-to-write", 0)


async def test_out_of_memory_refuses_a_job_whole_and_leaves_reads_and_deletes(
    redis: Redis, team: Team
) -> None:
    made = await jobs.create(redis, team, JOB)
    await redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(AWAY):
            await jobs.create(redis, team, JOB)
        assert (await jobs.page(redis, team, JobQuery())).total == 1
        await jobs.delete(redis, team, made.id)
    finally:
        await redis.config_set("maxmemory", 0)
    assert (await jobs.page(redis, team, JobQuery())).total == 0
