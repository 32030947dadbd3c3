"""A replay that sends one first: the others go only if its first attempt goes well."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Postpone, Result, Retry
from shared.actions import dead_letters, jobs
from shared.schemas.dead_letters import ReplayReason, ReplayState
from shared.store import ledger
from shared.store.keyspace import Team
from tests import dead
from tests.calls import call_of
from tests.redrive.replaying import SHARD, begun, shown


async def test_only_one_is_sent_until_its_outcome_is_known(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 20)
    replay, began = await begun(redis, team, rate=10, send_one_first=True)

    begins = await shown(redis, team, replay)
    for second in range(1, 60):
        await asyncio.gather(*(step(redis, SHARD, began + second * 1000) for _ in range(3)))
    waits = await shown(redis, team, replay)
    sent = await dead.end_all(redis, Complete(), began + 60_000)
    await step(redis, SHARD, began + 60_000)
    goes_on = await shown(redis, team, replay)

    assert begins.state == waits.state == ReplayState.TRYING
    assert (begins.first_job_id, waits.first_job_id, waits.replayed, sent) == (None, 21, 1, [21])
    assert (goes_on.state, goes_on.completed, goes_on.replayed) == (ReplayState.RUNNING, 1, 2)


async def test_after_a_good_one_it_goes_on_at_its_rate_to_the_end(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 21)
    replay, began = await begun(redis, team, rate=10, send_one_first=True)
    await step(redis, SHARD, began + 1000)
    await dead.end_all(redis, Complete(), began + 3_600_000)

    at = int(await redis.hget(f"{team.prefix}replay:{team.id}:{replay}", "at"))  # type: ignore[misc]
    made = []
    for second in range(3):
        await step(redis, SHARD, at + second * 1000)
        made.append((await shown(redis, team, replay)).replayed)

    assert made == [2, 12, 21]
    assert (await shown(redis, team, replay)).state == ReplayState.FINISHED
    assert (await ledger.read(redis, team)).holds


@pytest.mark.parametrize("verdict", [Dead(), Fail(), Retry(60)])
async def test_a_first_one_that_fails_stops_it_after_one(
    redis: Redis, team: Team, verdict: Dead | Fail | Retry
) -> None:
    await dead.dead_letters(redis, team, 20)
    replay, began = await begun(redis, team, rate=10, send_one_first=True)
    await step(redis, SHARD, began + 1000)

    sent = await dead.end_all(redis, verdict, began + 2000)
    await step(redis, SHARD, began + 9000)

    stopped = await shown(redis, team, replay)
    assert (stopped.state, stopped.reason) == (ReplayState.STOPPED, ReplayReason.FIRST_FAILED)
    assert (stopped.replayed, stopped.failed, sent) == (1, 1, [21])
    assert await redis.keys("*replay_ids*") == []
    assert (await ledger.read(redis, team)).accepted == 21 + isinstance(verdict, Retry)


async def test_it_waits_for_its_host_like_the_others(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, rate=10, send_one_first=True)
    await step(redis, SHARD, began + 1000)
    worker = Claims(redis, SHARD, "w")
    (work,) = await worker.claim(8, began + 1000)

    await worker.finish(
        [Result(work, Postpone(60, "its host", True), reason="silent", facts="its host")], began
    )
    await step(redis, SHARD, began + 30_000)
    waits = await shown(redis, team, replay)
    await dead.end_all(redis, Complete(), began + 120_000)

    assert (waits.state, waits.waiting, waits.replayed) == (ReplayState.TRYING, 1, 1)
    after = await shown(redis, team, replay)
    assert (after.state, after.waiting) == (ReplayState.RUNNING, 0)


@pytest.mark.parametrize("way", [jobs.cancel, jobs.delete])
async def test_one_that_is_cancelled_or_deleted_says_nothing_and_stops_it(
    redis: Redis, team: Team, way: object
) -> None:
    await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, send_one_first=True)
    await step(redis, SHARD, began + 1000)

    await (jobs.cancel if way is jobs.cancel else jobs.delete)(call_of(redis, team), 4)
    await step(redis, SHARD, began + 2000)

    stopped = await shown(redis, team, replay)
    assert (stopped.state, stopped.reason) == (ReplayState.STOPPED, ReplayReason.FIRST_GONE)
    assert (stopped.replayed, stopped.failed) == (1, 0)


async def test_one_that_is_no_dead_letter_any_more_is_no_trial(redis: Redis, team: Team) -> None:
    first, *_ = await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, send_one_first=True)
    await jobs.delete(call_of(redis, team), first)

    left = [await step(redis, SHARD, began + second * 1000) for second in (1, 2)]

    tries = await shown(redis, team, replay)
    assert left == [2, 0]
    assert (tries.state, tries.skipped, tries.replayed, tries.first_job_id) == ("trying", 1, 1, 4)


async def test_a_replay_of_one_is_finished_when_that_went_well(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1)
    replay, began = await begun(redis, team, send_one_first=True)
    await step(redis, SHARD, began + 1000)
    tries = await shown(redis, team, replay)

    await dead.end_all(redis, Complete(), began + 1000)
    await step(redis, SHARD, began + 2000)

    done = await shown(redis, team, replay)
    assert (tries.state, done.state, done.completed) == (ReplayState.TRYING, ReplayState.FINISHED, 1)


async def test_a_replay_that_tries_can_be_cancelled(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, send_one_first=True)
    await step(redis, SHARD, began + 1000)

    ended = await dead_letters.cancel_replay(call_of(redis, team), replay)
    await dead.end_all(redis, Complete(), began + 1000)

    assert (ended.state, ended.reason) == (ReplayState.CANCELLED, ReplayReason.CANCELLED)
    assert (await shown(redis, team, replay)).state == ReplayState.CANCELLED


async def test_a_replay_that_stops_by_failures_says_so(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 9)
    replay, began = await begun(redis, team, rate=3, stop_after_failures=2)
    await step(redis, SHARD, began + 1000)

    await dead.end_all(redis, Dead(), began + 1000)

    assert (await shown(redis, team, replay)).reason == ReplayReason.FAILURES
