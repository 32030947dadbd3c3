"""A heartbeat waits for pings: in time they end its fires well, silence alerts once, and the next ping recovers."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.patrol import patrol
from services.scheduler.promote import promote_due
from shared import alerts, clock, crons, executions, keyspace, pings
from shared.errors import Conflict, Invalid, NotFound
from shared.keyspace import Team
from shared.schemas.alerts import AlertQuery
from shared.schemas.crons import Cron, CronUpdate
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, books_hold, claim, history


async def a_heartbeat(redis: Redis, team: Team, **fields: object) -> Cron:
    asked = {"mode": "heartbeat", "url": "", "cron_expression": "0 * * * *", "grace_seconds": 300, **fields}
    return await a_cron(redis, team, at=NOON, **asked)


async def ping(redis: Redis, cron: Cron, after: timedelta, said: str = "", *, failed: bool = False) -> None:
    assert cron.ping_key
    await pings.ping(redis, cron.ping_key, said, failed=failed, now=clock.milliseconds(NOON + after))


async def pass_to(redis: Redis, after: timedelta) -> None:
    """Let the schedulers do what is due by then."""
    await fire_due(redis, SHARD, NOON + after)
    await promote_due(redis, SHARD, NOON + after)


async def states(redis: Redis, team: Team, cron: Cron) -> list[str]:
    return [one.status for one in await history(redis, team, cron)]


async def alerted(redis: Redis, team: Team) -> list[str]:
    """What people were told of, oldest first."""
    return [one.type for one in (await alerts.page(redis, team, AlertQuery())).data[::-1]]


async def test_a_ping_within_the_grace_ends_the_fire_well(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + 2 * MINUTE, "backed up 3 GB")
    await pass_to(redis, HOUR + 10 * MINUTE)

    (record,) = await history(redis, team, cron)
    assert (record.status, record.run and record.run.response_body) == ("completed", "backed up 3 GB")
    shown = await crons.get(redis, team, cron.id)
    assert (shown.last_status, shown.last_response) == ("completed", "backed up 3 GB")
    assert shown.last_ping_at == NOON + HOUR + 2 * MINUTE
    assert await alerted(redis, team) == []
    assert await claim(redis, NOON + 2 * HOUR) == []  # nobody calls anybody
    assert await books_hold(redis, team)


async def test_silence_alerts_once_and_the_next_ping_recovers_once(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    for hour in (1, 2, 3):
        await pass_to(redis, hour * HOUR)
        await pass_to(redis, hour * HOUR + 5 * MINUTE)
    silent = await crons.get(redis, team, cron.id)
    told_of_silence = await alerted(redis, team)
    for minute in (30, 40):
        await ping(redis, cron, 3 * HOUR + minute * MINUTE)

    assert (silent.is_alerted, silent.consecutive_failures, silent.last_status) == (True, 3, "failed")
    assert told_of_silence == ["failure"]
    assert await alerted(redis, team) == ["failure", "recovery"]
    failed = (await history(redis, team, cron))[0]
    assert failed.run is not None
    assert (failed.run.failure_reason, failed.run.error_message) == ("no_ping", "No ping came within 300 s.")
    assert await books_hold(redis, team)


async def test_the_grace_ends_to_the_millisecond(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await pass_to(redis, HOUR + 5 * MINUTE - timedelta(milliseconds=1))
    waits = await states(redis, team, cron)
    await pass_to(redis, HOUR + 5 * MINUTE)

    assert (waits, await states(redis, team, cron)) == (["pending"], ["failed"])


@pytest.mark.parametrize(("early", "state"), [(10 * SECOND, "completed"), (11 * SECOND, "pending")])
async def test_a_ping_a_little_too_early_counts(
    redis: Redis, team: Team, early: timedelta, state: str
) -> None:
    cron = await a_heartbeat(redis, team)

    await ping(redis, cron, HOUR - early)
    await pass_to(redis, HOUR)

    assert await states(redis, team, cron) == [state]


async def test_one_ping_ends_all_that_are_open(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team, cron_expression="* * * * *", grace_seconds=600)
    for minute in (1, 2, 3):
        await pass_to(redis, minute * MINUTE)

    await ping(redis, cron, 3.5 * MINUTE)

    assert await states(redis, team, cron) == ["completed"] * 3
    assert await redis.zcard(keyspace.due(SHARD)) == 0


async def test_a_ping_can_say_that_it_failed(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + MINUTE, "disk full", failed=True)
    told = await alerts.page(redis, team, AlertQuery())
    await ping(redis, cron, HOUR + 2 * MINUTE)

    (failure,) = told.data
    assert (failure.data.failure_reason, failure.data.response) == ("ping_failed", "disk full")
    assert await states(redis, team, cron) == ["failed"]
    assert await alerted(redis, team) == ["failure", "recovery"]


async def test_a_failing_ping_out_of_turn_counts_too(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    await ping(redis, cron, MINUTE, failed=True)

    assert (await crons.get(redis, team, cron.id)).is_alerted


async def test_after_an_outage_of_ours_the_grace_starts_anew(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    await pass_to(redis, HOUR + 30 * MINUTE)
    waits = await states(redis, team, cron)
    await pass_to(redis, HOUR + 35 * MINUTE)

    assert (waits, await states(redis, team, cron)) == (["pending"], ["failed"])


async def test_a_ping_during_an_outage_of_the_scheduler_counts(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    await ping(redis, cron, HOUR + 3 * MINUTE)
    await pass_to(redis, HOUR + 30 * MINUTE)

    assert await states(redis, team, cron) == ["completed"]


async def test_a_paused_heartbeat_expects_nothing(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await crons.update(redis, team, cron.id, CronUpdate(is_active=False), NOON + HOUR)
    await pass_to(redis, 3 * HOUR)

    (record,) = await history(redis, team, cron)
    assert (record.status, record.skip_reason) == ("skipped", "paused")
    assert await alerted(redis, team) == []
    assert await books_hold(redis, team)


async def test_the_patrol_brings_a_lost_deadline_back(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    calm = await patrol(redis, SHARD, clock.milliseconds(NOON + HOUR))
    await redis.delete(keyspace.due(SHARD))
    mended = await patrol(redis, SHARD, clock.milliseconds(NOON + HOUR))
    await pass_to(redis, HOUR + 5 * MINUTE)

    assert (calm, mended) == (0, 1)
    assert await states(redis, team, cron) == ["failed"]
    assert await claim(redis, NOON + 2 * HOUR) == []


async def test_there_is_nothing_to_run_by_hand(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    with pytest.raises(Conflict, match="waits for pings"):
        await executions.create(redis, team, cron.id)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mode": "request"}, "The url field is required."),
        ({"url": "https://a.example/"}, "The url field does not go with mode heartbeat"),
    ],
)
async def test_who_calls_is_said_without_doubt(
    redis: Redis, team: Team, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        await a_heartbeat(redis, team, **fields)


async def test_a_key_opens_one_heartbeat_and_no_other(redis: Redis, team: Team) -> None:
    cron, other = await a_heartbeat(redis, team), await a_heartbeat(redis, team)
    assert cron.ping_key
    assert other.ping_key
    head, _, secret = cron.ping_key.rpartition(f"-{cron.id}-")

    for key in (
        "",
        "x",
        f"{head}-{other.id}-{secret}",
        f"s9{cron.ping_key[2:]}",
        f"{cron.ping_key}x",
        "a-b-c-d",
    ):
        with pytest.raises(NotFound):
            await pings.ping(redis, key)
    await crons.delete(redis, team, cron.id)
    with pytest.raises(NotFound):
        await pings.ping(redis, cron.ping_key)
    assert (await crons.get(redis, team, other.id)).last_ping_at is None


async def test_a_change_keeps_the_key(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    changed = await crons.update(redis, team, cron.id, CronUpdate(grace_seconds=60), NOON)

    assert (changed.ping_key, changed.grace_seconds) == (cron.ping_key, 60)
