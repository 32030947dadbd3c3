"""A job is read with the name of who probably made it, and right where somebody else did."""

import pytest
from redis.asyncio import Redis

from shared.actions import jobs
from shared.errors import Damaged, NotFound
from shared.schemas.jobs import JobCreate
from shared.security import tokens
from shared.security.caller import Caller
from shared.store import account_keys, keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

TOKENS = f"{keyspace.prefix(keyspace.GLOBAL)}tokens:1"
JOB = JobCreate.model_validate({"queue": "mail", "url": "https://a.example/x"})


@pytest.fixture
async def made(redis: Redis, team: Team) -> Team:
    """Where the token 1, called "one", made job 1, and there is a token 2, called "two"."""
    for name in ("one", "two"):
        await tokens.create(redis, team="likely", name=name, scopes=("admin",))
    await jobs.create(call_of(redis, team, caller=Caller(team, frozenset({"admin"}), id=1)), JOB)
    return team


async def trips(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def name_of(redis: Redis, team: Team, maker: str | None) -> str | None:
    job = await jobs.get(redis, team, 1, maker)
    assert job.created_by
    return job.created_by.name


@pytest.mark.parametrize(("maker", "cost"), [("t:1", 1), ("t:2", 2), ("u:7", 2), (None, 2)])
async def test_who_asks_for_its_own_job_does_so_once(
    redis: Redis, made: Team, maker: str | None, cost: int
) -> None:
    await name_of(redis, made, maker)
    before = await trips(redis)

    name = await name_of(redis, made, maker)

    assert name == "one"
    assert await trips(redis) - before == cost + 1  # and to ask how many


async def test_a_maker_is_called_as_it_is_called_now(redis: Redis, made: Team) -> None:
    before = await name_of(redis, made, "t:1")
    digest = await redis.hget(TOKENS, "1")  # type: ignore[misc]
    await redis.hset(account_keys.token(str(digest)), "name", "other")  # type: ignore[misc]

    assert (before, await name_of(redis, made, "t:1")) == ("one", "other")


async def test_what_is_not_there_is_not_found_whoever_asks(redis: Redis, made: Team) -> None:
    with pytest.raises(NotFound):
        await jobs.get(redis, made, 2, "t:1")


async def test_a_library_that_is_lost_comes_back(redis: Redis, made: Team) -> None:
    await redis.function_flush()  # type: ignore[misc]

    assert await name_of(redis, made, "t:1") == "one"


async def test_a_job_without_a_name_is_better_than_none(redis: Redis, made: Team) -> None:
    await redis.set(TOKENS, "damaged")

    assert await name_of(redis, made, "t:1") is None


async def test_a_damaged_job_is_told_as_one(redis: Redis, made: Team) -> None:
    await redis.set(f"{made.prefix}j:{made.id}:1", "damaged")

    with pytest.raises(Damaged):
        await jobs.get(redis, made, 1, "t:1")
