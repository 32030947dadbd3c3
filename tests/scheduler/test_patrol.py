"""Open work is compared with its streams, and work that nothing would start any more is put back."""

import time

import pytest
from redis.asyncio import Redis

from services.scheduler.pace import Pace
from services.scheduler.patrol import patrol, tidy
from services.scheduler.retire import retire
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.actions import crons, executions, jobs, queues
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.settings import Settings
from shared.store import keyspace, ledger
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team
from tests.calls import call_of

NOW = 1_760_000_000_000
SHARD = keyspace.SHARDS[0]


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def some_jobs(redis: Redis, team: Team, n: int = 5, delay: int = 0) -> list[int]:
    asked = JobCreate(queue="mail", url="https://a.example/", delay=delay)
    return [made.id for made in await jobs.create_many(call_of(redis, team), [asked] * n, now_ms=NOW)]


async def claimed(worker: Claims, now: int = NOW) -> list[int]:
    works = await worker.claim(50, now)
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], now)
    return sorted(work.id for work in works)


async def test_what_is_in_order_is_left_alone(redis: Redis, team: Team, worker: Claims) -> None:
    await some_jobs(redis, team)
    await some_jobs(redis, team, delay=60)
    await worker.claim(3, NOW)
    await redis.zrem(keyspace.due(SHARD), "nothing")

    assert await patrol(redis, SHARD, NOW) == 0

    assert len(await claimed(worker)) == 2


async def test_a_ready_stream_that_was_lost_is_rebuilt(redis: Redis, team: Team, worker: Claims) -> None:
    waiting = await some_jobs(redis, team, 600)
    await worker.claim(3, NOW)
    await redis.delete(f"{team.prefix}s:1:1")

    assert await patrol(redis, SHARD, NOW) == 600

    works = [work.id for work in await worker.claim(700, NOW)]
    assert works == waiting
    assert (await ledger.read(redis, team)).processing == 600


async def test_a_lost_group_delivers_what_was_in_flight_again(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await some_jobs(redis, team)
    await worker.claim(5, NOW)
    await redis.xgroup_destroy(f"{team.prefix}s:1:1", "workers")

    await patrol(redis, SHARD, NOW)

    assert await claimed(worker) == made


async def test_a_delayed_job_that_fell_out_of_the_due_is_put_back(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await some_jobs(redis, team, delay=60)
    await redis.delete(keyspace.due(SHARD))

    assert await patrol(redis, SHARD, NOW) == 5

    assert await claimed(worker, NOW + 59_999) == []
    assert await claimed(worker, NOW + 60_000) == made


async def test_a_lost_execution_is_put_back(redis: Redis, team: Team, worker: Claims) -> None:
    asked = CronCreate(name="a", url="https://a.example/", cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(redis, team), asked)
    execution = await executions.create(call_of(redis, team), cron.id)
    await redis.delete(f"{team.prefix}s:1:crons")

    assert await patrol(redis, SHARD) == 1

    assert [(work.kind, work.id) for work in await worker.claim(9)] == [("e", execution.id)]


async def test_a_row_without_a_record_goes_and_the_ledger_follows(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await some_jobs(redis, team)
    await redis.delete(f"{team.prefix}j:1:{made[0]}")

    assert await patrol(redis, SHARD, NOW) == 1
    assert [ref async for step in reconcile.patrol(redis, team, whole=True) for ref in step.mended] == ["j:1"]

    counts = await ledger.read(redis, team)
    assert (counts.accepted, counts.pending, counts.deleted, counts.holds) == (5, 4, 1, True)


async def test_a_row_in_the_wrong_index_goes_where_its_record_says(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await some_jobs(redis, team, 2)
    await claimed(worker)
    for index in ("x:1", "x:1:q1"):
        await redis.zrem(f"{team.prefix}{index}:completed", made[0])
        await redis.zadd(f"{team.prefix}{index}:pending", {str(made[0]): made[0]})

    await patrol(redis, SHARD, NOW)

    assert await redis.zcard(f"{team.prefix}x:1:completed") == 2
    assert await redis.zcard(f"{team.prefix}x:1:q1:completed") == 2
    assert await redis.zcard(f"{team.prefix}x:1:pending") == 0


async def test_a_job_in_a_state_that_only_executions_have_is_damaged(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await some_jobs(redis, team, 2)
    await redis.hset(f"{team.prefix}j:1:{made[0]}", "state", "skipped")  # type: ignore[misc]

    await patrol(redis, SHARD, NOW)

    assert [one.name for one in await damage.found(redis, SHARD)] == [f"j:1:{made[0]}"]
    assert await redis.zrange(f"{team.prefix}x:1:skipped", 0, -1) == []


async def test_a_ledger_that_was_tampered_with_is_recounted(redis: Redis, team: Team, worker: Claims) -> None:
    await some_jobs(redis, team)
    await claimed(worker)
    await redis.hincrby(f"{team.prefix}ledger:1", "job.completed", 7)  # type: ignore[misc]

    seen = await reconcile.recount(redis, team, repair=False)
    await reconcile.recount(redis, team, repair=True)

    assert seen == [reconcile.Difference(1, "job", "completed", 12, 5)]
    assert (await ledger.read(redis, team)).completed == 5
    assert await reconcile.recount(redis, team, repair=False) == []


async def test_consumers_long_gone_are_forgotten_unless_they_hold_something(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await some_jobs(redis, team, 3)
    await claimed(worker)
    await some_jobs(redis, team, 1)
    await Claims(redis, SHARD, "one-that-holds").claim(1, NOW)
    before = await redis.xinfo_consumers(f"{team.prefix}s:1:1", "workers")

    assert await tidy(redis, SHARD) == 0
    assert await tidy(redis, SHARD, gone_ms=0) == 1

    left = await redis.xinfo_consumers(f"{team.prefix}s:1:1", "workers")
    assert len(before) == 2
    assert [consumer["name"] for consumer in left] == ["one-that-holds"]


async def test_what_has_no_work_is_passed_over_a_hundred_at_a_time(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "LOOK", 100)
    asked = CronCreate(name="idle", url="https://a.example/", cron_expression="0 0 29 2 *")
    idle = [await crons.create(call_of(redis, team), asked) for _ in range(300)]
    for number in range(300):
        await queues.create(call_of(redis, team), QueueCreate(name=f"idle-{number}"))
    busy = await executions.create(call_of(redis, team), idle[150].id)
    await redis.delete(f"{team.prefix}s:1:crons")
    await redis.config_resetstat()

    mended = await patrol(redis, SHARD)
    await retire(redis, SHARD, Settings())

    assert mended == 1
    assert [work.id for work in await Claims(redis, SHARD, "a-worker").claim(9)] == [busy.id]
    functions_run = (await redis.info("commandstats"))["cmdstat_fcall"]["calls"]
    assert functions_run < 30


async def test_a_walk_rests_a_hundred_times_as_long_as_it_takes() -> None:
    pace, began = Pace(), time.monotonic()

    sum(range(200_000))
    took = time.monotonic() - began
    await pace.rest()

    assert time.monotonic() - began > min(100 * took, 1.0)


async def test_a_cron_that_the_clocks_list_lost_is_put_back(redis: Redis, team: Team) -> None:
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")
    lost, kept = [await crons.create(call_of(redis, team), asked) for _ in range(2)]
    paused = await crons.create(call_of(redis, team), asked.model_copy(update={"is_active": False}))
    await redis.zrem(keyspace.crons(SHARD), f"{team.id}:{lost.id}")

    assert await patrol(redis, SHARD, NOW) == 1
    assert await patrol(redis, SHARD, NOW) == 0

    listed = dict(await redis.zrange(keyspace.crons(SHARD), 0, -1, withscores=True))
    assert listed.keys() == {f"{team.id}:{lost.id}", f"{team.id}:{kept.id}"}
    assert listed[f"{team.id}:{lost.id}"] == listed[f"{team.id}:{kept.id}"]
    assert paused.next_run_at is None
