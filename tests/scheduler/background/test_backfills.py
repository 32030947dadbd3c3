"""Backfills: each moment of a range in the past once, in order, beside the schedule and not in its way."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.prune import prune
from services.scheduler.replay import step_backfills
from services.scheduler.retire import Limits, Owner, retire_step
from services.worker.intake.claims import Claims
from services.worker.work import Fail, Postpone, Result, Verdict
from shared import clock
from shared.actions import crons
from shared.actions.reports import backfills, problems
from shared.errors import Conflict, Invalid, NotFound
from shared.schemas.crons import Cron, CronUpdate, Execution
from shared.schemas.reports.backfills import Backfill, BackfillCreate, BackfillPreview, BackfillQuery
from shared.schemas.reports.problems import ProblemQuery
from shared.store import keyspace, ledger, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions import Bounds, NewBackfill, Refused, StoredBackfill
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, end, history, told

HOURLY: dict[str, Any] = {"cron_expression": "0 * * * *"}
DAY = timedelta(days=1)


def wanted(since: datetime, until: datetime, **more: object) -> BackfillCreate:
    return BackfillCreate.model_validate({"from": since, "to": until, **more})


async def begun(
    redis: Redis,
    team: Team,
    cron: Cron,
    since: datetime,
    until: datetime,
    *,
    at: datetime = NOON,
    **more: Any,
) -> Backfill:
    found = await backfills.create(call_of(redis, team), cron.id, wanted(since, until, **more), at)
    assert isinstance(found, Backfill)
    return found


async def looked_at(
    redis: Redis,
    team: Team,
    cron: Cron,
    since: datetime,
    until: datetime,
    *,
    at: datetime = NOON,
    **more: Any,
) -> BackfillPreview:
    asked = wanted(since, until, dry_run=True, **more)
    found = await backfills.create(call_of(redis, team), cron.id, asked, at)
    assert isinstance(found, BackfillPreview)
    return found


async def step(redis: Redis, now: datetime) -> int:
    return await step_backfills(redis, SHARD, clock.milliseconds(now))


async def run_all(
    redis: Redis, now: datetime, verdict: Verdict | None = None, most: int = 300
) -> list[datetime]:
    """Step and work until nothing is left; the moments in the order in which they were sent."""
    sent: list[datetime] = []
    for _ in range(most):
        left = await step(redis, now)
        works = await claim(redis, now)
        sent += [clock.moment(work.due_ms) for work in works]
        await end(redis, works, now, verdict)
        now += SECOND
        if not left:
            break
    return sent


async def made(redis: Redis, team: Team, cron: Cron) -> list[Execution]:
    return [one for one in await history(redis, team, cron) if one.is_backfill]


async def test_what_did_not_run_is_made_in_the_order_of_its_moments(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)

    backfill = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    sent = await run_all(redis, NOON + MINUTE)

    assert sent == [NOON - hours * HOUR for hours in (5, 4, 3, 2, 1)]
    shown = await backfills.get(redis, team, backfill.id)
    assert (shown.status, shown.fires, shown.made, shown.completed, shown.left) == ("finished", 5, 5, 5, 0)
    executions = await made(redis, team, cron)
    assert [one.scheduled_at for one in executions] == sent
    assert {(one.backfill_id, one.lateness_ms, one.status) for one in executions} == {
        (backfill.id, 0, "completed")
    }
    assert await redis.keys("*backfill_*") == []
    assert await redis.exists(keyspace.backfills(SHARD)) == 0
    assert (await ledger.read(redis, team, "execution")).holds


async def test_one_at_a_time_also_while_one_waits_for_its_host(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await step(redis, NOON)

    await end(redis, await claim(redis, NOON), NOON, Postpone(60, "its host", True))
    for second in range(1, 30):
        await step(redis, NOON + second * SECOND)

    assert [one.status for one in await made(redis, team, cron)] == ["pending"]


async def test_so_many_run_at_a_time_as_are_wanted(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - 10 * HOUR, NOON - HOUR, max_parallelism=3)

    await step(redis, NOON)
    await step(redis, NOON)
    works = await claim(redis, NOON)
    await end(redis, works[:1], NOON)
    await step(redis, NOON)

    assert len(works) == 3
    assert len(await made(redis, team, cron)) == 4


async def test_a_backfill_keeps_its_rate(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await begun(redis, team, cron, NOON - 90 * MINUTE, NOON, max_parallelism=100, rate=2)

    counts = []
    for second in range(4):
        for _ in range(3):
            await step(redis, NOON + second * SECOND)
        counts.append(len(await made(redis, team, cron)))
    await step(redis, NOON + HOUR)  # after a pause it goes on at its rate
    counts.append(len(await made(redis, team, cron)))

    assert counts == [1, 3, 5, 7, 9]


async def test_schedulers_side_by_side_make_each_moment_once(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await begun(redis, team, cron, NOON - 80 * MINUTE, NOON - MINUTE, max_parallelism=7)

    sent: list[datetime] = []
    for second in range(40):
        now = NOON + second * SECOND
        await asyncio.gather(*(step(redis, now) for _ in range(4)))
        works = await claim(redis, now)
        assert len(works) <= 7
        sent += [clock.moment(work.due_ms) for work in works]
        await end(redis, works, now)

    assert sorted(sent) == [NOON - minute * MINUTE for minute in range(80, 0, -1)]


async def a_history(redis: Redis, team: Team) -> Cron:
    """A cron each minute: two completed, one failed, one skipped, one missed with the next, one that waits."""
    cron = await a_cron(redis, team, overlap_policy="skip")
    for minute in (1, 2):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
        await end(redis, await claim(redis, NOON + minute * MINUTE), NOON + minute * MINUTE)
    await fire_due(redis, SHARD, NOON + 3 * MINUTE)
    works = await claim(redis, NOON + 3 * MINUTE)
    await fire_due(redis, SHARD, NOON + 4 * MINUTE)
    await end(redis, works, NOON + 4.5 * MINUTE, Fail())
    await fire_due(redis, SHARD, NOON + 6 * MINUTE)
    expected = [("run", 1, 0), ("run", 2, 0), ("run", 3, 0), ("overlap", 4, 0), ("run", 6, 1)]
    assert await told(redis, team, cron) == expected
    return cron


async def test_what_completed_or_still_waits_is_left_out(redis: Redis, team: Team) -> None:
    cron, now = await a_history(redis, team), NOON + 6.5 * MINUTE

    shown = await looked_at(redis, team, cron, NOON, now, at=now)
    backfill = await begun(redis, team, cron, NOON, now, at=now, expected_count=4)
    await end(redis, await claim(redis, now), now)  # what its schedule made
    sent = await run_all(redis, now)

    assert [(one - NOON) // MINUTE for one in shown.moments] == [0, 3, 4, 5]
    assert (shown.fires, shown.count, shown.skipped) == (7, 4, 3)
    assert sent == shown.moments
    after = await backfills.get(redis, team, backfill.id)
    assert (after.made, after.skipped, after.completed) == (4, 3, 4)


async def test_all_are_made_again_where_that_is_wanted(redis: Redis, team: Team) -> None:
    cron, now = await a_history(redis, team), NOON + 6.5 * MINUTE
    await end(redis, await claim(redis, now), now)

    await begun(redis, team, cron, NOON, now, at=now, skip_completed=False)

    assert len(await run_all(redis, now)) == 7


async def test_what_one_backfill_completed_the_next_leaves_out(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - 3 * HOUR, NOON - 2 * HOUR)
    await run_all(redis, NOON)
    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - 4 * HOUR)
    await run_all(redis, NOON + MINUTE, Fail())

    shown = await looked_at(redis, team, cron, NOON - 6 * HOUR, NOON - HOUR)

    assert [(NOON - one) // HOUR for one in shown.moments] == [6, 5, 4, 1]


async def test_the_schedule_is_found_among_what_backfills_made(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    for minute in range(1, 61):
        now = NOON + minute * MINUTE
        await fire_due(redis, SHARD, now)
        await end(redis, await claim(redis, now), now)
        if minute % 20 == 0:
            await begun(redis, team, cron, now - DAY, now - DAY + 40 * MINUTE, at=now, max_parallelism=100)
            await run_all(redis, now)

    shown = await looked_at(redis, team, cron, NOON - MINUTE, NOON + HOUR, at=NOON + HOUR)
    long_ago = await looked_at(redis, team, cron, NOON - DAY, NOON - DAY + 2 * HOUR, at=NOON + HOUR)

    assert [(one - NOON) // MINUTE for one in shown.moments] == [-1, 0]
    assert (long_ago.fires, long_ago.count) == (121, 121 - 81)


async def test_it_says_nothing_of_how_the_schedule_does(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY, alert_threshold=1, max_runs=3)

    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await run_all(redis, NOON + MINUTE, Fail())

    shown = await crons.get(redis, team, cron.id)
    assert (shown.consecutive_failures, shown.is_alerted, shown.runs, shown.last_status) == (
        0,
        False,
        0,
        None,
    )
    assert sum(shown.lateness.values()) == 0
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions:late") == 0
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions:failed") == 5
    assert (await backfills.page(redis, team, BackfillQuery())).data[0].failed == 5


async def test_what_fails_of_it_is_no_problem_of_its_schedule(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - HOUR, NOON - HOUR)
    await step(redis, NOON)

    works = await claim(redis, NOON)
    results = [
        Result(work, Fail(), "[1,503,1,1]", "", "timeout", "{}", target="a.example /") for work in works
    ]
    await Claims(redis, SHARD, "w").finish(results, clock.milliseconds(NOON))

    assert (await problems.page(call_of(redis, team), ProblemQuery())).total == 0
    assert [one.status for one in await made(redis, team, cron)] == ["failed"]


async def test_a_failing_schedule_does_not_recover_by_its_past(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY, alert_threshold=1)
    await fire_due(redis, SHARD, NOON + HOUR)
    await end(redis, await claim(redis, NOON + HOUR), NOON + HOUR, Fail())

    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR, at=NOON + HOUR)
    await run_all(redis, NOON + HOUR)

    shown = await crons.get(redis, team, cron.id)
    assert (shown.consecutive_failures, shown.is_alerted, shown.last_status) == (1, True, "failed")


@pytest.mark.parametrize("policy", ["skip", "queue_one"])
async def test_fires_of_its_schedule_wait_for_it_and_it_waits_for_them(
    redis: Redis, team: Team, policy: str
) -> None:
    cron = await a_cron(redis, team, overlap_policy=policy)
    await begun(redis, team, cron, NOON - 5 * MINUTE, NOON - MINUTE)
    await step(redis, NOON)
    first = await claim(redis, NOON)

    await fire_due(redis, SHARD, NOON + MINUTE)
    meanwhile = await claim(redis, NOON + MINUTE)
    await end(redis, first, NOON + MINUTE)
    await step(redis, NOON + MINUTE)
    scheduled = await claim(redis, NOON + MINUTE)
    await step(redis, NOON + MINUTE)
    beside = await claim(redis, NOON + MINUTE)
    await end(redis, scheduled, NOON + MINUTE)
    await step(redis, NOON + MINUTE)
    after = await claim(redis, NOON + MINUTE)

    assert (meanwhile, beside) == ([], [])
    assert [clock.moment(work.due_ms) for work in (*first, *scheduled, *after)] == [
        NOON - 5 * MINUTE,
        NOON + MINUTE,
        NOON - 4 * MINUTE,
    ]


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_once_it_is_over_fires_that_meet_are_skipped_again(
    redis: Redis, team: Team, is_cancelled: bool
) -> None:
    cron = await a_cron(redis, team, overlap_policy="skip")
    backfill = await begun(redis, team, cron, NOON - MINUTE, NOON - MINUTE)
    if is_cancelled:
        await backfills.cancel(call_of(redis, team), backfill.id)
    else:
        await run_all(redis, NOON)

    for minute in (1, 2):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)

    fires = [one for one in await told(redis, team, cron) if one[1] > 0]
    assert fires == [("run", 1, 0), ("overlap", 2, 0)]


async def test_where_fires_may_meet_it_does_not_wait_for_the_schedule(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await begun(redis, team, cron, NOON - 5 * MINUTE, NOON - MINUTE, at=NOON + MINUTE)

    await step(redis, NOON + MINUTE)

    assert len(await claim(redis, NOON + MINUTE)) == 2


async def test_a_cancelled_one_makes_nothing_more_and_counts_what_it_made(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    backfill = await begun(redis, team, cron, NOON - 9 * HOUR, NOON - HOUR, max_parallelism=2)
    await step(redis, NOON)
    works = await claim(redis, NOON)

    cancelled = await backfills.cancel(call_of(redis, team), backfill.id)
    await step(redis, NOON + SECOND)
    await end(redis, works[:1], NOON + SECOND)
    await end(redis, works[1:], NOON + SECOND, Fail())
    at_once = await backfills.get(redis, team, backfill.id)
    await step(redis, NOON + 2 * SECOND)
    await step(redis, NOON + 3 * SECOND)

    shown = await backfills.get(redis, team, backfill.id)
    assert (cancelled.status, cancelled.open, shown.made, shown.left) == ("cancelled", 2, 2, 7)
    assert (at_once.completed, at_once.failed, at_once.open) == (1, 1, 0)
    assert (shown.completed, shown.failed, shown.open) == (1, 1, 0)
    assert await redis.exists(keyspace.backfills(SHARD)) == 0
    again = await backfills.cancel(call_of(redis, team), backfill.id)
    assert again == shown


async def test_what_a_cancelled_one_made_counts_once_retention_has_taken_it(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    backfill = await begun(redis, team, cron, NOON - 9 * HOUR, NOON - HOUR)
    await step(redis, NOON)
    works = await claim(redis, NOON)
    await backfills.cancel(call_of(redis, team), backfill.id)
    await end(redis, works, NOON)
    await step(redis, NOON)

    limits = Limits(DAY // timedelta(milliseconds=1), 0, 1000, may_take_most=True)
    gone = await retire_step(redis, Owner(team, f"c{cron.id}"), limits, clock.milliseconds(NOON + 9 * DAY))

    assert gone == 1
    assert (await backfills.get(redis, team, backfill.id)).completed == 1


async def test_another_of_the_same_cron_waits_for_the_end_of_the_first(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    first = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)

    with pytest.raises(Conflict, match=f"Backfill {first.id} of this cron runs"):
        await begun(redis, team, cron, NOON - 9 * HOUR, NOON - 6 * HOUR)
    await backfills.cancel(call_of(redis, team), first.id)

    assert (await begun(redis, team, cron, NOON - 9 * HOUR, NOON - 6 * HOUR)).id == first.id + 1


async def test_so_many_of_a_team_run_at_once_and_the_newest_that_ended_are_kept(
    redis: Redis, team: Team
) -> None:
    several = [await a_cron(redis, team, **HOURLY) for _ in range(3)]

    async def start(cron: Cron, moments: Sequence[datetime]) -> StoredBackfill | Refused:
        text = "".join(f"{round(moment.timestamp())}" for moment in moments)
        new = NewBackfill(text, len(moments), 0, 1, True, 1, None, "[]")
        return await transitions.start_backfill(
            redis, team, new, cron=cron.id, version="1", bounds=Bounds(2, 3)
        )

    running = [await start(cron, [NOON]) for cron in several[:2]]
    refused = await start(several[2], [NOON])
    await backfills.cancel(call_of(redis, team), 2)
    ended = [await start(several[2], []) for _ in range(6)]

    assert refused == Refused(-4)
    assert not any(isinstance(one, Refused) for one in (*running, *ended))
    kept = (await backfills.page(redis, team, BackfillQuery())).data
    assert [(one.id, one.status) for one in kept] == [
        *((number, "finished") for number in (8, 7, 6, 5)),
        (1, "running"),
    ]


async def test_a_deleted_cron_takes_its_backfills_along(redis: Redis, team: Team) -> None:
    cron, other = await a_cron(redis, team, **HOURLY), await a_cron(redis, team, **HOURLY)
    backfill = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    kept = await begun(redis, team, other, NOON - 5 * HOUR, NOON - HOUR)
    await step(redis, NOON)

    await crons.delete(call_of(redis, team), cron.id)
    cancelled = await backfills.get(redis, team, backfill.id)
    await step(redis, NOON)
    await prune(redis, SHARD)
    await prune(redis, SHARD)

    assert cancelled.status == "cancelled"
    with pytest.raises(NotFound):
        await backfills.get(redis, team, backfill.id)
    assert (await backfills.get(redis, team, kept.id)).status == "running"
    assert await redis.keys(f"*:c{cron.id}:backfilled") == []
    assert await redis.keys(f"*backfill_*:{backfill.id}") == []
    assert (await ledger.read(redis, team, "execution")).holds


async def test_it_runs_by_the_schedule_of_now_with_its_spread_and_its_bounds(
    redis: Redis, team: Team
) -> None:
    bounds: dict[str, Any] = {
        "spread_seconds": 1800,
        "starts_at": NOON - 4 * HOUR,
        "ends_at": NOON + 2 * HOUR,
    }
    cron = await a_cron(redis, team, **HOURLY, **bounds)
    assert cron.next_run_at is not None
    spread = cron.next_run_at - NOON
    await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=False), NOON)

    shown = await looked_at(redis, team, cron, NOON - 9 * HOUR, NOON + 9 * HOUR, at=NOON + DAY)

    assert shown.moments == [NOON + hours * HOUR + spread for hours in range(-4, 3)]


async def test_moments_are_those_of_the_zone(redis: Redis, team: Team) -> None:
    midnight = datetime.fromisoformat("2026-10-25T00:00:00+02:00")  # Berlin's clock is set back that day
    cron = await a_cron(redis, team, cron_expression="0 1-3 * * *", timezone="Europe/Berlin")

    shown = await looked_at(redis, team, cron, midnight, midnight + 5 * HOUR)

    assert [(one - midnight) // HOUR for one in shown.moments] == [1, 2, 4]


async def test_a_paused_cron_is_backfilled(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY, is_active=False)

    await begun(redis, team, cron, NOON - 3 * HOUR, NOON)

    assert len(await run_all(redis, NOON)) == 4


async def test_what_its_schedule_still_owes_is_not_made_twice(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)

    shown = await looked_at(redis, team, cron, NOON - MINUTE, NOON + 9 * MINUTE, at=NOON + 5 * MINUTE)

    assert shown.moments == [NOON - MINUTE, NOON]
    assert shown.to_at == NOON + 5 * MINUTE
    assert [one.split(";")[0].split(",")[0] for one in shown.warnings] == [
        "The to field lies ahead",
        f"The fire of {(NOON + MINUTE).isoformat()} is due",
    ]


async def test_so_many_fires_are_the_most(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team)
    since = NOON - 9_999 * MINUTE

    assert (await looked_at(redis, team, cron, since, NOON)).fires == 10_000
    with pytest.raises(Invalid, match="must leave 10000 fires at most; the range has 10001"):
        await looked_at(redis, team, cron, since - MINUTE, NOON)
    with pytest.raises(Invalid, match=r"the range has 5256001\."):
        await looked_at(redis, team, cron, NOON - 3650 * DAY, NOON)


async def test_a_count_that_is_another_makes_nothing(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)

    with pytest.raises(Conflict, match="It would make 3 executions now, and expected_count is 4"):
        await begun(redis, team, cron, NOON - 2 * HOUR, NOON, expected_count=4)

    assert await redis.keys("*backfill*") == []


async def test_a_cron_that_changed_since_it_was_read_begins_none(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    new = NewBackfill("1764061200", 1, 0, 1, True, 1, None, "[]")

    refused = await transitions.start_backfill(
        redis, team, new, cron=cron.id, version="7", bounds=backfills.BOUNDS
    )

    assert refused == Refused(-2)


async def test_what_it_made_is_as_old_as_that_for_retention(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    limits = Limits(10 * DAY // timedelta(milliseconds=1), 0, 1000, may_take_most=True)
    await begun(redis, team, cron, NOON - 60 * DAY, NOON - 60 * DAY + 3 * HOUR)
    await run_all(redis, NOON)

    young = await retire_step(redis, Owner(team, f"c{cron.id}"), limits, clock.milliseconds(NOON + 9 * DAY))
    old = await retire_step(redis, Owner(team, f"c{cron.id}"), limits, clock.milliseconds(NOON + 11 * DAY))

    assert (young, old) == (0, 4)
    assert await redis.keys("*backfilled") == []


async def test_lists_of_backfills_are_held_against_their_records(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    backfill = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await step(redis, NOON)
    index = f"{team.prefix}x:{team.id}:c{cron.id}:backfilled"
    right = await redis.zrange(index, 0, -1, withscores=True)
    await redis.delete(keyspace.backfills(SHARD), index)
    await redis.hdel(f"{team.prefix}c:{team.id}:{cron.id}", "backfill")  # type: ignore[misc]
    await redis.zadd(index, {"99": 5})
    await redis.zadd(f"{team.prefix}x:{team.id}:backfills", {"77": 77})

    mended = [ref async for found in reconcile.patrol(redis, team, whole=True) for ref in found.mended]
    again = [ref async for found in reconcile.patrol(redis, team, whole=True) for ref in found.mended]

    assert {*mended} >= {f"backfill:{backfill.id}", "backfill:77", "e:1", "e:99"}
    assert again == []
    assert await redis.zrange(index, 0, -1, withscores=True) == right
    assert await redis.zrange(f"{team.prefix}x:{team.id}:backfills", 0, -1) == [str(backfill.id)]
    await end(redis, await claim(redis, NOON), NOON)
    assert len(await run_all(redis, NOON)) == 4


async def test_reconciling_lists_nothing_it_made_as_late(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await run_all(redis, NOON)

    assert [ref async for found in reconcile.relist_executions(redis, team) for ref in found.mended] == []
    assert await redis.zcard(f"{team.prefix}x:{team.id}:executions:late") == 0


async def test_one_whose_moments_are_lost_ends(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    backfill = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await redis.delete(f"{team.prefix}backfill_moments:{team.id}:{backfill.id}")

    await step(redis, NOON)

    assert (await backfills.get(redis, team, backfill.id)).status == "cancelled"


async def test_one_that_is_damaged_stops_no_other(redis: Redis, team: Team) -> None:
    cron, other = await a_cron(redis, team, **HOURLY), await a_cron(redis, team, **HOURLY)
    damaged = await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await begun(redis, team, other, NOON - 5 * HOUR, NOON - HOUR)
    name = f"backfill:{team.id}:{damaged.id}"
    await redis.delete(team.prefix + name)
    await redis.set(team.prefix + name, "junk")

    await run_all(redis, NOON)

    assert len(await made(redis, team, other)) == 5
    assert await redis.hexists(keyspace.damaged(SHARD), name)  # type: ignore[misc]
    assert await redis.exists(keyspace.backfills(SHARD)) == 0


async def test_nothing_is_made_while_memory_is_short(redis: Redis, team: Team) -> None:
    cron = await a_cron(redis, team, **HOURLY)
    await begun(redis, team, cron, NOON - 5 * HOUR, NOON - HOUR)
    await redis.hset(f"{team.prefix}memory", mapping={"level": 2, "since": 1, "until": 1e15})  # type: ignore[misc]

    await step(redis, NOON)

    assert await made(redis, team, cron) == []
    await redis.delete(f"{team.prefix}memory")
    assert len(await run_all(redis, NOON)) == 5


async def test_what_the_schedule_caught_up_after_many_runs_by_hand_is_left_out(
    redis: Redis, team: Team
) -> None:
    cron = await a_cron(redis, team, misfire_policy="run_all")
    back = NOON + 50 * MINUTE
    for _ in range(20):  # while no scheduler was there to make its fires
        await transitions.run_cron(redis, team, cron=cron.id, now_ms=clock.milliseconds(back))
    await fire_due(redis, SHARD, back)
    for _ in range(4):
        await end(redis, await claim(redis, back), back)

    looked = await looked_at(redis, team, cron, NOON + MINUTE, back - MINUTE, at=back + MINUTE)

    assert (looked.fires, looked.count) == (49, 0)


async def test_what_no_list_has_by_its_moment_is_found_all_the_same(redis: Redis, team: Team) -> None:
    cron, now = await a_history(redis, team), NOON + 6.5 * MINUTE
    listed = f"{team.prefix}x:{team.id}:executions"  # which a version before this one had not

    await redis.delete(listed)
    with_one_that_waits = await looked_at(redis, team, cron, NOON, now, at=now)
    await end(redis, await claim(redis, now), now)
    await begun(redis, team, cron, NOON + 3 * MINUTE, NOON + 3 * MINUTE, at=now)
    await run_all(redis, now)
    await redis.delete(listed)
    with_one_of_a_backfill = await looked_at(redis, team, cron, NOON, now, at=now)

    assert [(one - NOON) // MINUTE for one in with_one_that_waits.moments] == [0, 3, 4, 5]
    assert [(one - NOON) // MINUTE for one in with_one_of_a_backfill.moments] == [0, 4, 5]


async def test_what_another_cron_ran_at_that_moment_is_made(redis: Redis, team: Team) -> None:
    await a_history(redis, team)
    other, now = await a_cron(redis, team, at=NOON + 5 * MINUTE), NOON + 5.5 * MINUTE

    looked = await looked_at(redis, team, other, NOON + MINUTE, NOON + 2 * MINUTE, at=now)

    assert looked.count == 2
