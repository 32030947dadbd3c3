"""A heartbeat waits for pings: in time they complete its fires, silence alerts once, the next ping recovers."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.patrol import patrol
from services.scheduler.promote import promote_due
from shared import clock
from shared.actions import alerts, crons, executions, pings
from shared.actions.pings import Kind, Noted, Ping, exit_ping
from shared.errors import Conflict, Invalid, NotFound
from shared.schemas.alerts import AlertQuery
from shared.schemas.crons import Cron, CronUpdate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, history, ledgers_add_up


async def a_heartbeat(redis: Redis, team: Team, **fields: object) -> Cron:
    asked = {"mode": "heartbeat", "url": "", "cron_expression": "0 * * * *", "grace_seconds": 300, **fields}
    return await a_cron(redis, team, at=NOON, **asked)


async def ping(
    redis: Redis, cron: Cron, after: timedelta, said: str = "", kind: Kind = Kind.COMPLETE
) -> Noted:
    assert cron.ping_key
    return await pings.ping(redis, cron.ping_key, Ping(kind, said), now_ms=clock.milliseconds(NOON + after))


async def pass_to(redis: Redis, after: timedelta) -> None:
    """Let the schedulers do all that is due by then."""
    await fire_due(redis, SHARD, NOON + after)
    await promote_due(redis, SHARD, NOON + after)


async def states(redis: Redis, team: Team, cron: Cron) -> list[str]:
    return [one.status for one in await history(redis, team, cron)]


async def alerted(redis: Redis, team: Team) -> list[str]:
    """The types of the sent alerts, oldest first."""
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
    assert await ledgers_add_up(redis, team)


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
    assert await ledgers_add_up(redis, team)


async def test_the_grace_ends_to_the_millisecond(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await pass_to(redis, HOUR + 5 * MINUTE - timedelta(milliseconds=1))
    waits = await states(redis, team, cron)
    await pass_to(redis, HOUR + 5 * MINUTE)

    assert (waits, await states(redis, team, cron)) == (["pending"], ["failed"])


@pytest.mark.parametrize(("early", "state"), [(10 * SECOND, "completed"), (11 * SECOND, "pending")])
async def test_a_ping_a_little_too_early_counts_however_short_the_grace(
    redis: Redis, team: Team, early: timedelta, state: str
) -> None:
    cron = await a_heartbeat(redis, team, grace_seconds=5)

    await ping(redis, cron, HOUR - early)
    await pass_to(redis, HOUR)

    assert await states(redis, team, cron) == [state]


async def test_a_ping_within_the_grace_before_its_time_counts_for_what_comes(
    redis: Redis, team: Team
) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    await ping(redis, cron, HOUR + MINUTE)

    noted = await ping(redis, cron, 2 * HOUR - 4 * MINUTE, "a little early")
    await pass_to(redis, 2 * HOUR)
    await pass_to(redis, 2 * HOUR + 5 * MINUTE)

    assert noted.counts_for == NOON + 2 * HOUR
    record = (await history(redis, team, cron))[-1]
    assert (record.status, record.run and record.run.response_body) == ("completed", "a little early")
    assert await alerted(redis, team) == []


async def test_an_early_ping_counts_for_one_fire_alone(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    await ping(redis, cron, HOUR + MINUTE)

    await ping(redis, cron, 2 * HOUR - MINUTE)
    for hour in (2, 3):
        await pass_to(redis, hour * HOUR)
        await pass_to(redis, hour * HOUR + 5 * MINUTE)

    assert await states(redis, team, cron) == ["completed", "completed", "failed"]


async def test_a_ping_nearer_to_the_last_fire_is_answered_that_it_does_not_count_for_the_next(
    redis: Redis, team: Team
) -> None:
    cron = await a_heartbeat(redis, team, grace_seconds=3600)
    await pass_to(redis, HOUR)

    first = await ping(redis, cron, HOUR + 10 * MINUTE)
    second = await ping(redis, cron, HOUR + 11 * MINUTE)
    await pass_to(redis, 2 * HOUR)

    assert (first.counts_for, first.next_fire) == (None, None)  # it ended one
    assert (second.counts_for, second.next_fire) == (None, NOON + 2 * HOUR)
    assert second.takes_pings_from == NOON + 1.5 * HOUR
    assert await states(redis, team, cron) == ["completed", "pending"]


async def test_a_ping_too_early_by_more_than_the_grace_is_answered_from_when_one_counts(
    redis: Redis, team: Team
) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    await ping(redis, cron, HOUR + MINUTE)

    noted = await ping(redis, cron, 2 * HOUR - 6 * MINUTE)
    await pass_to(redis, 2 * HOUR)

    assert (noted.counts_for, noted.takes_pings_from) == (None, NOON + 2 * HOUR - 5 * MINUTE)
    assert await states(redis, team, cron) == ["completed", "pending"]


@pytest.mark.parametrize(("kind", "state"), [(Kind.COMPLETE, "completed"), (Kind.FAIL, "failed")])
async def test_one_ping_ends_more_fires_than_one_script_looks_at(
    redis: Redis, team: Team, kind: Kind, state: str
) -> None:
    fields = {"cron_expression": "* * * * * *", "grace_seconds": 3600, "misfire_policy": "run_all"}
    cron = await a_heartbeat(redis, team, **fields)
    await pass_to(redis, 1000 * SECOND)
    waiting = await redis.zcard(f"{team.prefix}x:{team.id}:c{cron.id}:pending")

    await ping(redis, cron, 1000 * SECOND, kind=kind)

    assert waiting == 1000
    assert await redis.zcard(f"{team.prefix}x:{team.id}:c{cron.id}:{state}") == 1000
    assert (await crons.get(redis, team, cron.id)).consecutive_failures == (1000 if kind == Kind.FAIL else 0)
    assert await redis.zcard(keyspace.due(SHARD)) == 0
    assert await ledgers_add_up(redis, team)


async def test_a_fire_that_a_ping_left_behind_ends_well_when_its_grace_is_over(
    redis: Redis, team: Team
) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    record = f"{team.prefix}c:{team.id}:{cron.id}"
    await redis.hset(record, "last_ping", str(clock.milliseconds(NOON + HOUR + MINUTE)))  # type: ignore[misc]

    await pass_to(redis, HOUR + 5 * MINUTE)

    assert await states(redis, team, cron) == ["completed"]


async def test_a_start_waits_for_its_end_and_gives_the_duration(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + 4 * MINUTE, kind=Kind.START)
    await pass_to(redis, HOUR + 8 * MINUTE)
    waits = await states(redis, team, cron)
    await ping(redis, cron, HOUR + 8.5 * MINUTE, "3 GB")

    (record,) = await history(redis, team, cron)
    assert (waits, record.status) == (["pending"], "completed")
    assert record.run
    assert (record.run.duration_ms, record.run.response_body) == (270_000, "3 GB")
    assert record.run.started_at == NOON + HOUR + 4 * MINUTE
    assert await ledgers_add_up(redis, team)


async def test_a_start_shortens_no_wait(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    await crons.update(call_of(redis, team), cron.id, CronUpdate(grace_seconds=60), NOON + HOUR)

    await ping(redis, cron, HOUR + MINUTE, kind=Kind.START)
    await pass_to(redis, HOUR + 4 * MINUTE)

    assert await states(redis, team, cron) == ["pending"]


async def test_work_that_started_and_does_not_end_is_missed(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    await ping(redis, cron, HOUR + 4 * MINUTE, kind=Kind.START)

    await pass_to(redis, HOUR + 9 * MINUTE)
    await ping(redis, cron, HOUR + 30 * MINUTE)

    (record,) = await history(redis, team, cron)
    assert record.run
    assert record.run.error_message == "It started, and no ping came within 300 s of that."
    assert record.run.failure_reason == "no_ping"
    assert await alerted(redis, team) == ["failure", "recovery"]


async def test_a_start_alone_ends_nothing_and_a_plain_ping_has_no_duration(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + MINUTE, kind=Kind.START)
    await ping(redis, cron, HOUR + 2 * MINUTE)
    await pass_to(redis, 2 * HOUR)
    await ping(redis, cron, 2 * HOUR + MINUTE)

    first, second = await history(redis, team, cron)
    assert first.run
    assert second.run
    assert (first.run.duration_ms, second.run.duration_ms) == (60_000, None)


async def test_a_failure_gives_the_duration_too(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)
    assert cron.ping_key

    await ping(redis, cron, HOUR + MINUTE, kind=Kind.START)
    await pings.ping(
        redis, cron.ping_key, exit_ping(3, ""), now_ms=clock.milliseconds(NOON + HOUR + 2 * MINUTE)
    )

    (record,) = await history(redis, team, cron)
    assert record.run
    assert (record.run.failure_reason, record.run.duration_ms) == ("ping_failed", 60_000)
    assert record.run.error_message == "The ping said that it failed, with exit status 3."
    assert (await crons.get(redis, team, cron.id)).last_error == record.run.error_message


async def test_a_start_that_was_forgotten_gives_no_duration(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await ping(redis, cron, MINUTE, kind=Kind.START)
    await pass_to(redis, 80 * HOUR)

    await ping(redis, cron, 80 * HOUR + MINUTE)

    assert [one.run and one.run.duration_ms for one in (await history(redis, team, cron))[-1:]] == [None]


async def test_a_note_is_shown_while_the_fire_waits_and_kept_with_how_it_ends(
    redis: Redis, team: Team
) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + MINUTE, 'half of it, "quoted" / \u2713', Kind.LOG)
    (waiting,) = await history(redis, team, cron)
    await ping(redis, cron, HOUR + 2 * MINUTE)
    await pass_to(redis, 2 * HOUR)
    await ping(redis, cron, 2 * HOUR + MINUTE, "stuck", Kind.LOG)
    await pass_to(redis, 2 * HOUR + 5 * MINUTE)

    ended, missed = await history(redis, team, cron)
    assert (waiting.status, ended.status, missed.status) == ("pending", "completed", "failed")
    bodies = [one.run and one.run.response_body for one in (waiting, ended, missed)]
    assert bodies == ['half of it, "quoted" / \u2713', 'half of it, "quoted" / \u2713', "stuck"]
    assert missed.run
    assert missed.run.failure_reason == "no_ping"
    assert (await crons.get(redis, team, cron.id)).last_response == "stuck"


async def test_what_a_ping_says_itself_counts_before_a_note(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)
    await pass_to(redis, HOUR)

    await ping(redis, cron, HOUR + MINUTE, "begun", Kind.LOG)
    await ping(redis, cron, HOUR + 2 * MINUTE, "done")

    assert (await crons.get(redis, team, cron.id)).last_response == "done"


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

    await ping(redis, cron, HOUR + MINUTE, "disk full", Kind.FAIL)
    told = await alerts.page(redis, team, AlertQuery())
    await ping(redis, cron, HOUR + 2 * MINUTE)

    (failure,) = told.data
    assert (failure.data.failure_reason, failure.data.response) == ("ping_failed", "disk full")
    assert await states(redis, team, cron) == ["failed"]
    assert await alerted(redis, team) == ["failure", "recovery"]


async def test_a_failing_ping_out_of_turn_counts_too(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    await ping(redis, cron, MINUTE, kind=Kind.FAIL)

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

    await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=False), NOON + HOUR)
    await pass_to(redis, 3 * HOUR)

    (record,) = await history(redis, team, cron)
    assert (record.status, record.skip_reason) == ("skipped", "paused")
    assert await alerted(redis, team) == []
    assert await ledgers_add_up(redis, team)


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
        await executions.create(call_of(redis, team), cron.id)


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
    await crons.delete(call_of(redis, team), cron.id)
    with pytest.raises(NotFound):
        await pings.ping(redis, cron.ping_key)
    assert (await crons.get(redis, team, other.id)).last_ping_at is None


async def test_a_change_keeps_the_key(redis: Redis, team: Team) -> None:
    cron = await a_heartbeat(redis, team)

    changed = await crons.update(call_of(redis, team), cron.id, CronUpdate(grace_seconds=60), NOON)

    assert (changed.ping_key, changed.grace_seconds) == (cron.ping_key, 60)
