"""Fires to come, read of one hash of the team: what it lacks or has wrong is told by the records, and mended."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared.store import keyspace
from shared.store.care import reconcile
from shared.store.keyspace import Team
from tests.api.crons.test_coming import coming, made
from tests.fires import NOON
from tests.truth.planned import planned_agree
from tests.vouching import let_it_be

SHARD = keyspace.SHARDS[0]
HALF_A_DAY = (NOON + timedelta(hours=12)).isoformat()


def key_of(team: Team) -> str:
    return f"{team.prefix}planned:{team.id}"


async def total(client: AsyncClient) -> int:
    return int((await coming(client, to=HALF_A_DAY))["total"])


@pytest.fixture
async def crons(client: AsyncClient, redis: Redis) -> int:
    """Three crons; returns how many fires they have until midnight."""
    await let_it_be(redis, NOON)
    for expression, most in (("*/20 * * * *", None), ("0 * * * *", 3), ("30 */6 * * *", None)):
        await made(client, cron_expression=expression, max_runs=most)
    return 35 + 3 + 2


async def test_all_of_them_are_read_of_it(client: AsyncClient, redis: Redis, team: Team, crons: int) -> None:
    known = await redis.hgetall(key_of(team))  # type: ignore[misc]

    assert sorted(known) == ["1", "1:next", "2", "2:next", "3", "3:next"]
    assert known["2"].split("\x1f")[:3] == ["ping", "0 * * * *", "UTC"]
    assert known["2:next"].split("\x1f")[1] == "0"
    assert await total(client) == crons


@pytest.mark.parametrize("lost", [["1"], ["2:next"], ["1", "1:next", "3", "3:next"]])
async def test_what_it_lacks_is_read_of_records_and_written_by_the_patrol(
    client: AsyncClient, redis: Redis, team: Team, crons: int, lost: list[str]
) -> None:
    await redis.hdel(key_of(team), *lost)  # type: ignore[misc]

    assert await total(client) == crons
    assert await reconcile.patrol_crons(redis, team) == []
    await planned_agree(redis)


@pytest.mark.parametrize("given", ["junk", None])
async def test_without_it_crons_are_listed_changed_and_fired_as_ever(
    client: AsyncClient, redis: Redis, team: Team, crons: int, given: str | None
) -> None:
    await (redis.set(key_of(team), given) if given else redis.delete(key_of(team)))
    listed = await total(client)
    await client.patch("/api/crons/3", json={"is_active": False})
    await client.delete("/api/crons/1")
    await let_it_be(redis, NOON + timedelta(hours=1))
    await fire_due(redis, SHARD, NOON + timedelta(hours=1))
    assert (await client.get("/api/crons/2/executions")).json()["total"] == 1
    await reconcile.patrol_crons(redis, team)

    assert listed == crons
    assert not await redis.hexists(key_of(team), "1")  # type: ignore[misc]
    assert await total(client) == 2


@pytest.mark.parametrize(
    ("changed", "fires"), [({"expression": "*/30 * * * *"}, 23 + 3 + 2), ({"max_runs": "4"}, 4 + 3 + 2)]
)
async def test_what_another_version_wrote_into_a_record_counts_from_the_next_patrol_on(
    client: AsyncClient, redis: Redis, team: Team, crons: int, changed: dict[str, str], fires: int
) -> None:
    await redis.hset(f"{team.prefix}c:{team.id}:1", mapping=changed)  # type: ignore[misc]
    before = await total(client)

    await reconcile.patrol_crons(redis, team)

    assert (before, await total(client)) == (crons, fires)


async def test_of_a_cron_whose_record_is_lost_the_patrol_leaves_nothing(
    client: AsyncClient, redis: Redis, team: Team, crons: int
) -> None:
    await redis.delete(f"{team.prefix}c:{team.id}:1")

    await reconcile.patrol_crons(redis, team)

    assert await total(client) == 3 + 2
    assert not await redis.hexists(key_of(team), "1")  # type: ignore[misc]
    await client.delete("/api/crons/1")


async def test_a_cron_that_is_deleted_goes_out_of_it(
    client: AsyncClient, redis: Redis, team: Team, crons: int
) -> None:
    await client.delete("/api/crons/2")

    assert sorted(await redis.hkeys(key_of(team))) == ["1", "1:next", "3", "3:next"]  # type: ignore[misc]
    assert await total(client) == crons - 3
