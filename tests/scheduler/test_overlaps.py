"""A fire during an execution of the same cron runs, is skipped, or waits, by the overlap policy."""

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.patrol import patrol
from services.scheduler.rescue import PATIENCE, find_in_flight, rescue
from services.worker.work import Complete, Fail, Postpone, Verdict
from shared import clock
from shared.actions import executions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import MINUTE, NOON, SHARD, a_cron, claim, end, history, ledgers_add_up, told


async def test_overlap_allow_runs_them_side_by_side(redis: Redis, team: Team) -> None:
    await a_cron(redis, team)

    for minute in (1, 2, 3):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    assert len(await claim(redis, NOON + 3 * MINUTE)) == 3


async def test_overlap_skip_leaves_out_what_meets_one_that_runs(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, overlap_policy="skip")
    await fire_due(redis, SHARD, NOON + MINUTE)
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)  # the first one still waits
    works = await claim(redis, NOON + 2 * MINUTE)
    await fire_due(redis, SHARD, NOON + 3 * MINUTE)

    await end(redis, works, NOON + 3.5 * MINUTE)
    await fire_due(redis, SHARD, NOON + 4 * MINUTE)

    expected = [("run", 1, 0), ("overlap", 2, 0), ("overlap", 3, 0), ("run", 4, 0)]
    assert await told(redis, team, cron) == expected
    assert await ledgers_add_up(redis, team)


@pytest.mark.parametrize("verdict", [Complete(), Fail()])
async def test_overlap_queue_one_lets_one_wait_until_the_other_has_ended(
    redis: Redis, team: Team, verdict: Verdict
) -> None:
    cron = await a_cron(redis, team, overlap_policy="queue_one")
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)
    await fire_due(redis, SHARD, NOON + 3 * MINUTE)
    waiting = (await history(redis, team, cron))[1]
    idle = await claim(redis, NOON + 3 * MINUTE)

    await end(redis, works, NOON + 3.5 * MINUTE, verdict)
    (next_one,) = await claim(redis, NOON + 3.5 * MINUTE)
    await fire_due(redis, SHARD, NOON + 4 * MINUTE)

    assert waiting.waits_for == "the execution before it"
    assert (idle, next_one.id) == ([], waiting.id)
    expected = [("run", 1, 0), ("run", 2, 0), ("overlap", 3, 0), ("run", 4, 0)]
    assert await told(redis, team, cron) == expected
    assert await claim(redis, NOON + 4 * MINUTE) == []
    assert await ledgers_add_up(redis, team)


async def test_one_that_waits_in_line_is_not_started_by_the_patrol_but_never_forgotten(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, overlap_policy="queue_one")
    await fire_due(redis, SHARD, NOON + MINUTE)
    (first,) = await claim(redis, NOON + MINUTE)
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)
    at = clock.milliseconds(NOON + 2 * MINUTE)

    calm = await patrol(redis, SHARD, at)
    await redis.delete(f"{team.prefix}e:{team.id}:{first.id}")  # as if by hand: nothing will end it
    await redis.zrem(f"{team.prefix}x:{team.id}:c{cron.id}:processing", first.id)
    mended = await patrol(redis, SHARD, at)

    assert (calm, mended) == (0, 1)
    assert [work.id for work in await claim(redis, NOON + 2 * MINUTE)] == [first.id + 1]
    assert await redis.hget(f"{team.prefix}c:{team.id}:{cron.id}", "queued") is None  # type: ignore[misc]


async def test_one_that_waits_in_line_starts_when_the_other_is_lost_for_good(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, overlap_policy="queue_one")
    await fire_due(redis, SHARD, NOON + MINUTE)
    await claim(redis, NOON + MINUTE)
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)

    for _ in range(PATIENCE):
        await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
        works = await claim(redis, NOON + 2 * MINUTE)

    assert [one.status for one in await history(redis, team, cron)] == ["failed", "processing"]
    assert len(works) == 1


async def test_one_that_waits_for_its_host_is_still_in_the_way(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, overlap_policy="skip")
    await fire_due(redis, SHARD, NOON + MINUTE)

    await end(redis, await claim(redis, NOON + MINUTE), NOON + MINUTE, Postpone(600, "its host"))
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)

    assert await told(redis, team, cron) == [("run", 1, 0), ("overlap", 2, 0)]


async def test_one_that_waits_in_line_waits_for_all_that_run(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, overlap_policy="queue_one")
    await executions.create(call_of(redis, team), cron.id)  # by hand, beside the schedule
    by_hand = await claim(redis, NOON)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await executions.create(call_of(redis, team), cron.id)
    another = await claim(redis, NOON + MINUTE)

    await end(redis, by_hand, NOON + MINUTE)
    waits = await claim(redis, NOON + MINUTE)
    await end(redis, another, NOON + MINUTE)

    assert waits == []
    assert [work.id for work in await claim(redis, NOON + MINUTE)] == [2]
