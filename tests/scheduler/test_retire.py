"""Finished history is removed by age and by count; open jobs, and jobs of an open chain, stay."""

import pytest
from redis.asyncio import Redis

from services.scheduler.retire import may_retire, retire
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result, Retry, Verdict
from shared import clock
from shared.actions import crons, executions, jobs, queues
from shared.schemas.crons import CronCreate, ExecutionQuery
from shared.schemas.jobs import JobCreate, JobQuery
from shared.schemas.queues import QueueCreate
from shared.settings import Settings
from shared.store import keyspace, ledger
from shared.store.care import retention
from shared.store.keyspace import Team
from tests.calls import call_of

NOW = 1_760_000_000_000
DAY = 86_400_000
SHARD = keyspace.SHARDS[0]


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def finish_next(worker: Claims, verdict: Verdict, now: int = NOW) -> None:
    (work,) = await worker.claim(1, now)
    await worker.finish([Result(work, verdict, "[1,200,1,1]")], now)


async def some_jobs(redis: Redis, team: Team, n: int, now: int = NOW) -> None:
    asked = JobCreate(queue="mail", url="https://a.example/")
    await jobs.create_many(call_of(redis, team), [asked] * n, now_ms=now)


async def kept(redis: Redis, team: Team) -> list[int]:
    return [job.id for job in (await jobs.page(redis, team, JobQuery())).data]


async def retire_all(redis: Redis, settings: Settings, now: int) -> int:
    removed = 0
    while went := await retire(redis, SHARD, settings, now):
        removed += went
    return removed


async def test_finished_jobs_go_after_so_many_days_and_open_ones_stay(
    redis: Redis, team: Team, worker: Claims
) -> None:
    settings = Settings(retention_days=30)
    await some_jobs(redis, team, 3)
    await finish_next(worker, Complete())
    await finish_next(worker, Complete())
    await some_jobs(redis, team, 1, NOW + 20 * DAY)

    assert await retire_all(redis, settings, NOW + 30 * DAY) == 0
    assert await retire_all(redis, settings, NOW + 30 * DAY + 1) == 2

    assert await kept(redis, team) == [4, 3]
    assert (await ledger.read(redis, team)).deleted == 2
    assert [key async for key in redis.scan_iter("*:r:1:*")] == []


async def test_a_queue_whose_oldest_record_is_lost_is_looked_at_all_the_same(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await some_jobs(redis, team, 2)
    await finish_next(worker, Complete())
    await finish_next(worker, Complete(), NOW + 20 * DAY)
    await redis.delete(f"{team.prefix}j:1:1")

    await retire_all(redis, Settings(), NOW)

    assert await redis.zrange(f"{team.prefix}x:1:q1:completed", 0, -1) == ["2"]


async def test_of_one_queue_only_so_many_finished_jobs_are_kept(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await some_jobs(redis, team, 450)
    for _ in range(5):
        works = await worker.claim(90, NOW)
        await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW)

    removed = await retire_all(redis, Settings(retention_runs=20), NOW)

    assert removed == 430
    assert await kept(redis, team) == list(range(450, 430, -1))[:25]
    assert (await ledger.read(redis, team)).holds


async def test_dead_letters_go_by_the_days_of_their_queue(redis: Redis, team: Team, worker: Claims) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", dlq_retention_days=3))
    await some_jobs(redis, team, 1)
    await finish_next(worker, Retry(1))
    await finish_next(worker, Dead(), NOW + 1000)

    assert await retire_all(redis, Settings(), NOW + 3 * DAY) == 0
    assert await retire_all(redis, Settings(), NOW + 3 * DAY + 1001) == 2

    assert [key async for key in redis.scan_iter("*:[jbr]:1:*")] == []


async def test_a_chain_that_still_waits_is_kept_whole(redis: Redis, team: Team, worker: Claims) -> None:
    await some_jobs(redis, team, 1)
    await finish_next(worker, Retry(60))

    assert await retire_all(redis, Settings(retention_days=1, retention_runs=1), NOW + 90 * DAY) == 0

    assert await kept(redis, team) == [2, 1]


async def test_the_executions_of_a_cron_are_bounded_too(redis: Redis, team: Team, worker: Claims) -> None:
    asked = CronCreate(name="a", url="https://a.example/", cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(redis, team), asked)
    for _ in range(6):
        await executions.create(call_of(redis, team), cron.id)
        (work,) = await worker.claim(1)
        await worker.finish([Result(work, Complete(), "[1,200,1,1]")])

    assert await retire(redis, SHARD, Settings(retention_runs=2)) == 4

    page = await executions.page(redis, team, cron.id, ExecutionQuery())
    assert [execution.id for execution in page.data] == [6, 5]
    assert (await ledger.read(redis, team, "execution")).holds


async def test_of_a_team_no_more_bytes_are_kept_and_the_oldest_go_first(
    redis: Redis, team: Team, worker: Claims
) -> None:
    asked = {"url": "https://a.example/", "payload": {"text": "x" * 1000}}
    for day in range(20):
        queue = f"queue-{day % 2}"
        await jobs.create_many(
            call_of(redis, team),
            [JobCreate.model_validate({**asked, "queue": queue})],
            now_ms=NOW + day * DAY,
        )
        await finish_next(worker, Complete(), NOW + day * DAY)
    await some_jobs(redis, team, 1, NOW + 20 * DAY)
    everything = await ledger.kept_bytes(redis, team)

    removed = await retire_all(redis, Settings(retention_bytes=everything // 2), NOW + 20 * DAY)

    left = await kept(redis, team)
    assert everything // 4 < await ledger.kept_bytes(redis, team) <= everything // 2
    assert left == list(range(21, removed, -1))
    assert (await ledger.read(redis, team)).holds


async def test_what_waits_and_what_ended_just_now_stays_however_much_it_is(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await some_jobs(redis, team, 3)
    await finish_next(worker, Complete())
    await finish_next(worker, Dead())

    assert await retire_all(redis, Settings(retention_bytes=1), NOW + 60_000) == 0
    assert await retire_all(redis, Settings(retention_bytes=1), NOW + 60_001) == 1

    assert await kept(redis, team) == [3, 2]


async def test_the_bytes_of_executions_are_counted_until_they_go(
    redis: Redis, team: Team, worker: Claims
) -> None:
    asked = CronCreate(name="a", url="https://a.example/", cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(redis, team), asked)
    for _ in range(3):
        await executions.create(call_of(redis, team), cron.id)
        (work,) = await worker.claim(1)
        await worker.finish([Result(work, Complete(), "[1,200,1,1]")])
    before = await ledger.kept_bytes(redis, team)

    await retire(redis, SHARD, Settings(retention_runs=1))

    assert (before, await ledger.kept_bytes(redis, team)) == (3 * 11, 11)


async def finished_jobs(redis: Redis, team: Team, worker: Claims, n: int, now: int = NOW) -> None:
    await some_jobs(redis, team, n, now)
    while works := await worker.claim(90, now):
        await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], now)


async def test_nearly_all_history_goes_only_after_a_day_or_when_an_operator_says_so(
    redis: Redis, team: Team, worker: Claims
) -> None:
    settings = Settings(retention_days=30)
    await finished_jobs(redis, team, worker, 310)
    await finished_jobs(redis, team, worker, 10, NOW + 20 * DAY)
    at = NOW + 31 * DAY

    assert await retire_all(redis, settings, at) == 0
    assert await retire_all(redis, settings, at + DAY - 1) == 0
    assert await retire_all(redis, settings, at + DAY) == 310

    assert await redis.hgetall(keyspace.retention_waits(SHARD)) == {}  # type: ignore[misc]


async def test_what_an_operator_confirms_goes_at_once(redis: Redis, team: Team, worker: Claims) -> None:
    made = clock.milliseconds(clock.now()) - 31 * DAY
    await finished_jobs(redis, team, worker, 310, made)
    assert await retire(redis, SHARD, Settings(retention_days=30)) == 0
    waiting = await retention.waiting(redis, SHARD)

    confirmed = await retention.confirm(redis, SHARD)

    assert [one.what for one in waiting] == ["1:q1:completed"]
    assert confirmed == 1
    assert await retention.waiting(redis, SHARD) == []
    assert await retire(redis, SHARD, Settings(retention_days=30)) == 310


async def test_less_than_half_of_the_history_goes_as_it_becomes_too_old(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await finished_jobs(redis, team, worker, 150)
    await finished_jobs(redis, team, worker, 160, NOW + 20 * DAY)

    assert await retire_all(redis, Settings(retention_days=30), NOW + 31 * DAY) == 150


async def test_many_small_queues_of_a_team_wait_together(redis: Redis, team: Team, worker: Claims) -> None:
    for number in range(4):
        asked = JobCreate(queue=f"mail-{number}", url="https://a.example/")
        await jobs.create_many(call_of(redis, team), [asked] * 80, now_ms=NOW)
    while works := await worker.claim(90, NOW):
        await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW)

    assert await retire_all(redis, Settings(retention_days=30), NOW + 31 * DAY) == 0
    assert await retire_all(redis, Settings(retention_days=30), NOW + 32 * DAY) == 320


async def test_after_more_than_a_day_at_once_nothing_goes_for_a_day_and_a_mended_clock_ends_that(
    redis: Redis,
) -> None:
    mays = [
        await may_retire(redis, SHARD, NOW + at)
        for at in (0, DAY, 42 * DAY, 42 * DAY + 1, DAY + 2, 42 * DAY, 43 * DAY - 1, 43 * DAY, 43 * DAY + 1)
    ]

    assert mays == [True, True, False, False, True, False, False, True, True]


async def test_what_is_too_much_goes_though_it_is_nearly_all(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await finished_jobs(redis, team, worker, 310)
    await finished_jobs(redis, team, worker, 10, NOW + 20 * DAY)
    bound = await ledger.kept_bytes(redis, team) // 20

    await retire_all(redis, Settings(retention_bytes=bound), NOW + 21 * DAY)

    assert await ledger.kept_bytes(redis, team) <= bound
    assert await redis.hgetall(keyspace.retention_waits(SHARD)) == {}  # type: ignore[misc]


@pytest.mark.parametrize("confirmed", [False, True])
async def test_the_day_begins_anew_where_what_waited_long_ago_was_put_right(
    redis: Redis, team: Team, worker: Claims, confirmed: bool
) -> None:
    made = clock.milliseconds(clock.now()) - 2 * DAY
    await finished_jobs(redis, team, worker, 310, made)
    assert await retire(redis, SHARD, Settings(retention_days=1)) == 0
    if confirmed:
        await retention.confirm(redis, SHARD)
    at = made + 31 * DAY
    await redis.set(keyspace.trusted_until(SHARD), at + 60_000)

    assert await retire_all(redis, Settings(retention_days=30), at) == 0
    assert await retire_all(redis, Settings(retention_days=30), at + DAY - 1) == 0
