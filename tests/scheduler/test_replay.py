"""Replays in the background: at their rate, never twice, and stopped by repeated failures."""

import asyncio
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Postpone, Result, Retry
from shared.actions import dead_letters, jobs
from shared.schemas.base import PageQuery
from shared.schemas.dead_letters import ReplayCreate, ReplayState
from shared.schemas.jobs import JobCreate, JobFilter, JobQuery
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from shared.store.transitions import StoredRecord
from tests import dead
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]


async def begun(redis: Redis, team: Team, **asked: object) -> tuple[int, int]:
    """A replay of all, and the moment (ms) from which its rate counts."""
    wanted = ReplayCreate.model_validate({"all": True, "stop_after_failures": None, **asked})
    replay = await dead_letters.replay(call_of(redis, team), wanted)
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
    await jobs.delete(call_of(redis, team), first)
    await dead_letters.replay_now(call_of(redis, team), [second])

    await step(redis, SHARD, began + 1000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.skipped) == (ReplayState.FINISHED, 1, 2)


async def test_a_cancelled_replay_hands_out_nothing_more(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 50)
    replay, began = await begun(redis, team, rate=10)
    await step(redis, SHARD, began + 1000)

    shown = await dead_letters.cancel_replay(call_of(redis, team), replay)
    await step(redis, SHARD, began + 9000)

    assert (shown.state, shown.replayed) == (ReplayState.CANCELLED, 10)
    assert await count(redis, team, JobFilter.PENDING) == 10
    again = await dead_letters.cancel_replay(call_of(redis, team), replay)
    assert again == shown


async def test_a_replay_of_nothing_is_finished_at_once(redis: Redis, team: Team) -> None:
    shown = await dead_letters.replay(call_of(redis, team), ReplayCreate(all=True))

    assert (shown.state, shown.total) == (ReplayState.FINISHED, 0)


async def test_only_the_newest_replays_that_ended_are_remembered(redis: Redis, team: Team) -> None:
    for _ in range(dead_letters.MOST_REPLAYS + 5):
        await dead_letters.replay(call_of(redis, team), ReplayCreate(all=True))

    page = await dead_letters.replays(redis, team, PageQuery())

    assert page.total == dead_letters.MOST_REPLAYS
    assert len(await redis.keys("*replay:1:*")) == dead_letters.MOST_REPLAYS


async def test_a_replayed_job_has_its_callback_as_the_first_did(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1, callback_url="https://a.example/told")
    await dead_letters.replay_now(call_of(redis, team), [1], dead.NOON)

    await dead.end_all(redis, Complete())

    assert (await jobs.get(redis, team, 2)).callback_status == "delivered"


async def test_a_replayed_job_that_was_cancelled_stops_no_replay(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, rate=1, stop_after_failures=1)
    await step(redis, SHARD, began)

    await jobs.cancel(call_of(redis, team), 4)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.failed) == (ReplayState.RUNNING, 1, 0)


async def postpone_all(redis: Redis, now: int, *, is_counted: bool = True) -> int:
    """Postpone all ready work for a minute; return how many jobs that were."""
    worker, held = Claims(redis, SHARD, "w"), 0
    while works := await worker.claim(64, now):
        verdict = Postpone(60, "its host", is_counted)
        await worker.finish([Result(work, verdict, reason="silent", facts="its host") for work in works], now)
        held += len(works)
    return held


async def test_a_replay_waits_with_jobs_that_wait_for_their_host(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 100)
    replay, began = await begun(redis, team, rate=10, stop_after_failures=10)

    for second in range(1, 30):
        await step(redis, SHARD, began + second * 1000)
        await postpone_all(redis, began + second * 1000)
    waits = await dead_letters.get_replay(redis, team, replay)
    await step(redis, SHARD, began + 100_000)
    await dead.end_all(redis, Complete(), began + 100_000)
    await step(redis, SHARD, began + 101_000)
    goes_on = await dead_letters.get_replay(redis, team, replay)

    assert (waits.state, waits.replayed, waits.waiting) == (ReplayState.RUNNING, 10, 10)
    assert (goes_on.replayed, goes_on.completed, goes_on.waiting) == (20, 10, 0)


async def test_what_waited_and_failed_or_went_is_waited_for_no_more(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 40)
    replay, began = await begun(redis, team, rate=3, stop_after_failures=3)
    await step(redis, SHARD, began + 1000)
    await postpone_all(redis, began + 1000)
    await postpone_all(redis, began + 100_000)  # the same again

    await jobs.cancel(call_of(redis, team), 41)
    await jobs.delete(call_of(redis, team), 42)
    cancelled = await dead_letters.get_replay(redis, team, replay)
    await dead.end_all(redis, Dead(), began + 200_000)
    failed = await dead_letters.get_replay(redis, team, replay)

    assert (cancelled.state, cancelled.waiting, cancelled.failed) == (ReplayState.RUNNING, 1, 0)
    assert (failed.state, failed.waiting, failed.failed) == (ReplayState.RUNNING, 0, 1)


async def test_a_replay_that_never_stops_does_not_wait(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 30)
    replay, began = await begun(redis, team, rate=10)

    for second in range(1, 5):
        await step(redis, SHARD, began + second * 1000)
        await postpone_all(redis, began + second * 1000)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.waiting) == (ReplayState.FINISHED, 30)


async def test_a_dead_letter_whose_request_is_lost_stops_nothing(redis: Redis, team: Team) -> None:
    ids = await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team)
    await redis.delete(f"{team.prefix}b:{team.id}:{ids[1]}")

    await step(redis, SHARD, began + 1000)
    now = await dead_letters.replay_now(call_of(redis, team), ids)

    shown = await dead_letters.get_replay(redis, team, replay)
    assert (shown.state, shown.replayed, shown.skipped) == (ReplayState.FINISHED, 2, 1)
    assert [one.reason.split(",")[0] for one in now.skipped if not one.new_job_id] == [
        "What it asked for is lost"
    ]
    assert await count(redis, team, JobFilter.DEAD_LETTERED) == 1
    assert (await ledger.read(redis, team)).holds


async def test_what_fell_due_before_goes_before_what_is_replayed(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1)
    _, began = await begun(redis, team)
    job = JobCreate.model_validate({"queue": "mail", "url": dead.URL, "delay": 1})
    (delayed,) = await jobs.create_many(call_of(redis, team), [job], now_ms=began)

    await step(redis, SHARD, began + 2000)

    works = await Claims(redis, SHARD, "w").claim(2, began + 2000)
    assert [work.id for work in works] == [delayed.id, delayed.id + 1]


async def test_a_replay_that_nobody_collects_for_any_more_is_cancelled(redis: Redis, team: Team) -> None:
    ids = await dead.dead_letters(redis, team, 3)
    began = dead.NOON
    replay = await transitions.start_replay(
        redis, team, rate=10, stop_after=None, most_kept=100, now_ms=began
    )

    await step(redis, SHARD, began + 50_000)
    still = await transitions.collect_replay(
        redis, team, ids, replay=replay, after=0, up_to=7, is_last=False, now_ms=began + 50_000
    )
    await step(redis, SHARD, began + 100_000)
    collecting = await dead_letters.get_replay(redis, team, replay)
    await step(redis, SHARD, began + 111_000)
    late = await transitions.collect_replay(
        redis, team, ids, replay=replay, after=7, up_to=9, is_last=True, now_ms=began + 111_000
    )

    assert (still, collecting.state, collecting.total) == (7, ReplayState.COLLECTING, 3)
    assert (await dead_letters.get_replay(redis, team, replay)).state == ReplayState.CANCELLED
    assert isinstance(late, StoredRecord)
    assert late.id == str(replay)
    assert await redis.keys("*replay_ids*") == []
