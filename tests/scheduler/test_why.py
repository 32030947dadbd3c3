"""What happened to a cron at an instant or in a range, and why."""

from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.actions import crons
from shared.actions.reports.why import why
from shared.errors import NotFound
from shared.schemas.crons import Cron, CronUpdate
from shared.schemas.why import MOST_FIRES, Reason, WhyQuery
from shared.store import transitions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.fires import HOUR, MINUTE, NOON, SECOND, SHARD, a_cron, claim, end


async def asked(
    redis: Redis, team: Team, cron: Cron, since: datetime, until: datetime, now: datetime = NOON + 9 * HOUR
) -> list[Reason]:
    query = WhyQuery.model_validate({"from": since, "to": until})
    found = await why(redis, team, cron.id, query, now)
    assert found.is_whole
    return found.reasons


async def asked_at(
    redis: Redis, team: Team, cron: Cron, at: datetime, now: datetime = NOON + 9 * HOUR
) -> tuple[str, str]:
    (reason,) = (await why(redis, team, cron.id, WhyQuery(at=at), now)).reasons
    return reason.verdict, reason.why


async def a_known_cron(redis: Redis, team: Team, **fields: object) -> Cron:
    """A cron whose history begins at noon; otherwise the server's clock says when it was made."""
    cron = await a_cron(redis, team, at=NOON, **fields)
    await known_from(redis, team, cron, NOON)
    return cron


async def known_from(redis: Redis, team: Team, cron: Cron, at: datetime) -> None:
    """Pretend that its last change of schedule was then."""
    log = f"{team.prefix}log:{team.id}:{cron.id}"
    _, _, rest = (await redis.lindex(log, -1)).partition(" ")  # type: ignore[misc]
    await redis.lset(log, -1, f"{clock.milliseconds(at)} {rest}")  # type: ignore[misc]


async def test_each_fire_of_a_range_says_what_became_of_it(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team, overlap_policy="skip")
    await fire_due(redis, SHARD, NOON + MINUTE)
    first = await claim(redis, NOON + MINUTE)
    await fire_due(redis, SHARD, NOON + 2 * MINUTE)
    await end(redis, first, NOON + 2 * MINUTE)
    await fire_due(redis, SHARD, NOON + 3 * MINUTE)

    reasons = await asked(redis, team, cron, NOON, NOON + 5 * MINUTE, NOON + 4 * MINUTE)

    assert [(reason.at - NOON) // MINUTE for reason in reasons] == [1, 2, 3, 4, 5]
    verdicts = ["completed", "skipped", "pending", "overdue", "due"]
    assert [reason.verdict for reason in reasons] == verdicts
    assert reasons[0].why == "The target answered with status 200 in 1 ms; it was made 0 ms after its time."
    assert "overlap_policy" in reasons[1].why
    assert "has not started" in reasons[2].why
    assert "is one running?" in reasons[3].why


async def test_what_was_collapsed_names_what_stands_for_it(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)
    await fire_due(redis, SHARD, NOON + 10 * MINUTE)

    reasons = await asked(redis, team, cron, NOON, NOON + 10 * MINUTE)

    assert [reason.verdict for reason in reasons] == ["collapsed"] * 9 + ["pending"]
    assert {reason.execution_id for reason in reasons} == {1}
    assert "the fire of 2026-11-25T12:10:00+00:00 stands for it" in reasons[0].why
    assert await asked_at(redis, team, cron, NOON + 4 * MINUTE) == ("collapsed", reasons[3].why)


async def test_a_pause_is_reported_with_its_span(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)
    for minute, active in ((10, False), (20, True)):
        at = NOON + minute * MINUTE
        await crons.update(call_of(redis, team), cron.id, CronUpdate(is_active=active), at)
        await known_from(redis, team, cron, at)

    paused = await asked_at(redis, team, cron, NOON + 15 * MINUTE)
    reasons = await asked(redis, team, cron, NOON + 9 * MINUTE, NOON + 21 * MINUTE)

    span = "from 2026-11-25T12:10:00+00:00 until 2026-11-25T12:20:00+00:00"
    assert paused == ("paused", f"It was paused {span}; what would have fired is not caught up.")
    assert [
        ((reason.at - NOON) // MINUTE, reason.verdict) for reason in reasons if reason.verdict == "paused"
    ] == [(10, "paused")]
    assert [(reason.at - NOON) // MINUTE for reason in reasons] == [9, 10, 10, 21]


async def test_an_earlier_expression_is_remembered(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await crons.update(
        call_of(redis, team), cron.id, CronUpdate(cron_expression="0 * * * *"), NOON + 90 * SECOND
    )
    await known_from(redis, team, cron, NOON + 90 * SECOND)

    before = await asked_at(redis, team, cron, NOON + MINUTE)
    after = await asked_at(redis, team, cron, NOON + 2 * MINUTE)

    assert before[0] == "pending"
    assert after == (
        "no_fire",
        "0 * * * * (UTC) does not fire at that instant; the next fire after it is at 2026-11-25T13:00:00+00:00.",
    )


async def test_what_came_before_the_cron_or_after_its_end_is_said(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team, ends_at=NOON + 3 * MINUTE)

    before = await asked_at(redis, team, cron, NOON - HOUR)
    after = await asked_at(redis, team, cron, NOON + HOUR)

    assert before[0] == "unknown"
    assert "Nothing is known from before 2026-11-25T12:00:00+00:00" in before[1]
    assert after[0] == "ended"


async def test_an_end_by_runs_is_said(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team, max_runs=1)
    await fire_due(redis, SHARD, NOON + MINUTE)

    ended = await asked_at(redis, team, cron, NOON + 2 * MINUTE)

    assert ended == ("ended", "The cron has ended, after 1 run.")


async def test_a_record_that_went_is_not_made_up(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)
    await fire_due(redis, SHARD, NOON + MINUTE)
    await redis.delete(f"{team.prefix}x:{team.id}:c{cron.id}:pending")

    gone = await asked_at(redis, team, cron, NOON + MINUTE, NOON + MINUTE)

    assert gone[0] == "unknown"


async def test_a_run_by_hand_stands_among_the_fires(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)
    at = NOON + timedelta(seconds=90, milliseconds=500)
    await transitions.run_cron(redis, team, cron=cron.id, now_ms=clock.milliseconds(at))

    assert (await asked_at(redis, team, cron, NOON + 90 * SECOND))[0] == "pending"


async def test_a_run_by_hand_in_the_very_moment_of_a_fire_is_not_taken_for_it(
    redis: Redis, team: Team
) -> None:
    cron = await a_known_cron(redis, team)
    at = NOON + MINUTE
    await transitions.run_cron(redis, team, cron=cron.id, now_ms=clock.milliseconds(at))
    unmade, _ = await asked_at(redis, team, cron, at)
    await fire_due(redis, SHARD, at)

    made, _ = await asked_at(redis, team, cron, at)

    assert (unmade, made) == ("overdue", "pending")


async def test_records_are_found_among_many(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team, cron_expression="* * * * * *")
    for second in range(1, 400):
        await fire_due(redis, SHARD, NOON + second * SECOND)

    for second in (1, 57, 200, 399):
        at = NOON + second * SECOND
        (reason,) = (await why(redis, team, cron.id, WhyQuery(at=at), at)).reasons
        assert (reason.verdict, reason.execution_id) == ("pending", second)
    query = WhyQuery.model_validate({"from": NOON, "to": NOON + HOUR})
    whole = await why(redis, team, cron.id, query, NOON + HOUR)
    assert (len(whole.reasons), whole.is_whole) == (MOST_FIRES, False)


async def test_a_cron_of_another_team_is_not_found(redis: Redis, team: Team) -> None:
    cron = await a_known_cron(redis, team)

    with pytest.raises(NotFound):
        await why(redis, Team(2), cron.id, WhyQuery(at=NOON))
