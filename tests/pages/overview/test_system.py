"""The system: what runs, and what keeps it from working."""

import pytest
from redis.asyncio import Redis

from services.api.pages.overview import grounds
from shared import clock
from shared.runtime import health, installation
from shared.store import account_keys, keyspace, moments, transitions
from shared.version import VERSION
from tests.pages.browser import Browser, enter, make_user

SYSTEM = "/system"


async def test_without_processes_it_says_that_none_runs(owner: Browser) -> None:
    page = await owner.open(SYSTEM)

    assert "Two things are wrong with the system." in page.text
    assert "No scheduler runs" in page.text
    assert "No worker runs" in page.text


async def begin(redis: Redis) -> None:
    """A scheduler and a worker report, and the scheduler vouches for the clock of Redis."""
    await health.beat(redis, "scheduler")
    await health.beat(redis, "worker")
    now = await moments.now(redis, health.SHARD)
    await transitions.vouch(
        redis, health.SHARD, judged_ms=clock.milliseconds(now), scheduler="here:1", ahead_ms=0
    )


async def test_where_all_runs_it_is_well(owner: Browser, redis: Redis) -> None:
    await begin(redis)

    page = await owner.open(SYSTEM)

    assert "The system is well." in page.text
    assert 'class="bad"' not in page.response.text
    assert f"Recuro {VERSION}, for all teams" in page.text
    assert "Schedulers 1 alive" in page.text
    assert "noeviction nothing is dropped" in page.text


async def test_it_is_not_well_while_nobody_vouches_for_the_clock(owner: Browser, redis: Redis) -> None:
    await begin(redis)
    await redis.delete(keyspace.trusted_until(health.SHARD))

    page = await owner.open(SYSTEM)

    assert "Nobody vouches for the clock." in page.text
    assert "Clock not vouched for" in page.text
    assert "The system is well" not in page.text


async def test_a_clock_that_was_vouched_for_once_is_one_fault_and_not_two(
    owner: Browser, redis: Redis
) -> None:
    await begin(redis)
    await redis.set(keyspace.trusted_until(health.SHARD), 1)

    page = await owner.open(SYSTEM)

    assert "Nobody vouches for the clock." in page.text
    assert "Nothing falls due until a scheduler does." in page.text


async def test_a_process_in_trouble_is_counted_and_not_named(owner: Browser, redis: Redis) -> None:
    await begin(redis)
    await health.beat(redis, "worker", {"reading": "record r:1:j:5 cannot be read"})

    page = await owner.open(SYSTEM)

    assert "One process is in trouble." in page.text
    assert "r:1:j:5" not in page.response.text


async def test_who_is_in_no_team_sees_it_too(browser: Browser, redis: Redis) -> None:
    user = await make_user(redis, "alone@example.com", "gone")
    await redis.delete(account_keys.member_of(user))
    await redis.delete(account_keys.member("1", user))
    await enter(browser, redis, user)

    page = await browser.open(SYSTEM)

    assert (page.status, page.path) == (200, SYSTEM)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("appendonly", "no", "Redis keeps nothing on disk"),
        ("maxmemory-policy", "allkeys-lru", "Redis may drop jobs"),
        ("maxmemory", "1", "Redis cannot write"),
    ],
)
async def test_what_is_wrong_with_redis_is_said(redis: Redis, setting: str, value: str, said: str) -> None:
    before = await redis.config_get(setting, "save")  # type: ignore[arg-type]
    await redis.config_set(setting, value, "save", "")  # type: ignore[arg-type]
    try:
        known = await installation.read(redis)
    finally:
        await redis.config_set(setting, before[setting], "save", before["save"])  # type: ignore[arg-type]

    assert said in [fault.title for fault in grounds.faults(known, crons=0, waiting=0)]
