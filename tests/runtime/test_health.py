"""Signs of life are by the clock of the installation: whoever gives one need not know the time."""

import os
import socket

import pytest
from redis.asyncio import Redis

from shared import clock
from shared.runtime import health
from shared.store import keyspace, moments

HOST = socket.gethostname()
HOUR_MS = 3_600_000


def member(service: str) -> str:
    """How a sign of this process is kept."""
    return f"{service}:{HOST}:{os.getpid()}"


@pytest.mark.parametrize("correction", [-HOUR_MS, 0, HOUR_MS])
async def test_a_sign_holds_for_three_beats_of_the_installations_clock(redis: Redis, correction: int) -> None:
    await redis.set(keyspace.correction(health.SHARD), correction)

    await health.beat(redis, "worker")

    now = clock.milliseconds(await moments.now(redis, health.SHARD))
    until = await redis.zscore(keyspace.live(), member("worker"))
    assert until == pytest.approx(now + 3000 * health.HEALTH_SECONDS, abs=1000)
    assert await health.alive(redis, "worker", HOST)


async def test_who_gave_none_for_too_long_is_given_up(redis: Redis) -> None:
    now = clock.milliseconds(await moments.now(redis, health.SHARD))
    await redis.zadd(keyspace.live(), {"worker:b:1": now - 1, "worker:c:1": now + 5000})

    seen = [await health.alive(redis, "worker", host) for host in "bc"]
    await health.beat(redis, "scheduler")

    assert seen == [False, True]
    assert await redis.zscore(keyspace.live(), "worker:b:1") is None
    assert await redis.zscore(keyspace.live(), "worker:c:1") is not None


async def test_a_sign_from_before_the_clock_was_set_back_holds_as_long_as_a_new_one(redis: Redis) -> None:
    now = clock.milliseconds(await moments.now(redis, health.SHARD))
    await redis.zadd(keyspace.live(), {"worker:b:1": now + HOUR_MS})

    await health.beat(redis, "scheduler")

    assert await health.living(redis) == {"worker": 1, "scheduler": 1}
    signs = [await redis.zscore(keyspace.live(), name) for name in ("worker:b:1", member("scheduler"))]
    assert signs[0] == signs[1]


async def test_who_leaves_is_gone_at_once(redis: Redis) -> None:
    await health.beat(redis, "worker")

    await health.leave(redis, "worker")

    assert not await health.alive(redis, "worker", HOST)
