"""What a cron owes: the fires that are due by the plan it has, which are made before that plan is changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared import clock, timing, transitions
from shared.records import Fields
from shared.timing import Fire, Judged, Plan
from shared.transitions import Owed

ASTRAY = timedelta(seconds=60)
"""A fire that was made so far ahead of now was made by a clock that was wrong, and forbids nothing."""


NOTHING = Owed(None, None, 0)


def is_more_than_a_step(owed: Owed, now: datetime) -> bool:
    """Whether the first fire that was left out is due too: one step makes so many and no more."""
    return bool(owed.fires) and owed.not_due_ms is not None and owed.not_due_ms <= clock.milliseconds(now)


def owed(fields: Fields, now: datetime, wanted: Plan | None = None) -> Owed:
    """What a stored cron owes at `now`, before it fires as `wanted`; None if it will not."""
    next_fire, fired_until = fields.get("next"), int(_number(fields.get("fired_until")) or 0)
    last = 0 if clock.moment(fired_until) > now + ASTRAY else fired_until
    if _number(next_fire) is None:  # none, or what is stored there is no moment
        return Owed(next_fire, None, last)
    had = _had(fields)
    forward = _brought_forward(had, wanted)
    found = _owed(fields, had, forward, now, last)
    # By the plan it had, the fires between both spreads were not due: too many for one script are left out.
    return _owed(fields, had, had, now, last) if is_more_than_a_step(found, now) else found


def _owed(fields: Fields, had: Plan, plan: Plan, now: datetime, last: int) -> Owed:
    due = clock.moment(fields["next"]) - had.offset + plan.offset
    if due > now:
        return Owed(fields["next"], clock.milliseconds(due), last)
    judged = _judged(plan, due, now)
    following = None if judged.following is None else clock.milliseconds(judged.following)
    return Owed(fields["next"], following, nominal(plan, judged.fires[-1].at), rows(judged.fires))


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def next_after(plan: Plan, now: datetime, last_nominal: int) -> datetime | None:
    """The first fire that is still to come: after `now`, and none that was made already."""
    return timing.following(plan, max(now, clock.moment(last_nominal) + plan.offset))


def next_of(plan: Plan, now: datetime, last_nominal: int) -> datetime | None:
    """The fire after the last one made; after `now` if that one is unknown or astray."""
    last = clock.moment(last_nominal)
    if not last_nominal or last > now + ASTRAY:
        return timing.following(plan, now)
    return timing.following(plan, last + plan.offset)


def is_right(plan: Plan, next_fire: datetime, now: datetime, fired_until: int) -> bool:
    """Whether that is the fire after the last one made, also where other rules of its zone made that."""
    last = clock.moment(fired_until) + plan.offset
    return last <= now and timing.after_fire(plan, last) == next_fire


def renewed(plan: Plan, next_fire: datetime, now: datetime, fired_until: int) -> datetime | None:
    """What by new rules of its zone comes instead of `next_fire`, which is not due yet.

    It may have passed: if it lies nearer to that than to the last one made, it is the same fire, and is owed.
    """
    last = clock.moment(fired_until) + plan.offset
    if fired_until and last <= now:
        first = timing.following(plan, last)
        if first and first <= now and next_fire - first < first - last:
            return first
    return timing.following(plan, now)


def nominal(plan: Plan, at: datetime) -> int:
    """The moment (ms) that a fire stands for, whatever its spread."""
    return clock.milliseconds(at - plan.offset)


def plan_of(fields: Fields) -> Plan:
    """By which a stored cron fires, paused or not."""
    offset, policy = fields.get("offset") or 0, fields.get("timing") or ""
    return timing.plan_of(fields["expression"], fields["timezone"], offset, policy)


def rows(fires: Sequence[Fire]) -> list[transitions.Fire]:
    """As they are to be made."""
    return [
        transitions.Fire(clock.milliseconds(fire.at), fire.missed, clock.milliseconds(fire.first), fire.skip)
        for fire in fires
    ]


def _had(fields: Fields) -> Plan:
    """The plan it had; one that nobody can reckon by where what is stored of that is spoiled."""
    try:
        return plan_of(fields)
    except timing.UNREADABLE:
        return Plan("", "UTC")


def _brought_forward(had: Plan, wanted: Plan | None) -> Plan:
    """The plan it had, by the smaller of both spreads: else a fire between the two would be stepped over."""
    if wanted is None or (wanted.expression, wanted.timezone) != (had.expression, had.timezone):
        return had
    return replace(had, offset=min(had.offset, wanted.offset))


def _judged(plan: Plan, due: datetime, now: datetime) -> Judged:
    """Of a plan that this version cannot read only the fire that is due is known: it is said to be missed."""
    try:
        return timing.judge(plan, due, now)
    except timing.UNREADABLE:
        return Judged((Fire(due, 0, due, "missed"),), None)
