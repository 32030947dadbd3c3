import pytest
from redis.asyncio import Redis

from services.scheduler.rescue import PATIENCE, Watch, find_in_flight, rescue
from services.worker.intake.claims import NOT_OURS, RECORDED, Claims
from services.worker.work import Complete, Result
from shared.actions import crons, executions, jobs, queues
from shared.runtime.health import LEASE_SECONDS
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from shared.store.transitions import InFlight
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]


@pytest.fixture
def dead(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "dead")


@pytest.fixture
def alive(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "alive")


async def a_job(redis: Redis, team: Team) -> int:
    return (await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example"))).id


async def test_a_job_of_a_lost_worker_is_run_by_another_as_the_same_attempt(
    redis: Redis, team: Team, dead: Claims, alive: Claims
) -> None:
    job_id = await a_job(redis, team)
    await dead.claim(1)

    assert await rescue(redis, SHARD, await find_in_flight(redis, SHARD)) == 1

    (work,) = await alive.claim(1)
    assert (work.id, work.attempt) == (job_id, 1)
    assert await alive.finish([Result(work, Complete(), "{}")]) == [RECORDED]


async def test_a_late_result_of_a_worker_thought_lost_changes_nothing(
    redis: Redis, team: Team, dead: Claims, alive: Claims
) -> None:
    job_id = await a_job(redis, team)
    (slow,) = await dead.claim(1)
    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
    (work,) = await alive.claim(1)

    assert await dead.finish([Result(slow, Complete(), "{}")]) == [NOT_OURS]
    assert (await jobs.get(redis, team, job_id)).status == "processing"
    assert await alive.finish([Result(work, Complete(), "{}")]) == [RECORDED]
    assert (await ledger.read(redis, team)).holds


async def test_a_beat_between_look_and_rescue_saves_the_job(redis: Redis, team: Team, alive: Claims) -> None:
    await a_job(redis, team)
    works = await alive.claim(1)
    seen = await find_in_flight(redis, SHARD)

    assert await alive.beat(works) == [True]

    assert await rescue(redis, SHARD, seen) == 0
    assert await alive.finish([Result(works[0], Complete(), "{}")]) == [RECORDED]


async def test_a_beat_tells_what_was_lost(redis: Redis, team: Team, dead: Claims) -> None:
    await a_job(redis, team)
    works = await dead.claim(1)

    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))

    assert await dead.beat(works) == [False]


async def test_the_third_lost_worker_makes_a_dead_letter(
    redis: Redis, team: Team, dead: Claims, alive: Claims
) -> None:
    job_id, unharmed = await a_job(redis, team), await a_job(redis, team)

    for _ in range(PATIENCE):
        await dead.claim(1)
        await rescue(redis, SHARD, await find_in_flight(redis, SHARD))

    job = await jobs.get(redis, team, job_id)
    assert (job.status, job.final_status) == ("failed", "dead_lettered")
    assert job.run is not None
    assert "3 workers were lost" in (job.run.error_message or "")
    assert [work.id for work in await alive.claim(10)] == [unharmed]


async def test_two_rescuers_give_a_job_back_once(redis: Redis, team: Team, dead: Claims) -> None:
    await a_job(redis, team)
    await dead.claim(1)
    seen = await find_in_flight(redis, SHARD)

    assert [await rescue(redis, SHARD, seen) for _ in range(2)] == [1, 0]


async def test_an_execution_is_rescued_too(redis: Redis, team: Team, dead: Claims, alive: Claims) -> None:
    cron = await crons.create(
        call_of(redis, team), CronCreate(name="ping", url="https://a.example", cron_expression="0 0 1 1 *")
    )
    execution = await executions.create(call_of(redis, team), cron.id)
    await dead.claim(1)

    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))

    assert [(work.kind, work.id) for work in await alive.claim(1)] == [("e", execution.id)]


async def test_all_that_is_in_flight_is_seen_page_by_page(redis: Redis, team: Team, dead: Claims) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail"))
    for _ in range(410):
        await a_job(redis, team)

    claimed = [await dead.claim(205) for _ in range(2)]

    assert sum(map(len, claimed)) == 410
    assert len(await find_in_flight(redis, SHARD)) == 410


IN_FLIGHT = InFlight("1:1", "s:", "1-0", "w", 1)


def test_what_does_not_move_for_a_lease_is_lost() -> None:
    watch = Watch()

    assert watch.see([IN_FLIGHT], 100.0) == []
    assert watch.see([IN_FLIGHT], 100.0 + LEASE_SECONDS - 0.1) == []
    assert watch.see([IN_FLIGHT], 100.0 + LEASE_SECONDS) == [IN_FLIGHT]


def test_a_beat_starts_the_observation_again() -> None:
    watch = Watch()
    beaten = InFlight("1:1", "s:", "1-0", "w", 2)
    watch.see([IN_FLIGHT], 0.0)

    assert watch.see([beaten], LEASE_SECONDS) == []
    assert watch.see([beaten], 2 * LEASE_SECONDS) == [beaten]


async def test_a_job_that_was_deleted_in_flight_does_not_come_back(
    redis: Redis, team: Team, dead: Claims, alive: Claims
) -> None:
    job_id = await a_job(redis, team)
    await dead.claim(1)
    await jobs.delete(call_of(redis, team), job_id)

    assert await rescue(redis, SHARD, await find_in_flight(redis, SHARD)) == 0

    assert await alive.claim(1) == []
    assert await redis.keys(f"{team.prefix}j:*") == []
    assert await find_in_flight(redis, SHARD) == []


async def test_a_job_whose_queue_was_deleted_in_flight_does_not_come_back(
    redis: Redis, team: Team, dead: Claims, alive: Claims
) -> None:
    await a_job(redis, team)
    (work,) = await dead.claim(1)
    await queues.delete(call_of(redis, team), int(work.queue))

    assert await rescue(redis, SHARD, await find_in_flight(redis, SHARD)) == 0

    assert await alive.claim(1) == []
    assert await find_in_flight(redis, SHARD) == []
