"""A cron by the key of its caller's own, where several write at once or records are lost."""

import asyncio

import pytest
from redis.asyncio import Redis

from shared.actions import crons
from shared.errors import NotFound
from shared.schemas.crons import CronCreate, CronMade, CronWithWarnings
from shared.store.keyspace import Team
from tests.calls import call_of

CRON = CronCreate(name="Nightly", url="https://example.com/a", cron_expression="0 3 * * *")


async def upsert(redis: Redis, team: Team, key: str = "nightly") -> CronWithWarnings:
    return await crons.upsert(call_of(redis, team), key, CRON)


def keys_of(team: Team) -> str:
    return f"{team.prefix}cron_keys:{team.id}"


async def test_many_at_once_make_one(redis: Redis, team: Team) -> None:
    made = await asyncio.gather(*(upsert(redis, team) for _ in range(4)))

    assert len({cron.id for cron in made}) == 1
    assert [type(cron) for cron in made].count(CronMade) == 1


async def test_a_key_goes_with_its_cron(redis: Redis, team: Team) -> None:
    made, other = await upsert(redis, team), await upsert(redis, team, "other")

    await crons.delete(call_of(redis, team), made.id)

    assert await redis.hgetall(keys_of(team)) == {"other": str(other.id)}  # type: ignore[misc]
    assert (await upsert(redis, team)).id not in (made.id, other.id)


async def test_keys_that_were_lost_are_read_from_the_crons(redis: Redis, team: Team) -> None:
    made = await upsert(redis, team)
    await redis.delete(keys_of(team))

    assert (await upsert(redis, team)).id == made.id


async def test_the_key_of_a_cron_whose_record_was_lost_makes_another(redis: Redis, team: Team) -> None:
    made = await upsert(redis, team)
    await redis.delete(f"{team.prefix}c:{team.id}:{made.id}")

    with pytest.raises(NotFound):
        await crons.get(redis, team, made.id)
    assert isinstance(again := await upsert(redis, team), CronMade)
    await crons.delete(call_of(redis, team), made.id)
    assert (await upsert(redis, team)).id == again.id


async def test_a_cron_whose_key_another_has_meanwhile_takes_it_from_nobody(redis: Redis, team: Team) -> None:
    first = await upsert(redis, team)
    await upsert(redis, team, "other")
    await redis.hdel(keys_of(team), "nightly")  # type: ignore[misc]
    second = await upsert(redis, team)

    await crons.delete(call_of(redis, team), first.id)

    assert (await upsert(redis, team)).id == second.id != first.id
