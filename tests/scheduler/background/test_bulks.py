"""Changes of many in the background: each done once, however many schedulers go on with them or die."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from services.scheduler.forget import forget
from services.scheduler.replay import step_bulks
from shared.actions import crons, executions
from shared.actions.bulk import background, stepping, steps
from shared.actions.bulk import crons as of_crons
from shared.errors import Damaged, NotFound
from shared.operations import Call
from shared.schemas.bulk.results import BulkProgress
from shared.schemas.bulk.wanted import CronBulk
from shared.store import keyspace, transitions
from shared.store.care import reconcile
from shared.store.connection import OutcomeUnknown
from shared.store.keyspace import Team
from shared.store.transitions import Settled, accounts
from tests.calls import call_of
from tests.fires import SHARD, a_cron
from tests.poll import until

T = 1_790_000_000_000
"""A moment (ms)."""
HELD_MS = 15_000


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are too many for one call."""
    monkeypatch.setattr(steps, "AT_ONCE", 1)


async def begun(redis: Redis, team: Team, count: int, **body: Any) -> int:
    """A change of so many crons, whose ids begin at 1."""
    for number in range(count):
        await a_cron(redis, team, name=f"cron {number}")
    wanted = CronBulk.model_validate({"ids": list(range(1, count + 1)), **body})
    found = await of_crons.change(call_of(redis, team), wanted)
    assert isinstance(found, BulkProgress)
    return found.id


async def finish(redis: Redis, holder: str = "one", now_ms: int | None = None) -> None:
    for _ in range(100):
        if not await step_bulks(redis, SHARD, holder, now_ms):
            return
    raise AssertionError("it does not end")


async def versions(redis: Redis, team: Team, count: int) -> set[str | None]:
    keys = [f"{team.prefix}c:{team.id}:{one}" for one in range(1, count + 1)]
    return {await redis.hget(key, "version") for key in keys}  # type: ignore[misc]


async def test_one_that_others_have_is_left_to_them_until_they_must_be_gone(redis: Redis, team: Team) -> None:
    await begun(redis, team, 3, action="pause")

    async def claimed(holder: str, now_ms: int) -> list[str]:
        found = await transitions.claim_bulk(redis, team, bulk="1", holder=holder, most=2, now_ms=now_ms)
        return list(found.ids) if found else []

    assert await claimed("one", T) == ["1", "2"]
    assert await claimed("two", T + HELD_MS - 1) == []
    assert await claimed("one", T) == ["1", "2"]
    assert await claimed("two", T + HELD_MS) == ["1", "2"]
    assert await claimed("three", T - 1) == ["1", "2"]  # by a clock that was set back
    assert await transitions.settle_bulk(redis, team, [], bulk="1", holder="one", now_ms=T) == 3
    assert await claimed("one", T) == []
    assert await transitions.settle_bulk(redis, team, [], bulk="1", holder="three", now_ms=T) == 3
    assert await claimed("one", T) == ["1", "2"]


@pytest.mark.parametrize("is_done", [False, True])
async def test_one_whose_scheduler_died_is_run_once(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    bulk = await begun(redis, team, 3, action="run")
    create = executions.create

    async def broken(call: Call, cron_id: int) -> Any:
        if cron_id != 2:
            return await create(call, cron_id)
        if is_done:
            await create(call, cron_id)
        raise OutcomeUnknown("nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(executions, "create", broken)
        with pytest.raises(OutcomeUnknown):
            await finish(redis)
    await finish(redis)

    shown = await background.get(redis, team, bulk)
    assert (shown.state, shown.done) == ("completed", 3)
    owners = await redis.zrange(f"{team.prefix}x:{team.id}:executions", 0, -1)
    of = [await redis.hget(f"{team.prefix}e:{team.id}:{one}", "cron") for one in owners]  # type: ignore[misc]
    assert sorted(of) == ["1", "2", "3"]


async def test_who_comes_late_changes_nothing_and_counts_nothing(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = await begun(redis, team, 2, action="run")
    create = executions.create

    async def overtaken(call: Call, cron_id: int) -> Any:
        monkeypatch.setattr(executions, "create", create)
        await finish(redis, "one")
        return await create(call, cron_id)

    monkeypatch.setattr(executions, "create", overtaken)
    monkeypatch.setattr(stepping, "AT_ONCE", 1)
    await finish(redis, "one")

    shown = await background.get(redis, team, bulk)
    assert (shown.state, shown.done, shown.remaining) == ("completed", 2, 0)
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions") == 2


async def test_what_became_of_one_is_noted_once(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 3, action="run")
    await transitions.claim_bulk(redis, team, bulk=str(bulk), holder="one", most=3)
    settled = [Settled(1, "refused", "why it was"), Settled(2, "unchanged")]

    left = [
        await transitions.settle_bulk(redis, team, settled, bulk=str(bulk), holder="one") for _ in range(2)
    ]

    assert left == [1, 1]
    shown = await background.get(redis, team, bulk)
    assert (shown.refused, shown.unchanged, shown.remaining) == (1, 1, 1)
    assert [(one.id, one.reason) for one in shown.refusals] == [(1, "why it was")]


async def test_the_first_hundred_refusals_are_kept(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 103, action="run")
    await transitions.claim_bulk(redis, team, bulk=str(bulk), holder="one", most=103)
    settled = [Settled(one, "refused", "no") for one in range(1, 104)]

    await transitions.settle_bulk(redis, team, settled, bulk=str(bulk), holder="one")

    shown = await background.get(redis, team, bulk)
    assert (shown.state, shown.refused, len(shown.refusals)) == ("completed", 103, 100)


async def test_one_that_was_lost_is_not_said_to_be_done(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 3, action="run")
    await transitions.claim_bulk(redis, team, bulk=str(bulk), holder="one", most=2)
    await redis.delete(f"{team.prefix}bulk_batch:{team.id}:{bulk}")

    await finish(redis)

    shown = await background.get(redis, team, bulk)
    assert (shown.state, shown.reason, shown.done, shown.remaining) == ("cancelled", "lost", 1, 2)


async def test_it_is_forgotten_a_week_after_its_end(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 3, action="delete")
    await transitions.claim_bulk(redis, team, bulk=str(bulk), holder="one", most=3)
    settled = [Settled(1, "refused", "why it was")]
    await transitions.settle_bulk(redis, team, settled, bulk=str(bulk), holder="one")
    await finish(redis)
    now = int((await redis.time())[0]) * 1000
    week = 7 * 86_400_000

    await forget(redis, SHARD, now + week - 60_000)
    assert (await background.get(redis, team, bulk)).done == 2
    await forget(redis, SHARD, now + week + 60_000)

    with pytest.raises(NotFound):
        await background.get(redis, team, bulk)
    assert await redis.keys("*bulk*") == [f"{team.prefix}x:{team.id}:bulks"]
    assert await transitions.relist_bulks(redis, team) == [bulk]
    assert await redis.keys("*bulk*") == []


async def test_the_list_of_those_that_run_is_mended(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 2, action="pause")
    await redis.delete(keyspace.bulks(SHARD))
    await finish(redis)

    found = [step.mended async for step in reconcile.patrol(redis, team, whole=True) if step.index == "bulks"]
    await finish(redis)

    assert found == [(f"bulk:{bulk}",)]
    assert (await background.get(redis, team, bulk)).done == 2
    assert await redis.exists(keyspace.bulks(SHARD)) == 0
    assert await transitions.relist_bulks(redis, team) == []


@pytest.mark.parametrize("field", ["change", "limits", "digest"])
async def test_one_that_cannot_be_read_stands_in_no_others_way(redis: Redis, team: Team, field: str) -> None:
    bad = await begun(redis, team, 2, change={"timeout_seconds": 9})
    record = f"{team.prefix}bulk:{team.id}:{bad}"
    if field == "digest":
        await redis.hdel(record, field)  # type: ignore[misc]
    else:
        await redis.hset(record, field, "{spoiled")  # type: ignore[misc]
    good = await begun(redis, team, 2, action="pause")

    await finish(redis)

    assert (await background.get(redis, team, good)).done == 2
    assert await redis.hget(keyspace.damaged(SHARD), f"team:{team.id}")  # type: ignore[misc]
    assert await versions(redis, team, 2) == {"2"}
    if field == "change":
        with pytest.raises(Damaged):
            await background.get(redis, team, bad)


async def test_a_batch_of_the_wrong_type_is_put_aside(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 2, action="pause")
    key = f"{team.prefix}bulk_batch:{team.id}:{bulk}"
    await redis.set(key, "junk")

    await finish(redis)
    await finish(redis)

    assert (await background.get(redis, team, bulk)).done == 2
    assert await redis.exists(f"{team.prefix}aside:bulk_batch:{team.id}:{bulk}")


async def test_a_deleted_team_leaves_none(redis: Redis, team: Team) -> None:
    await begun(redis, team, 2, action="pause")
    await begun(redis, team, 2, action="run")

    await accounts.clear_team(redis, team, limit=10)

    assert await redis.keys("*bulk*") == []


async def test_two_side_by_side_change_each_once_though_one_stops_half_way(redis: Redis, team: Team) -> None:
    bulk = await begun(redis, team, 300, change={"timeout_seconds": 9})
    first = asyncio.create_task(finish(redis, "one"))
    second = asyncio.create_task(finish(redis, "two"))

    async def is_under_way() -> bool:
        return (await background.get(redis, team, bulk)).done >= 120

    await until(is_under_way)
    first.cancel()
    await asyncio.wait([first, second])
    seconds, microseconds = await redis.time()
    later = seconds * 1000 + -(-microseconds // 1000) + HELD_MS
    await finish(redis, "two", later)

    shown = await background.get(redis, team, bulk)
    assert (shown.state, shown.done, shown.remaining) == ("completed", 300, 0)
    assert await versions(redis, team, 300) == {"2"}
    assert {(await crons.get(redis, team, one)).timeout_seconds for one in range(1, 301)} == {9}
