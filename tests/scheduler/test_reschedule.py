"""A cron or job that a wrong clock left waiting for hours is found and rescheduled."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.cli import punctuality
from services.scheduler.fire import fire_due
from services.scheduler.reschedule import reschedule, reschedule_doubtful
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Postpone, Result, Retry
from shared import clock
from shared.actions import crons, jobs
from shared.schemas.crons import CronUpdate
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, history
from tests.vouching import vouch

NOW = clock.milliseconds(NOON)


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def fire_ahead(redis: Redis, team: Team, **asked: object) -> int:
    """A cron that fired by a clock two hours ahead of noon."""
    cron = await a_cron(redis, team, at=NOON, **asked)
    await fire_due(redis, SHARD, NOON + 2 * HOUR)
    return cron.id


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("kind", [{}, {"mode": "heartbeat", "url": "", "grace_seconds": 60}])
async def test_a_cron_that_a_clock_two_hours_ahead_moved_fires_again_at_once(
    redis: Redis, team: Team, zone: str, kind: dict[str, object]
) -> None:
    cron = await fire_ahead(redis, team, timezone=zone, **kind)

    moved = await reschedule(redis, SHARD, now_ms=NOW + 5000)

    assert moved == 1
    assert (await crons.get(redis, team, cron)).next_run_at == NOON + MINUTE
    await fire_due(redis, SHARD, NOON + MINUTE)
    assert NOON + MINUTE in [
        one.scheduled_at for one in await history(redis, team, await crons.get(redis, team, cron))
    ]
    assert await reschedule(redis, SHARD, now_ms=NOW + 65_000) == 0


async def test_a_cron_whose_next_fire_passed_over_one_that_is_due_owes_it(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON)
    late = clock.milliseconds(NOON + HOUR)
    await redis.zadd(keyspace.crons(SHARD), {f"1:{cron.id}": late})
    await redis.hset(f"{team.prefix}c:1:{cron.id}", "next", str(late))  # type: ignore[misc]

    moved = await reschedule(redis, SHARD, now_ms=NOW + 3 * 60_000)
    await fire_due(redis, SHARD, NOON + 3 * MINUTE)

    (record,) = await history(redis, team, cron)
    assert moved == 1
    assert (record.missed_since, record.scheduled_at) == (NOON + MINUTE, NOON + 3 * MINUTE)


async def test_a_fire_that_other_rules_of_its_zone_made_is_not_owed_once_more(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, at=NOON, cron_expression="0 15 * * *", timezone="Europe/Berlin")
    early = clock.milliseconds(NOON + HOUR)  # three o'clock, by rules that are an hour ahead
    await redis.zadd(keyspace.crons(SHARD), {f"1:{cron.id}": early})
    await redis.hset(f"{team.prefix}c:1:{cron.id}", "next", str(early))  # type: ignore[misc]
    await fire_due(redis, SHARD, NOON + HOUR)

    moved = await reschedule(redis, SHARD, now_ms=early + 20_000)

    assert moved == 0
    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON + 26 * HOUR


@pytest.mark.parametrize(
    "asked",
    [
        {"cron_expression": "0 0 1 1 *"},
        {"cron_expression": "0 9 1 * *", "timezone": "Europe/Berlin"},
        {"cron_expression": "0 * * * *", "spread_seconds": 3600},
        {"starts_at": NOON + timedelta(days=3)},
        {"cron_expression": "0 * * * *", "ends_at": NOON + 2 * HOUR},
        {"cron_expression": "0 */2 * * *", "max_runs": 1},
    ],
)
async def test_a_cron_that_is_right_is_left_alone(redis: Redis, team: Team, asked: dict[str, object]) -> None:
    cron = await a_cron(redis, team, at=NOON, **asked)
    before = (await crons.get(redis, team, cron.id)).next_run_at

    await fire_due(redis, SHARD, NOON + 10 * SECOND)
    moved = await reschedule(redis, SHARD, now_ms=NOW + 20_000)
    await fire_due(redis, SHARD, NOON + 3 * HOUR)
    moved += await reschedule(redis, SHARD, now_ms=NOW + 3 * 3_600_000 + 1000)

    assert moved == 0
    assert before


@pytest.mark.writes_records
async def test_a_fire_that_other_rules_of_its_zone_put_an_hour_later_stays(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON, cron_expression="0 9 * * *", timezone="Europe/Berlin")
    assert cron.next_run_at
    later = clock.milliseconds(cron.next_run_at + HOUR)
    await redis.zadd(keyspace.crons(SHARD), {f"1:{cron.id}": later})
    await redis.hset(f"{team.prefix}c:1:{cron.id}", "next", str(later))  # type: ignore[misc]

    assert await reschedule(redis, SHARD, now_ms=NOW) == 0


async def test_a_cron_is_judged_by_the_present_that_is_vouched_for(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, at=NOON)
    late = clock.milliseconds(NOON + 10 * HOUR)
    await redis.zadd(keyspace.crons(SHARD), {f"1:{cron.id}": late})
    unknown = {"next": str(late), "fired_until": "0"}
    await redis.hset(f"{team.prefix}c:1:{cron.id}", mapping=unknown)  # type: ignore[misc]
    await vouch(redis, NOW)

    await reschedule(redis, SHARD, now_ms=clock.milliseconds(NOON + 2 * HOUR))

    assert (await crons.get(redis, team, cron.id)).next_run_at == NOON + MINUTE


@pytest.mark.writes_records
async def test_paused_crons_and_those_of_other_versions_are_nobodys_to_mend(redis: Redis, team: Team) -> None:
    paused, unreadable = await fire_ahead(redis, team), await fire_ahead(redis, team)
    await crons.update(call_of(redis, team), paused, CronUpdate(is_active=False), NOON + 2 * HOUR)
    await redis.hset(f"{team.prefix}c:1:{unreadable}", "expression", "no such thing")  # type: ignore[misc]

    assert await reschedule(redis, SHARD, now_ms=NOW) == 0


async def test_many_crons_are_all_looked_at(redis: Redis, team: Team) -> None:
    for _ in range(205):
        await a_cron(redis, team, at=NOON, cron_expression="*/5 * * * *")
    await fire_due(redis, SHARD, NOON + 2 * HOUR)

    assert await reschedule(redis, SHARD, now_ms=NOW) == 205


async def test_the_doctor_says_that_crons_were_late_and_are_not_any_more(redis: Redis, team: Team) -> None:
    now = clock.now()
    await a_cron(redis, team, at=now)
    await fire_due(redis, SHARD, now + 2 * HOUR)

    silent = [finding for finding in await punctuality.examine(redis) if "cron" in finding.text]
    await reschedule(redis, SHARD)
    told = [finding for finding in await punctuality.examine(redis) if "cron" in finding.text]

    assert silent == []
    assert [finding.good for finding in told] == [False]
    assert "the next fire of 1 was too late" in told[0].text


async def test_the_doctor_says_that_crons_are_overdue(redis: Redis, team: Team) -> None:
    await a_cron(redis, team, at=clock.now() - timedelta(minutes=10))

    (found,) = [finding for finding in await punctuality.examine(redis) if "cron" in finding.text]

    assert not found.good
    assert "should have fired" in found.text


async def test_a_job_that_was_made_by_a_clock_ahead_waits_no_longer_than_it_was_to(
    redis: Redis, team: Team
) -> None:
    asked = JobCreate(queue="mail", url="https://a.example/", delay=600)
    wrong = await jobs.create(call_of(redis, team), asked, NOW + 2 * 3_600_000)
    right = await jobs.create(call_of(redis, team), asked, NOW)

    moved = await reschedule_doubtful(redis, SHARD, NOW + 1000)

    shown = await jobs.read(redis, team, [wrong.id, right.id])
    assert moved == 1
    assert [job.scheduled_at - NOON for job in shown] == [10 * MINUTE + SECOND, 10 * MINUTE]
    assert shown[0].created_at == NOON + SECOND
    assert await reschedule_doubtful(redis, SHARD, NOW + 1000) == 0


@pytest.mark.writes_records
@pytest.mark.parametrize(
    ("field", "value"),
    [("expression", None), ("timezone", None), ("timing", "{spoiled"), ("offset", "some"), ("next", "soon")],
)
async def test_a_cron_that_is_spoiled_hides_no_other_one_from_the_watchdog(
    redis: Redis, team: Team, field: str, value: str | None
) -> None:
    spoiled, other = await fire_ahead(redis, team), await fire_ahead(redis, Team(2, team.shard))
    record = f"{team.prefix}c:1:{spoiled}"
    await (redis.hset(record, field, value) if value else redis.hdel(record, field))  # type: ignore[misc]

    moved = await reschedule(redis, SHARD, now_ms=NOW + 5000)

    assert moved == 1
    assert (await crons.get(redis, Team(2, team.shard), other)).next_run_at == NOON + MINUTE


@pytest.mark.writes_records
async def test_a_team_whose_crons_cannot_be_read_hides_no_other_teams_from_the_watchdog(
    redis: Redis, team: Team
) -> None:
    spoiled, _ = await fire_ahead(redis, team), await fire_ahead(redis, Team(2, team.shard))
    await redis.set(f"{team.prefix}c:1:{spoiled}", "junk")

    assert await reschedule(redis, SHARD, now_ms=NOW + 5000) == 1


async def test_a_job_that_is_damaged_keeps_no_other_waiting(redis: Redis, team: Team) -> None:
    asked = JobCreate(queue="mail", url="https://a.example/", delay=600)
    spoiled, wrong = [await jobs.create(call_of(redis, team), asked, NOW + 2 * 3_600_000) for _ in range(2)]
    await redis.set(f"{team.prefix}j:1:{spoiled.id}", "junk")

    assert await reschedule_doubtful(redis, SHARD, NOW + 1000) == 1
    assert (await jobs.get(redis, team, wrong.id)).scheduled_at == NOON + 10 * MINUTE + SECOND


AHEAD = NOW + 2 * 3_600_000


async def waits(redis: Redis) -> list[tuple[str, int]]:
    """The records that are due later, each with its seconds after noon."""
    rows = await redis.zrange(keyspace.due(SHARD), 0, -1, withscores=True)
    return [(member[0], round((at - NOW) / 1000)) for member, at in rows]


async def test_what_was_put_off_by_a_clock_ahead_waits_no_longer_than_it_was_to(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"), NOW)
    cron = await a_cron(redis, team, at=NOON - MINUTE)
    await fire_due(redis, SHARD, NOON)
    works = await worker.claim(2, NOW)
    await worker.finish([Result(work, Postpone(60, "its host"), "[]") for work in works], AHEAD)

    moved = await reschedule_doubtful(redis, SHARD, NOW + 1000)

    assert moved == 2
    assert sorted(await waits(redis)) == [("e", 61), ("j", 61)]
    (record,) = await history(redis, team, cron)
    assert record.scheduled_at == NOON
    assert await reschedule_doubtful(redis, SHARD, NOW + 1000) == 0


async def test_a_notice_that_a_clock_ahead_put_off_is_tried_again_in_time(
    redis: Redis, team: Team, worker: Claims
) -> None:
    asked = JobCreate(queue="mail", url="https://a.example/", callback_url="https://b.example/")
    await jobs.create(call_of(redis, team), asked, NOW)
    for verdict, now in ((Complete(), NOW), (Retry(60), AHEAD)):
        works = await worker.claim(1, now)
        await worker.finish([Result(work, verdict, "[1,200,1,1]") for work in works], now)

    assert await reschedule_doubtful(redis, SHARD, NOW + 1000) == 1
    assert await waits(redis) == [("n", 61)]


async def test_a_heartbeat_that_a_clock_ahead_fired_awaits_its_ping_as_long_as_its_cron_says(
    redis: Redis, team: Team
) -> None:
    await fire_ahead(redis, team, mode="heartbeat", url="", grace_seconds=60)
    before = await waits(redis)

    assert await reschedule_doubtful(redis, SHARD, NOW + 1000) == 0
    assert await waits(redis) == before


async def test_an_execution_that_a_clock_ahead_made_stays_that_of_its_fire(
    redis: Redis, team: Team, worker: Claims
) -> None:
    cron = await a_cron(redis, team, at=NOON)
    await fire_due(redis, SHARD, NOON + 2 * HOUR)
    works = await worker.claim(1, AHEAD)
    await worker.finish([Result(work, Postpone(60, "its host"), "[]") for work in works], AHEAD)

    moved = await reschedule_doubtful(redis, SHARD, NOW + 1000)

    (record,) = await history(redis, team, cron)
    assert moved == 1
    assert await waits(redis) == [("e", 61)]
    assert record.scheduled_at == NOON + 2 * HOUR
