import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.alarm import Alarm
from services.scheduler.fire import BATCH, fire_due, judge_ahead, keep_firing, look
from services.scheduler.watch import Watch
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result, Verdict
from shared import clock
from shared.actions import crons, executions
from shared.errors import NotFound
from shared.schemas.crons import Cron, CronCreate, CronUpdate, ExecutionQuery
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from shared.store.transitions import CronAside
from tests.calls import call_of
from tests.poll import until

SHARD = keyspace.SHARDS[0]
NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


async def every_five_minutes(redis: Redis, team: Team, **fields: object) -> Cron:
    asked = {"name": "ping", "url": "https://a.example/health", "cron_expression": "*/5 * * * *", **fields}
    return await crons.create(call_of(redis, team), CronCreate.model_validate(asked), NOW)


async def fired(redis: Redis, team: Team, cron: Cron) -> list[tuple[datetime, int]]:
    page = await executions.page(redis, team, cron.id, ExecutionQuery())
    return [(execution.scheduled_at, execution.missed) for execution in reversed(page.data)]


async def test_a_cron_fires_at_its_next_time_and_not_before(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)

    await fire_due(redis, SHARD, NOW + FIVE - timedelta(milliseconds=1))
    assert await fired(redis, team, cron) == []
    await fire_due(redis, SHARD, NOW + FIVE)

    assert await fired(redis, team, cron) == [(NOW + FIVE, 0)]
    assert (await crons.get(redis, team, cron.id)).next_run_at == NOW + 2 * FIVE


async def test_schedulers_side_by_side_fire_it_once(redis: Redis, team: Team) -> None:
    made = [await every_five_minutes(redis, team) for _ in range(20)]

    await asyncio.gather(*(fire_due(redis, SHARD, NOW + FIVE) for _ in range(8)))

    assert [await fired(redis, team, cron) for cron in made] == [[(NOW + FIVE, 0)]] * 20
    assert await redis.xlen(f"{team.prefix}s:1:crons") == 20


async def test_missed_fires_collapse_into_the_latest(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)

    for _ in range(2):
        await fire_due(redis, SHARD, NOW + timedelta(hours=3, minutes=1))

    assert await fired(redis, team, cron) == [(NOW + timedelta(hours=3), 35)]


async def test_a_paused_cron_does_not_fire_and_catches_nothing_up(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)

    paused = await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=False), NOW)
    await fire_due(redis, SHARD, NOW + timedelta(hours=1))
    assert paused.next_run_at is None
    resumed = await crons.update(
        call_of(redis, team), cron.id, CronUpdate(is_active=True), NOW + timedelta(hours=2, seconds=1)
    )

    assert await fired(redis, team, cron) == []
    assert resumed.next_run_at == NOW + timedelta(hours=2) + FIVE


async def test_a_change_between_look_and_fire_wins(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)
    await look(redis, SHARD, now=NOW + FIVE)

    await crons.update(call_of(redis, team), cron.id, CronUpdate(cron_expression="0 12 * * *"), NOW)
    await fire_due(redis, SHARD, NOW + FIVE)

    assert await fired(redis, team, cron) == []


async def test_an_unrelated_change_keeps_the_next_fire(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)

    changed = await crons.update(
        call_of(redis, team), cron.id, CronUpdate(name="pong"), NOW + timedelta(hours=9)
    )

    assert (changed.name, changed.next_run_at) == ("pong", cron.next_run_at)


async def test_a_deleted_cron_is_gone_with_its_executions(redis: Redis, team: Team) -> None:
    from services.scheduler.prune import prune

    cron = await every_five_minutes(redis, team)
    await fire_due(redis, SHARD, NOW + FIVE)

    await crons.delete(call_of(redis, team), cron.id)
    await fire_due(redis, SHARD, NOW + 2 * FIVE)

    with pytest.raises(NotFound, match="Cron not found"):
        await executions.page(redis, team, cron.id, ExecutionQuery())
    assert await prune(redis, SHARD) == 1
    assert await Claims(redis, SHARD, "w").claim(10) == []
    books = await ledger.read(redis, team, "execution")
    assert (books.accepted, books.deleted, books.holds) == (1, 1, True)


@pytest.mark.parametrize(
    ("verdicts", "failures", "alerted", "status"),
    [
        ([Complete()], 0, False, "completed"),
        ([Fail()], 1, False, "failed"),
        ([Fail(), Fail()], 2, True, "failed"),
        ([Fail(), Fail(), Complete()], 0, False, "completed"),
    ],
)
async def test_a_cron_remembers_how_it_went(
    redis: Redis, team: Team, verdicts: list[Verdict], failures: int, alerted: bool, status: str
) -> None:
    cron = await every_five_minutes(redis, team, alert_threshold=2)
    worker = Claims(redis, SHARD, "w")

    for verdict in verdicts:
        await executions.create(call_of(redis, team), cron.id)
        (work,) = await worker.claim(1)
        await worker.finish([Result(work, verdict, "{}", "the answer")])

    seen = await crons.get(redis, team, cron.id)
    assert (seen.consecutive_failures, seen.is_alerted, seen.last_status) == (failures, alerted, status)
    assert (seen.last_response, seen.last_run_at is not None) == ("the answer", True)


async def test_more_than_a_batch_due_at_once_all_fire(redis: Redis, team: Team) -> None:
    for _ in range(1200):
        await every_five_minutes(redis, team)

    await fire_due(redis, SHARD, NOW + FIVE)

    assert await redis.xlen(f"{team.prefix}s:1:crons") == 1200


async def test_what_is_due_at_one_moment_is_judged_before_it(redis: Redis, team: Team) -> None:
    for _ in range(BATCH + 50):
        await every_five_minutes(redis, team)
    await every_five_minutes(redis, team, cron_expression="*/10 * * * *")

    due_ms = clock.milliseconds(NOW + FIVE)
    batches = await judge_ahead(redis, SHARD, due_ms)

    assert [len(batch.latest_ms) for batch in batches] == [BATCH, 50]
    assert {at for batch in batches for at in batch.latest_ms} == {due_ms}
    assert (await ledger.read(redis, team, "execution")).accepted == 0


async def test_a_scheduler_fires_on_time_and_once_what_it_and_others_judged_ahead(
    redis: Redis, team: Team
) -> None:
    made = [
        await crons.create(
            call_of(redis, team),
            CronCreate(name="s", url="https://a.example/", cron_expression="* * * * * *"),
        )
        for _ in range(3)
    ]
    firing = [asyncio.create_task(keep_firing(redis, SHARD, Alarm(), Watch(redis, SHARD))) for _ in range(3)]

    async def have_fired() -> bool:
        return (await ledger.read(redis, team, "execution")).accepted >= 9

    await until(have_fired)
    await crons.update(call_of(redis, team), made[0].id, CronUpdate(is_active=False))
    paused = await fired(redis, team, made[0])
    at_least = len(await fired(redis, team, made[1])) + 2

    async def have_fired_again() -> bool:
        return len(await fired(redis, team, made[1])) >= at_least

    await until(have_fired_again)
    for task in firing:
        task.cancel()
    await asyncio.gather(*firing, return_exceptions=True)
    page = await executions.page(redis, team, made[1].id, ExecutionQuery(per_page=100))
    moments = [one.scheduled_at for one in page.data]
    assert len(set(moments)) == len(moments)
    assert [one.missed for one in page.data] == [0] * len(moments)
    assert await fired(redis, team, made[0]) == paused


@pytest.mark.writes_records
async def test_crons_that_nobody_can_read_stand_in_nobodys_way(redis: Redis, team: Team) -> None:
    wrong = [await every_five_minutes(redis, team) for _ in range(BATCH + 5)]
    right = await every_five_minutes(redis, team)
    for cron in wrong:
        await redis.hset(f"{team.prefix}c:{team.id}:{cron.id}", "expression", "a newer grammar")  # type: ignore[misc]
    later = await every_five_minutes(redis, team, cron_expression="30 10 * * *")

    found = await fire_due(redis, SHARD, NOW + FIVE)

    assert await fired(redis, team, right) == [(NOW + FIVE, 0)]
    assert found.next_due_ms == clock.milliseconds(NOW + 2 * FIVE)
    assert await fired(redis, team, later) == await fired(redis, team, wrong[0]) == []


async def _spoil(redis: Redis, team: Team, cron: Cron, expression: str = "no expression") -> None:
    await redis.hset(f"{team.prefix}c:{team.id}:{cron.id}", "expression", expression)  # type: ignore[misc]


@pytest.mark.writes_records
async def test_crons_that_cannot_be_judged_are_set_aside_for_minutes(redis: Redis, team: Team) -> None:
    spoiled = [await every_five_minutes(redis, team) for _ in range(2 * BATCH + 5)]
    for cron in spoiled:
        await _spoil(redis, team, cron)
    good = await every_five_minutes(redis, team)

    await fire_due(redis, SHARD, NOW + FIVE)

    assert await fired(redis, team, good) == [(NOW + FIVE, 0)]
    assert (await look(redis, SHARD, now=NOW + 2 * FIVE - timedelta(seconds=1))).crons == []
    again = (await look(redis, SHARD, now=NOW + 3 * FIVE)).crons
    assert {one.due for one in again if one.cron != str(good.id)} == {NOW + FIVE}


async def test_what_a_cron_missed_while_it_was_set_aside_is_counted(redis: Redis, team: Team) -> None:
    cron = await every_five_minutes(redis, team)
    await _spoil(redis, team, cron)
    await fire_due(redis, SHARD, NOW + FIVE)
    await _spoil(redis, team, cron, "*/5 * * * *")

    for _ in range(2):
        await fire_due(redis, SHARD, NOW + 4 * FIVE)

    assert await fired(redis, team, cron) == [(NOW + 4 * FIVE, 3)]


async def test_a_cron_that_was_changed_or_deleted_meanwhile_is_not_set_aside(
    redis: Redis, team: Team
) -> None:
    cron, gone = await every_five_minutes(redis, team), await every_five_minutes(redis, team)
    later = clock.milliseconds(NOW + 10 * FIVE)
    await crons.delete(call_of(redis, team), gone.id)
    await crons.update(call_of(redis, team), cron.id, CronUpdate(name="new"), NOW)

    aside = [CronAside(team.id, one.id, 1, later) for one in (cron, gone)]
    await transitions.set_crons_aside(redis, SHARD, aside)
    await redis.hset(f"{team.prefix}c:{team.id}:{gone.id}", "version", "1")  # type: ignore[misc]  # half deleted
    await transitions.set_crons_aside(redis, SHARD, aside[1:])

    assert [one.cron for one in (await look(redis, SHARD, now=NOW + FIVE)).crons] == [str(cron.id)]
    assert await redis.zcard(keyspace.crons(SHARD)) == 1
