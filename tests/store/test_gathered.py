"""What one reader wants at once is one round trip, and each answer is its own."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from services.cli.embedded import EmbeddedServer
from shared.actions import jobs
from shared.errors import Damaged
from shared.schemas.jobs import JobQuery
from shared.settings import Settings
from shared.store import connection
from shared.store.gathered import Gathered
from shared.store.keyspace import Team
from tests.pages.work import filling

SHOP = Team(1)


async def reads(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def hash_of(redis: Redis, key: str) -> dict[str, str]:
    found: dict[str, str] = await redis.hgetall(key)  # type: ignore[misc]
    return found


async def test_what_is_wanted_beside_each_other_is_one_round_trip(redis: Redis) -> None:
    await redis.hset("h", mapping={"a": "1"})  # type: ignore[misc]
    await redis.set("s", "x")
    reader = Gathered.of(redis)
    before = await reads(redis)

    found = await asyncio.gather(
        hash_of(reader, "h"), reader.get("s"), reader.exists("h", "no"), reader.time()
    )

    assert [*found][:3] == [{"a": "1"}, "x", 1]
    assert isinstance(found[3], tuple)
    assert reader.trips == 1
    assert await reads(redis) - before - 1 == 1


async def test_pages_of_lists_are_read_as_without_it(redis: Redis) -> None:
    await filling.made(redis, 30)
    reader, query = Gathered.of(redis), JobQuery(per_page=30)

    found = await asyncio.gather(*(jobs.page(reader, SHOP, query) for _ in range(4)))
    alone = await jobs.page(redis, SHOP, query)

    assert found == [alone] * 4
    assert reader.trips == 3  # the ids of all, then 25 rows of each, then the rest


async def test_one_that_fails_fails_alone(redis: Redis) -> None:
    await redis.set("s", "x")
    reader = Gathered.of(redis)

    wrong, well, unknown = [
        asyncio.ensure_future(one)
        for one in (hash_of(reader, "s"), reader.get("s"), reader.fcall("no_such", 0))
    ]

    with pytest.raises(Damaged):
        await wrong
    assert await well == "x"
    with pytest.raises(ResponseError):
        await unknown
    assert reader.trips == 1


async def test_who_leaves_takes_nothing_from_others(redis: Redis) -> None:
    await redis.set("s", "x")
    reader = Gathered.of(redis)
    leaving, staying = (asyncio.ensure_future(reader.get("s")) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == "x"
    assert await reader.get("s") == "x"


async def test_where_redis_is_gone_all_are_told(server: EmbeddedServer) -> None:
    async with connection.connect(Settings(redis_url=f"{server.url}.gone")) as away:
        reader = Gathered.of(away)

        found = await asyncio.gather(reader.get("a"), reader.get("b"), return_exceptions=True)

    assert all(isinstance(one, RedisConnectionError) for one in found)
    with pytest.raises(RedisConnectionError):
        await reader.get("a")
