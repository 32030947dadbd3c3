from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from shared import clock
from shared.actions import jobs, limits
from shared.schemas.jobs import JobCreate
from shared.store import keyspace, moments
from shared.store.care import overdue
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
WRONG_BY = timedelta(hours=2)
SOON = timedelta(seconds=5)


async def of_redis(redis: Redis) -> datetime:
    seconds, microseconds = await redis.time()
    return clock.moment(1000 * seconds + microseconds / 1000)


async def correct(redis: Redis, by: timedelta) -> None:
    await redis.set(keyspace.correction(SHARD), round(by.total_seconds() * 1000))


async def test_without_a_correction_it_is_the_clock_of_redis(redis: Redis) -> None:
    now = await moments.now(redis, SHARD)

    assert timedelta(0) <= await of_redis(redis) - now < SOON


async def test_python_and_every_script_add_the_correction(redis: Redis, team: Team) -> None:
    await correct(redis, -WRONG_BY)

    now = await moments.now(redis, SHARD)
    made = await jobs.create(
        call_of(redis, team), JobCreate(queue="work", url="https://a.example/", delay=60)
    )

    right = await of_redis(redis) - WRONG_BY
    job = await jobs.get(redis, team, made.id)
    assert abs(now - right) < SOON
    assert abs(job.created_at - right) < SOON
    assert abs(job.scheduled_at - right - timedelta(seconds=60)) < SOON


async def test_what_is_overdue_is_so_by_the_installations_clock(redis: Redis, team: Team) -> None:
    await redis.zadd(keyspace.due(SHARD), {"j:1:1": clock.milliseconds(await of_redis(redis))})

    await correct(redis, WRONG_BY)

    assert abs(await overdue.longest(redis) - WRONG_BY.total_seconds()) < SOON.total_seconds()


async def test_the_month_of_a_teams_usage_is_the_installations(redis: Redis, team: Team) -> None:
    await correct(redis, timedelta(days=40))

    usage = await limits.usage(redis, team)

    assert usage.month == f"{await of_redis(redis) + timedelta(days=40):%Y-%m}"


@pytest.mark.parametrize("key", [keyspace.correction(SHARD), keyspace.trusted_until(SHARD)])
async def test_what_is_no_number_is_as_if_it_were_lost(redis: Redis, key: str) -> None:
    await redis.set(key, "junk")

    now, seen = await moments.now(redis, SHARD), await moments.read(redis, SHARD)

    assert timedelta(0) <= await of_redis(redis) - now < SOON
    assert (seen.correction_ms, seen.was_vouched) == (0, False)
