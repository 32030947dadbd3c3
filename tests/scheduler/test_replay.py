"""Replays in the background: at their rate, never twice, and stopped by what fails again."""

import asyncio
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.work import Complete, Dead, Fail, Retry
from shared import dead_letters, jobs, keyspace, ledger
from shared.keyspace import Team
from shared.schemas.base import PageQuery
from shared.schemas.dead_letters import ReplayAsked, ReplayState
from shared.schemas.jobs import JobFilter, JobQuery
from tests import dead

SHARD = keyspace.SHARDS[0]


async def begun(redis: Redis, team: Team, **asked: object) -> tuple[int, int]:
    """A replay of all, and the moment (ms) from which its rate counts."""
    wanted = ReplayAsked.model_validate({"all": True, "stop_after_failures": None, **asked})
    replay = await dead_letters.replay(redis, team, wanted)
    fields = await redis.hgetall(f"{team.prefix}replay:{team.id}:{replay.id}")  # type: ignore[misc]
    return replay.id, int(fields["at"])


async def count(redis: Redis, team: Team, state: JobFilter) -> int:
    return (await jobs.page(redis, team, JobQuery(filter=state))).total


async def test_a_replay_keeps_its_rate(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 100)
    replay, began = await begun(redis, team, rate=20)

    handed_out = []
    for tenth in range(51):
        await step(redis, SHARD, began + tenth * 100)
        handed_out.append((await dead_letters.get_replay(redis, team, replay)).replayed)

    assert handed_out[0] == 1
    assert all(after - before == 2 for before, after in pairwise(handed_out[:-2]))
    assert handed_out[-1] == 100
    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.total, shown.skipped) == (ReplayState.FINISHED, 100, 0)


async def test_many_schedulers_together_keep_the_rate_and_replay_nothing_twice(
    redis: Redis, team: Team
) -> None:
    ids = await dead.dead_letters(redis, team, 60)
    _, began = await begun(redis, team, rate=20)

    for tenth in range(40):
        await asyncio.gather(*(step(redis, SHARD, began + tenth * 100) for _ in range(4)))
        made = await count(redis, team, JobFilter.PENDING)
        assert made <= 1 + 2 * tenth

    replays = [(await jobs.get(redis, team, job)).replayed_as for job in ids]
    assert len(set(replays)) == 60
    assert (await ledger.read(redis, team)).accepted == 120


async def test_after_a_pause_a_replay_goes_on_at_its_rate(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 100)
    replay, began = await begun(redis, team, rate=20)

    await step(redis, SHARD, began + 3_600_000)
    await step(redis, SHARD, began + 3_600_000)
    await step(redis, SHARD, began)  # a clock that was set back

    assert (await dead_letters.get_replay(redis, team, replay)).replayed == 20


@pytest.mark.parametrize("verdict", [Dead(), Fail(), Retry(60)])
async def test_a_replay_stops_when_enough_has_failed_again(
    redis: Redis, team: Team, verdict: Dead | Fail | Retry
) -> None:
    await dead.dead_letters(redis, team, 50)
    replay, began = await begun(redis, team, rate=10, stop_after_failures=3)

    for second in range(1, 20):
        await step(redis, SHARD, began + second * 1000)
        await dead.end_all(redis, verdict, began + second * 1000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.failed) == (ReplayState.STOPPED, 10, 10)
    assert shown.ended_at is not None
    assert await redis.keys("*replay_ids*") == []
    assert await step(redis, SHARD) == 0


async def test_what_was_stopped_can_be_replayed_anew_and_each_job_once(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 30)
    _, began = await begun(redis, team, rate=10, stop_after_failures=1)
    await step(redis, SHARD, began + 1000)
    await dead.end_all(redis, Dead(), began + 1000)

    replay, began = await begun(redis, team, rate=1000, stop_after_failures=1)
    await step(redis, SHARD, began + 1000)
    ended = await dead.end_all(redis, Complete(), began + 1000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.total, shown.completed, shown.failed, len(ended)) == (30, 30, 0, 30)
    assert await count(redis, team, JobFilter.DEAD_LETTERED) == 0
    assert (await ledger.read(redis, team)).holds


async def test_a_retry_of_a_replayed_job_counts_no_more(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1)
    replay, began = await begun(redis, team)
    await step(redis, SHARD, began + 1000)

    await dead.end_all(redis, Retry(60), began + 1000)
    await dead.end_all(redis, Complete(), began + 120_000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.completed, shown.failed) == (0, 1)


async def test_what_was_deleted_or_replayed_meanwhile_is_skipped(redis: Redis, team: Team) -> None:
    first, second, _ = await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team)
    await jobs.delete(redis, team, first)
    await dead_letters.replay_now(redis, team, [second])

    await step(redis, SHARD, began + 1000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.skipped) == (ReplayState.FINISHED, 1, 2)


async def test_a_cancelled_replay_hands_out_nothing_more(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 50)
    replay, began = await begun(redis, team, rate=10)
    await step(redis, SHARD, began + 1000)

    shown = await dead_letters.cancel_replay(redis, team, replay)
    await step(redis, SHARD, began + 9000)

    assert (shown.state, shown.replayed) == (ReplayState.CANCELLED, 10)
    assert await count(redis, team, JobFilter.PENDING) == 10
    again = await dead_letters.cancel_replay(redis, team, replay)
    assert again == shown


async def test_a_replay_of_nothing_is_finished_at_once(redis: Redis, team: Team) -> None:
    shown = await dead_letters.replay(redis, team, ReplayAsked(all=True))

    assert (shown.state, shown.total) == (ReplayState.FINISHED, 0)


async def test_only_the_newest_replays_that_ended_are_remembered(redis: Redis, team: Team) -> None:
    for _ in range(dead_letters.MOST_REPLAYS + 5):
        await dead_letters.replay(redis, team, ReplayAsked(all=True))

    page = await dead_letters.replays(redis, team, PageQuery())

    assert page.total == dead_letters.MOST_REPLAYS
    assert len(await redis.keys("*replay:1:*")) == dead_letters.MOST_REPLAYS


async def test_a_replayed_job_tells_its_callback_as_the_first_did(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1, callback_url="https://a.example/told")
    await dead_letters.replay_now(redis, team, [1], dead.NOON)

    await dead.end_all(redis, Complete())

    assert (await jobs.get(redis, team, 2)).callback_status == "delivered"


async def test_a_replayed_job_that_was_cancelled_stops_no_replay(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, rate=1, stop_after_failures=1)
    await step(redis, SHARD, began)

    await jobs.cancel(redis, team, 4)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.failed) == (ReplayState.RUNNING, 1, 0)
