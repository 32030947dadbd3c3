"""Apply the time policy of a cron: which of its fires run, and which are skipped and why (spec §5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shared.basics.memory import MEBIBYTE, remembered_of_several
from shared.schedule import occurrences
from shared.schedule.occurrences import Caught

LATE_SECONDS = 60
"""A fire this late is still in time, under every policy: schedulers restart, and full minutes are crowded."""
NEXT_RUNS = 3
MOST_AT_ONCE = 100
"""How many fires of one cron a step makes; the rest follow in the next step."""

UNREADABLE = (ValueError, LookupError, OSError, OverflowError)
"""What a plan raises that this host or version cannot use: its expression, zone or moment is unknown."""

_LATE = timedelta(seconds=LATE_SECONDS)
_SECOND = timedelta(seconds=1)
_MOST_MOVED = timedelta(hours=3)
"""The most by which a new release of a zone's rules moves fires."""


class MisfirePolicy(StrEnum):
    """What to do about fires that were not made in time, as no scheduler ran or Redis was away."""

    RUN_ONCE = "run_once"
    SKIP = "skip"
    RUN_ALL = "run_all"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides when a cron fires; `offset` is its share of `spread_seconds`."""

    expression: str
    timezone: str
    offset: timedelta = timedelta(0)
    misfire: MisfirePolicy = MisfirePolicy.RUN_ONCE
    window: timedelta = timedelta(hours=1)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Fire(NamedTuple):
    """One record to be made: for the fire at `at` and `missed` earlier ones, the first of them at `first`."""

    at: datetime
    missed: int
    first: datetime
    skip: str = ""
    """Why it does not run (`missed` or `ended`); None if it runs."""


class Judged(NamedTuple):
    """The records for the fires that are due, and the next fire; that is None if the cron has ended."""

    fires: tuple[Fire, ...]
    following: datetime | None


@remembered_of_several(32 * MEBIBYTE, per_byte=1, per_entry=1000)
def following(plan: Plan, after: datetime) -> datetime | None:
    """The first fire strictly after `after`; None if the cron ends before it."""
    after -= plan.offset
    if plan.starts_at:
        after = max(after, plan.starts_at - _SECOND)
    return _within(plan, occurrences.following(plan.expression, plan.timezone, after))


@lru_cache(512)
def judge(plan: Plan, due: datetime, now: datetime) -> Judged:
    """Judge the fires from `due` (a fire) to `now`; cached, as many crons have the same ones."""
    then = after_fire(plan, due)
    if then is None or then > now:
        return Judged((Fire(due, 0, due, _why_not(plan, due, now)),), then)
    caught = _caught(plan, due, now)
    last = Fire(caught.latest, caught.missed, due, _why_not(plan, caught.latest, now))
    then = _within(plan, caught.following - plan.offset)
    if plan.misfire is MisfirePolicy.RUN_ONCE or last.skip:
        return Judged((last,), then)
    if plan.misfire is MisfirePolicy.SKIP:
        before = _caught(plan, due, last.at - _SECOND)
        return Judged((Fire(before.latest, before.missed, due, "missed"), Fire(last.at, 0, last.at)), then)
    return _judge_each(plan, due, now)


def _judge_each(plan: Plan, due: datetime, now: datetime) -> Judged:
    fires, at, oldest = [], due, now - max(plan.window, _LATE)
    if due < oldest:
        old = _caught(plan, due, oldest)
        fires.append(Fire(old.latest, old.missed, due, "missed"))
        at = old.following
    each: datetime | None = at
    while each is not None and each <= now and len(fires) < MOST_AT_ONCE:
        fires.append(Fire(each, 0, each))
        each = after_fire(plan, each)
    return Judged(tuple(fires), each)


def after_fire(plan: Plan, due: datetime) -> datetime | None:
    """The fire after `due`; if other zone rules computed `due`, not the same fire again by our rules."""
    then = following(plan, due)
    if (
        plan.timezone == "UTC"
        or then is None
        or then - due > _MOST_MOVED
        or following(plan, due - _SECOND) == due
    ):
        return then
    is_same = following(plan, due - (then - due)) == then  # it is nearer to `then` than to the fire before
    return following(plan, then) if is_same else then


def _why_not(plan: Plan, at: datetime, now: datetime) -> str:
    if plan.ends_at and now > plan.ends_at + plan.offset + _LATE:
        return "ended"
    window = _LATE if plan.misfire is MisfirePolicy.SKIP else max(plan.window, _LATE)
    return "missed" if now - at > window else ""


def _caught(plan: Plan, due: datetime, now: datetime) -> Caught:
    """As `schedule.catch_up`, with the cron's offset, and without fires after its end."""
    until = now - plan.offset
    if plan.ends_at:
        until = min(until, plan.ends_at)
    caught = occurrences.catch_up(plan.expression, plan.timezone, due - plan.offset, until)
    return Caught(caught.latest + plan.offset, caught.missed, caught.following + plan.offset)


def _within(plan: Plan, nominal: datetime) -> datetime | None:
    return None if plan.ends_at and nominal > plan.ends_at else nominal + plan.offset


def next_runs(plan: Plan, fire: datetime | None, most: int | None, runs: int) -> list[datetime]:
    """The next three fires from its next one on, or as many as `max_runs` leaves."""
    found: list[datetime] = []
    while fire and len(found) < NEXT_RUNS and (most is None or runs + len(found) < most):
        found.append(fire)
        fire = following(plan, fire)
    return found
