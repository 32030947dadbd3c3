"""What the doctor finds about the clock."""

import time

import pytest
from redis.asyncio import Redis

from services.cli import punctuality
from services.cli.findings import Finding
from services.scheduler.watch import Watch
from shared.store import keyspace, transitions
from shared.store.care import retention
from tests.vouching import SHARD, vouch

HOUR = 3_600_000


async def now_ms(redis: Redis) -> int:
    return (await transitions.read_clock(redis, SHARD)).now_ms


async def test_a_clock_that_nobody_has_looked_at_is_no_fault(redis: Redis) -> None:
    assert await punctuality.examine(redis) == [
        Finding(True, "clock: no scheduler has looked at it lately"),
    ]


async def test_a_clock_that_agrees_is_said_to(redis: Redis) -> None:
    watch = Watch(redis, SHARD)
    now = await watch.look()
    assert now
    await watch.vouch(now)

    (found,) = await punctuality.examine(redis)

    assert found.good
    assert found.text.startswith("clock: Redis and 1 scheduler agree within")


@pytest.mark.parametrize(("correction", "said"), [(-2 * HOUR, "7200.0 s ahead"), (HOUR, "3600.0 s behind")])
async def test_a_clock_of_redis_that_is_corrected_is_named(redis: Redis, correction: int, said: str) -> None:
    await transitions.correct(redis, SHARD, seen_ms=0, correction_ms=correction, most=500)
    await vouch(redis, await now_ms(redis))

    (found,) = await punctuality.examine(redis)

    assert not found.good
    assert said in found.text


async def test_a_clock_that_nobody_vouches_for_any_more_is_named(redis: Redis) -> None:
    await vouch(redis, await now_ms(redis) - HOUR)

    (found,) = await punctuality.examine(redis)

    assert not found.good
    assert "no scheduler vouches for it" in found.text


async def test_a_scheduler_whose_own_clock_is_wrong_is_named(redis: Redis) -> None:
    now = await now_ms(redis)

    ahead = round(time.time() * 1000) - now + HOUR
    await transitions.vouch(redis, SHARD, judged_ms=now, scheduler="host-1:42", ahead_ms=ahead)

    (found,) = await punctuality.examine(redis)
    assert not found.good
    assert "scheduler host-1:42 is 3600.0 s ahead" in found.text


async def test_history_that_waits_is_named_with_the_command_that_lets_it_go(redis: Redis) -> None:
    now = str(await now_ms(redis))
    await redis.hset(keyspace.retention_waits(SHARD), mapping={"1:q7:completed": now})  # type: ignore[misc]

    (found,) = [one for one in await punctuality.examine(redis) if "retention" in one.text]
    await retention.confirm(redis, SHARD)

    assert not found.good
    assert "1:q7:completed" in found.text
    assert "recuro retention --confirm" in found.text
    assert [one for one in await punctuality.examine(redis) if "retention" in one.text] == []
