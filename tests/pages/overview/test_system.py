"""The system: what runs, and what keeps it from working."""

import pytest
from redis.asyncio import Redis

from services.api.pages.overview import grounds
from shared.runtime import health, installation
from shared.store import account_keys
from shared.version import VERSION
from tests.pages.browser import Browser, enter, make_user

SYSTEM = "/system"


async def test_without_processes_it_says_that_none_runs(owner: Browser) -> None:
    page = await owner.open(SYSTEM)

    assert "Two things are wrong with the system." in page.text
    assert "No scheduler runs" in page.text
    assert "No worker runs" in page.text


async def test_where_all_runs_it_is_well(owner: Browser, redis: Redis) -> None:
    await health.beat(redis, "scheduler")
    await health.beat(redis, "worker")

    page = await owner.open(SYSTEM)

    assert "The system is well." in page.text
    assert f"Recuro {VERSION}, for all teams" in page.text
    assert "Schedulers 1 alive" in page.text
    assert "noeviction nothing is dropped" in page.text


async def test_a_process_in_trouble_is_counted_and_not_named(owner: Browser, redis: Redis) -> None:
    await health.beat(redis, "scheduler")
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
