"""Shared keys are checked for damage, which costs almost nothing while there is none."""

import time

import pytest
from redis.asyncio import Redis

from services.scheduler.sound import mend_teams
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]


async def teams(redis: Redis, count: int) -> None:
    for number in range(1, count + 1):
        await jobs.create(call_of(redis, Team(number)), JobCreate(queue="mail", url="https://a.example/"))


async def test_a_look_at_teams_rests_after_each(redis: Redis) -> None:
    await teams(redis, 10)
    began, cpu = time.monotonic(), time.process_time()

    await mend_teams(redis, SHARD)

    assert time.process_time() - cpu < 0.1 * (time.monotonic() - began)


@pytest.mark.writes_records
async def test_a_team_that_cannot_be_mended_hides_no_other(redis: Redis) -> None:
    await teams(redis, 2)
    prefix = keyspace.prefix(SHARD)
    for number in (1, 2):
        await redis.hset(f"{prefix}ledger:{number}", "job.pending", "many")  # type: ignore[misc]
    await redis.zadd(f"{prefix}x:1:crons:active", {"5": 5})
    await redis.set(f"{prefix}x:1:c5:pending", "junk")

    mended = await mend_teams(redis, SHARD)

    assert mended == ["ledger:2"]
    assert {"ledger:1", "ledger:2", "team:1"} <= {one.name for one in await damage.found(redis, SHARD)}


@pytest.mark.usefixtures("token", "other_token")
async def test_teams_that_the_list_has_lost_are_listed_again(redis: Redis) -> None:
    await redis.delete(keyspace.teams_in(SHARD))

    await mend_teams(redis, SHARD)

    assert await reconcile.teams(redis, SHARD) == [Team(1), Team(2)]
