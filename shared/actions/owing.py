"""What a cron owes: the fires that are due by its present plan, which are made before the plan is changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared import clock
from shared.schedule import policy
from shared.schedule.policy import Fire, Judged, Plan
from shared.store import plans, transitions
from shared.store.records import Fields
from shared.store.transitions import Owed

ASTRAY = timedelta(seconds=60)
"""A fire that was made this far ahead of now was made by a wrong clock, and does not count as made."""


NOTHING = Owed(None, None, 0)


def is_more_than_a_step(owed: Owed, now: datetime) -> bool:
    """Whether more fires are due than one step makes."""
    return bool(owed.fires) and owed.not_due_ms is not None and owed.not_due_ms <= clock.milliseconds(now)


def owed(fields: Fields, now: datetime, wanted: Plan | None = None) -> Owed:
    """What a stored cron owes at `now`, before it fires as `wanted` (None if it will not fire any more)."""
    next_fire, fired_until = fields.get("next"), int(_number(fields.get("fired_until")) or 0)
    last = 0 if clock.moment(fired_until) > now + ASTRAY else fired_until
    if _number(next_fire) is None:  # there is none, or the stored text is no moment
        return Owed(next_fire, None, last)
    had = _had(fields)
    forward = _brought_forward(had, wanted)
    found = _owed(fields, had, forward, now, last)
    # By its old plan the fires between both spreads were not due; too many for one call are left out.
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
    """The first fire still to come: after `now`, and not made already."""
    return policy.following(plan, max(now, clock.moment(last_nominal) + plan.offset))


def next_of(plan: Plan, now: datetime, last_nominal: int) -> datetime | None:
    """The fire after the last one made; after `now` if that is unknown or was made by a wrong clock."""
    last = clock.moment(last_nominal)
    if not last_nominal or last > now + ASTRAY:
        return policy.following(plan, now)
    return policy.following(plan, last + plan.offset)


def is_right(plan: Plan, next_fire: datetime, now: datetime, fired_until: int) -> bool:
    """Whether this is the fire after the last one made, even if other zone rules computed that one."""
    last = clock.moment(fired_until) + plan.offset
    return last <= now and policy.after_fire(plan, last) == next_fire


def renewed(plan: Plan, next_fire: datetime, now: datetime, fired_until: int) -> datetime | None:
    """The fire that new rules of its zone put in place of `next_fire`, which is not due yet.

    It may have passed already: if it is nearer to `next_fire` than to the last one made, it is the same fire
    and is owed.
    """
    last = clock.moment(fired_until) + plan.offset
    if fired_until and last <= now:
        first = policy.following(plan, last)
        if first and first <= now and next_fire - first < first - last:
            return first
    return policy.following(plan, now)


def nominal(plan: Plan, at: datetime) -> int:
    """The nominal moment (ms) of a fire, without its spread."""
    return clock.milliseconds(at - plan.offset)


def plan_of(fields: Fields) -> Plan:
    """The plan by which a stored cron fires, paused or not."""
    offset, text = fields.get("offset") or 0, fields.get("timing") or ""
    return plans.plan_of(fields["expression"], fields["timezone"], offset, text)


def rows(fires: Sequence[Fire]) -> list[transitions.Fire]:
    """The fires as the transition makes them."""
    return [
        transitions.Fire(clock.milliseconds(fire.at), fire.missed, clock.milliseconds(fire.first), fire.skip)
        for fire in fires
    ]


def _had(fields: Fields) -> Plan:
    """The plan it had; one that nobody can compute with if the stored text is spoiled."""
    try:
        return plan_of(fields)
    except policy.UNREADABLE:
        return Plan("", "UTC")


def _brought_forward(had: Plan, wanted: Plan | None) -> Plan:
    """The plan it had, with the smaller of both spreads: else a fire between the two would be skipped."""
    if wanted is None or (wanted.expression, wanted.timezone) != (had.expression, had.timezone):
        return had
    return replace(had, offset=min(had.offset, wanted.offset))


def _judged(plan: Plan, due: datetime, now: datetime) -> Judged:
    """For a plan that this version cannot read, only the due fire is known: it is recorded as missed."""
    try:
        return policy.judge(plan, due, now)
    except policy.UNREADABLE:
        return Judged((Fire(due, 0, due, "missed"),), None)
