"""The time policy as it is computed: the fires of a plan, and that a judgement loses and doubles none of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.schedule.policy import LATE_SECONDS, MOST_AT_ONCE, Fire, MisfirePolicy, Plan, following, judge
from tests.schedule.examples import tried

NOON = datetime(2026, 10, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

expressions = some.sampled_from(
    ["* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "*/20 * * * * *", "15,45 9-17 * * MON-FRI"]
)
zones = some.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"])
seconds = some.integers(0, 7200).map(lambda number: number * SECOND)


@some.composite
def plans(draw: some.DrawFn) -> Plan:
    starts = draw(some.none() | seconds.map(lambda after: NOON - 3600 * SECOND + after))
    ends = draw(some.none() | seconds.map(lambda after: (starts or NOON) + after + SECOND))
    offset, window = draw(some.integers(0, 900)), draw(some.sampled_from([0, 30, 600, 3600]))
    policy = draw(some.sampled_from(list(MisfirePolicy)))
    return Plan(draw(expressions), draw(zones), offset * SECOND, policy, window * SECOND, starts, ends)


def fires_of(plan: Plan, after: datetime, until: datetime) -> list[datetime]:
    """One by one, as the plan says."""
    found, fire = [], following(plan, after)
    while fire is not None and fire <= until:
        found.append(fire)
        fire = following(plan, fire)
    return found


@tried()
@given(plans(), seconds)
def test_every_fire_is_in_just_one_record_and_none_comes_before_its_time(plan: Plan, away: timedelta) -> None:
    due, now = following(plan, NOON), NOON + away
    expected, records, steps = fires_of(plan, NOON, now), list[Fire](), 0
    while due is not None and due <= now:
        judged = judge(plan, due, now)
        records += judged.fires
        assert judged.following is None or judged.following > due
        due, steps = judged.following, steps + 1

    covered = [fire for record in records for fire in fires_of(plan, record.first - SECOND, record.at)]
    assert covered == expected
    assert [record.missed + 1 for record in records] == [
        len(fires_of(plan, record.first - SECOND, record.at)) for record in records
    ]
    assert due == following(plan, max(now, *expected) if expected else now)
    assert steps <= 1 + len(expected) // MOST_AT_ONCE


@tried()
@given(plans(), seconds)
def test_what_runs_is_in_time_and_what_is_skipped_was_not(plan: Plan, away: timedelta) -> None:
    due, now = following(plan, NOON), NOON + away
    if due is None or due > now:
        return
    fires = judge(plan, due, now).fires

    window = timedelta(0) if plan.misfire is MisfirePolicy.SKIP else plan.window
    for fire in fires:
        in_time = now - fire.at <= max(window, LATE_SECONDS * SECOND)
        assert not fire.skip or not in_time or fire is not fires[-1] or fire.skip == "ended"
        assert fire.skip or in_time
    assert sum(not fire.skip for fire in fires) <= (
        MOST_AT_ONCE if plan.misfire is MisfirePolicy.RUN_ALL else 1
    )


@tried()
@given(plans())
def test_a_plan_keeps_within_its_bounds(plan: Plan) -> None:
    fires = fires_of(plan, NOON - 4000 * SECOND, NOON + 4000 * SECOND)

    assert all(plan.starts_at is None or fire - plan.offset >= plan.starts_at for fire in fires)
    assert all(plan.ends_at is None or fire - plan.offset <= plan.ends_at for fire in fires)
    assert fires == sorted(set(fires))


@pytest.mark.parametrize(
    ("expression", "due", "then"),
    [
        (
            "0 9 * * *",
            "2026-12-01T07:00",
            "2026-12-02T08:00",
        ),  # nine o'clock, by rules that are an hour ahead
        ("0 9 * * *", "2026-12-01T09:00", "2026-12-02T08:00"),
        ("0 9 * * *", "2026-12-01T08:00", "2026-12-02T08:00"),
        ("0 9,11 * * *", "2026-12-01T07:00", "2026-12-01T10:00"),
        ("30 * * * *", "2026-12-01T07:30", "2026-12-01T08:30"),
        ("0 9 * * *", "2026-12-01T03:00", "2026-12-01T08:00"),  # no rules move a fire so far
    ],
)
@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_a_fire_that_other_rules_of_its_zone_made_is_not_made_once_more(
    expression: str, due: str, then: str, policy: MisfirePolicy
) -> None:
    plan = Plan(expression, "Europe/Berlin", misfire=policy)
    at, expected = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (due, then))

    judged = judge(plan, at, at + SECOND)

    assert judged.following == expected
    assert [fire.at for fire in judged.fires] == [at]
