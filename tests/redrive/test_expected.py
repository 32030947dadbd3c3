"""`expected_count`: a replay of another number of dead letters is refused before anything is sent."""

import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.work import Dead, Retry
from shared.actions import dead_letters, jobs
from shared.errors import Conflict
from shared.schemas.dead_letters import ReplayReason, ReplayState
from shared.schemas.jobs import JobCreate
from shared.store import ledger, transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.transitions import StoredRecord
from tests import dead
from tests.calls import call_of
from tests.redrive.replaying import SHARD, begun, shown, wanted


async def test_another_number_is_refused_with_both_and_nothing_is_sent(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 5)

    with pytest.raises(Conflict, match=r"expected_count field is 4, but 5 dead letters.*Nothing was sent"):
        await dead_letters.replay(call_of(redis, team), wanted(expected_count=4))

    assert await step(redis, SHARD) == 0
    refused = await shown(redis, team, 1)
    assert (refused.state, refused.reason) == (ReplayState.CANCELLED, ReplayReason.EXPECTED_COUNT)
    assert (await ledger.read(redis, team)).accepted == 5
    assert await redis.keys("*replay_ids*") == []


async def test_none_where_some_were_expected_is_refused(redis: Redis, team: Team) -> None:
    with pytest.raises(Conflict, match="is 4, but 0"):
        await dead_letters.replay(call_of(redis, team), wanted(expected_count=4))


async def test_the_number_that_was_expected_runs(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 5)

    replay, began = await begun(redis, team, expected_count=5, rate=100)
    await step(redis, SHARD, began + 1000)

    assert (await shown(redis, team, replay)).replayed == 5


async def test_a_repeat_under_the_same_key_is_refused_again(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 5)

    for _ in range(2):
        key = IdempotencyKey(team, "a-key", "digest")
        with pytest.raises(Conflict, match="is 4, but 5"):
            await dead_letters.replay(call_of(redis, team, key), wanted(expected_count=4))

    assert (await ledger.read(redis, team)).accepted == 5


async def test_of_ids_each_dead_letter_counts_once_and_nothing_else_does(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=dead.URL), dead.NOON)
    await dead.end_all(redis, Retry(1))
    await dead.end_all(redis, Dead(), dead.NOON + 5000)
    (other,) = await dead.dead_letters(redis, team, 1)

    replay, began = await begun(redis, team, all=False, ids=[2, 1, other, 99], expected_count=2, rate=9)
    await step(redis, SHARD, began + 1000)

    done = await shown(redis, team, replay)
    assert (done.total, done.replayed, done.skipped) == (2, 2, 0)


async def test_two_ids_of_a_chain_count_once_in_two_batches_too(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=dead.URL), dead.NOON)
    await dead.end_all(redis, Retry(1))
    await dead.end_all(redis, Dead(), dead.NOON + 5000)
    replay = await transitions.start_replay(redis, team, rate=1, stop_after=None, expected=1, most_kept=9)

    await transitions.collect_replay(
        redis, team, [1], replay=replay, after=0, up_to=1, is_last=False, may_repeat=True
    )
    row = await transitions.collect_replay(
        redis, team, [2], replay=replay, after=1, up_to=2, is_last=True, may_repeat=True
    )

    assert isinstance(row, StoredRecord)
    assert (await shown(redis, team, replay)).state == ReplayState.RUNNING
