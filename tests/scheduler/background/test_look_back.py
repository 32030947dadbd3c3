"""What a backfill leaves out, exactly: however many others ran at a moment, and in whatever order it was made up for."""

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.work import Fail
from shared import clock
from shared.actions.reports import backfills
from shared.schemas.crons import Cron
from shared.store import transitions
from shared.store.keyspace import Team
from tests.fires import MINUTE, NOON, SECOND, SHARD, a_cron, claim, end
from tests.scheduler.background.test_backfills import begun, looked_at, made, run_all, step

BACK = NOON + 50 * MINUTE
ONE_CALL = 500
"""Executions that one call looks at, as in `backfills.lua`."""


async def by_hand(redis: Redis, team: Team, cron: Cron, count: int) -> None:
    for _ in range(count):
        await transitions.run_cron(redis, team, cron=cron.id, now_ms=clock.milliseconds(BACK))


async def end_all(redis: Redis) -> None:
    while works := await claim(redis, BACK, 500):
        await end(redis, works, BACK)


async def test_what_was_caught_up_among_many_crons_after_runs_by_hand_is_left_out(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all")
    await by_hand(redis, team, cron, 20)  # while no scheduler was there to make its fires
    await fire_due(redis, SHARD, BACK)
    for _ in range(110):  # as many others of the newest fire
        await a_cron(redis, team, at=BACK - 90 * SECOND)
    await fire_due(redis, SHARD, BACK)
    await end_all(redis)

    looked = await looked_at(redis, team, cron, NOON + MINUTE, BACK, at=BACK + SECOND)
    await begun(redis, team, cron, NOON + MINUTE, BACK, at=BACK + SECOND)
    await run_all(redis, BACK + SECOND)

    assert (looked.fires, looked.count) == (50, 0)
    assert await made(redis, team, cron) == []


async def test_what_lies_beyond_one_call_is_found(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all")
    await by_hand(redis, team, cron, ONE_CALL + 10)
    await end_all(redis)
    await fire_due(redis, SHARD, BACK)
    await end_all(redis)

    looked = await looked_at(redis, team, cron, NOON, BACK, at=BACK + SECOND)
    backfill = await begun(redis, team, cron, NOON, BACK, at=BACK + SECOND)
    await step(redis, BACK + SECOND)
    first = (await backfills.get(redis, team, backfill.id)).left
    await run_all(redis, BACK + SECOND)

    assert (looked.fires, looked.count, first) == (51, 1, 51)
    assert [one.scheduled_at for one in await made(redis, team, cron)] == [NOON]
    assert await redis.keys("*backfill_seen*") == []


async def test_what_fails_before_its_turn_is_made(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    works = await claim(redis, NOON + MINUTE)
    await begun(redis, team, cron, NOON, NOON + MINUTE, at=NOON + MINUTE + SECOND)
    await step(redis, NOON + MINUTE + SECOND)

    await end(redis, works, NOON + MINUTE + SECOND, Fail())
    await run_all(redis, NOON + MINUTE + 2 * SECOND)

    assert [one.scheduled_at for one in await made(redis, team, cron)] == [NOON, NOON + MINUTE]


async def test_while_too_many_wait_to_be_seen_at_once_it_waits(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await by_hand(redis, team, cron, ONE_CALL)
    backfill = await begun(redis, team, cron, NOON, NOON, at=BACK)

    await step(redis, BACK)
    await step(redis, BACK)
    waiting = (await backfills.get(redis, team, backfill.id)).made
    await end(redis, await claim(redis, BACK, 1), BACK)
    await step(redis, BACK)  # those that wait are one call's
    await step(redis, BACK)

    assert waiting == 0
    assert (await backfills.get(redis, team, backfill.id)).made == 1


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_nothing_of_what_it_saw_is_left(redis: Redis, team: Team, is_cancelled: bool) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    backfill = await begun(redis, team, cron, NOON, NOON + MINUTE, at=NOON + MINUTE + SECOND)
    await step(redis, NOON + MINUTE + SECOND)
    seen = await redis.keys("*backfill_seen*")

    if is_cancelled:
        await transitions.cancel_backfill(redis, team, backfill=backfill.id)
    await end_all(redis)
    await run_all(redis, NOON + MINUTE + 2 * SECOND)

    assert (len(seen), await redis.keys("*backfill_seen*")) == (1, [])
