"""Explain an expression and a time policy: what they mean, when they fire next, and what may surprise."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from cron_descriptor import Options, get_description

from shared.basics.memory import MEBIBYTE, remembered
from shared.schedule import expressions, occurrences, policy, zone_data, zones
from shared.schedule.expressions import Fields
from shared.schedule.occurrences import Change
from shared.schedule.policy import Plan
from shared.schemas.crons import Cron
from shared.schemas.explain import ClockChange, ExplainQuery, Explanation, NextRun
from shared.schemas.timing import OverlapPolicy, Timing

HORIZON = timedelta(days=730)
"""How far ahead to look for changes of the clock."""
MOST_CHANGES = 2
MOST_COUNTED = 1000
"""How many fires that a change of the clock skips or repeats are counted."""
LOOKED_AT, OFTEN = 60, 32
"""How many fires to compare for the shortest gap, and from how many fires a month on to do so."""
_STEPS = {"second": (60, "minute"), "minute": (60, "hour"), "hour": (24, "day")}

_OF_CRON = (*Timing.model_fields, "cron_expression", "timezone", "timeout_seconds")

_WORDS = Options()
_WORDS.use_24hour_time_format = True
_WORDS.day_of_week_start_index_zero = True


def explain(query: ExplainQuery, now: datetime) -> Explanation:
    """Explain a schedule, stored or not; nothing is stored."""
    after = (query.after or now).astimezone(UTC)
    fires = _looked_at(query, after)
    most = min(query.count, query.max_runs or query.count)
    zone = zone_data.zone(query.timezone)
    changes = occurrences.changes(query.timezone, after, after + HORIZON)
    return Explanation(
        cron_expression=query.cron_expression,
        timezone=query.timezone,
        zone_data=str(zone_data.release()),
        description=describe(query),
        next_runs=[
            NextRun(utc=fire, local=fire.astimezone(zone).isoformat(timespec="seconds"))
            for fire in fires[:most]
        ],
        clock_changes=[
            clock_change(query.cron_expression, change) for change in islice(changes, MOST_CHANGES)
        ],
        fires_per_month=round(occurrences.fires_a_month(query.cron_expression, after.year), 2),
        warnings=list(_warnings(query, fires)),
    )


def pitfalls(query: ExplainQuery, now: datetime) -> list[str]:
    """Only the warnings of `explain`."""
    return list(_warnings(query, _looked_at(query, now)))


def _looked_at(query: ExplainQuery, after: datetime) -> list[datetime]:
    """As many of the next fires as are wanted, and enough to see how close together they are."""
    plan = Plan(query.cron_expression, query.timezone, starts_at=query.starts_at, ends_at=query.ends_at)
    is_often = occurrences.fires_a_month(query.cron_expression, after.year) > OFTEN
    return list(_fires(plan, after, max(query.count, LOOKED_AT if is_often else 0)))


def describe(query: ExplainQuery) -> str:
    """The schedule in one sentence."""
    parts = [_in_words(query.cron_expression)]
    if query.timezone != "UTC":
        parts.append(f"by the clock of {zones.clock_of(query.timezone)}")
    if query.spread_seconds:
        parts.append(f"up to {query.spread_seconds} s later by an offset that the cron keeps")
    if query.starts_at:
        parts.append(f"from {_iso(query.starts_at)}")
    if query.ends_at:
        parts.append(f"until {_iso(query.ends_at)}")
    if query.max_runs:
        parts.append("once" if query.max_runs == 1 else f"{query.max_runs} times in all")
    return ", ".join(parts)


def described(cron: Cron) -> str | None:
    """The same of a cron; None if this host cannot read its schedule."""
    try:
        return describe(of_cron(cron))
    except policy.UNREADABLE:
        return None


def of_cron(cron: Cron) -> ExplainQuery:
    """Its schedule and time policy, which were checked when it was given them."""
    return ExplainQuery.model_construct(**{name: getattr(cron, name) for name in _OF_CRON})


@remembered(MEBIBYTE, per_byte=12)
def _in_words(expression: str) -> str:
    """The library reads its dictionary from disk for each: a fifth of what `get-cron` cost."""
    words: str = get_description(" ".join(map(_described, expressions.plain(expression))), _WORDS)
    return words


def _described(text: str) -> str:
    """The field as the library reads it: 5L for the last Friday, not l5, and without steps of 1."""
    parts = (part.removesuffix("/1") for part in text.split(","))
    return ",".join(f"{part[1:]}L" if part[0] == "l" else part for part in parts)


def _fires(plan: Plan, after: datetime, most: int) -> Iterator[datetime]:
    for _ in range(most):
        fire = policy.following(plan, after)
        if fire is None:
            return
        yield fire
        after = fire


def clock_change(expression: str, change: Change) -> ClockChange:
    """The change, and what it does to the fires of the expression."""
    return ClockChange(
        at=change.at,
        utc_offset_before=offset_text(change.before),
        utc_offset_after=offset_text(change.after),
        effect=_effect(expression, change),
    )


def _effect(expression: str, change: Change) -> str:
    naive = change.at.replace(tzinfo=None)
    since, until = sorted((naive + change.before, naive + change.after))
    fires = list(islice(occurrences.on_the_wall(expression, since, until), MOST_COUNTED))
    span = f"from {since:%H:%M} to {until:%H:%M}"
    if change.after > change.before:
        return f"The clock skips the time {span}; {_skipped(expression, fires, until)}."
    return f"The time {span} comes twice; {_repeated(expression, fires)}."


def _skipped(expression: str, fires: list[datetime], until: datetime) -> str:
    fields = expressions.parse(expression)
    if not fires:
        return _NONE
    if not fields.fixed_hours:
        return _GO_ON if len(fields.hours) == 24 else f"{_many(fires)} left out"
    return f"{_many(fires, 'comes once', 'come as one')}, as it ends at {until:%H:%M}"


def _repeated(expression: str, fires: list[datetime]) -> str:
    fields = expressions.parse(expression)
    if not fires:
        return _NONE
    if fields.fixed_times:
        return f"{_many(fires, 'comes', 'come')} once, the first time"
    if len(fields.hours) == 24:
        return f"{_GO_ON}, in both"
    return f"{_many(fires, 'comes', 'come')} in both"


_NONE, _GO_ON = "no fire falls into it", "the fires go on as time passes"


def _many(fires: list[datetime], one: str = "is", more: str = "are") -> str:
    """The fires in words, with the verb that fits their number."""
    if len(fires) == 1:
        return f"the fire of {fires[0]:%H:%M} {one}"
    if len(fires) == MOST_COUNTED:
        return f"the {MOST_COUNTED} or more fires from {fires[0]:%H:%M} on {more}"
    return f"the {len(fires)} fires from {fires[0]:%H:%M} to {fires[-1]:%H:%M} {more}"


def _warnings(query: ExplainQuery, fires: list[datetime]) -> Iterator[str]:
    if not fires:
        yield "It has no fire left: ends_at comes before the next one."
    yield from _of_fields(expressions.parse(query.cron_expression))
    texts = expressions.plain(query.cron_expression)
    yield from _missing_days(expressions.parse(query.cron_expression), texts)
    yield from _uneven(texts)
    gap = min((later - earlier for earlier, later in pairwise(fires)), default=None)
    if gap is None:
        return
    if gap < timedelta(seconds=query.timeout_seconds) and query.overlap_policy is OverlapPolicy.ALLOW:
        yield (
            f"It fires again after {_seconds(gap)}, and a request may take {query.timeout_seconds} s: set "
            "overlap_policy if two must not run side by side."
        )
    if timedelta(seconds=query.spread_seconds) > gap:
        yield f"spread_seconds is longer than the {_seconds(gap)} between two fires."


def _of_fields(fields: Fields) -> Iterator[str]:
    if fields.either_day:
        yield "Both day fields are set: it fires when either of them fits, not only when both do."
    if len(fields.minutes) == 60 and len(fields.hours) < 24 and len(fields.seconds) == 1:
        yield "It fires every minute of the hours it names; write 0 for the minute to have it once an hour."
    if len(fields.minutes) == 60 and len(fields.hours) == 24 and _names_days(fields):
        yield (
            "It fires every minute of the days it names; write 0 for the minute and the hour to have it once "
            "a day."
        )
    if len(fields.seconds) == 60 and len(fields.minutes) < 60:
        yield (
            "It fires every second of the minutes it names: with six fields the first is the second; write 0 "
            "for it, or five fields, to have it once a minute."
        )


def _names_days(fields: Fields) -> bool:
    """Whether it leaves out some days of a month or a week."""
    return len(fields.days) < 31 or len(fields.weekdays) < 7


def _missing_days(fields: Fields, texts: list[str]) -> Iterator[str]:
    day = fields.workday or min(fields.days, default=0)
    if texts[-1] != "*" or fields.last_day or fields.last_workday or day <= 28:
        return
    if fields.months == {2}:
        yield "Only leap years have a 29 February."
    else:
        yield f"Not every month has a day {day}; L is the last day of each."


def _uneven(texts: list[str]) -> Iterator[str]:
    """Warn of steps that do not divide their period: they start again with each period."""
    for (name, (size, period)), text in zip(_STEPS.items(), ["0", *texts][-6:], strict=False):
        step = text.removeprefix("*/")
        if step == text:
            continue
        if int(step) == size:
            yield f"{text} of the {name} is its first one alone, once each {period}; write 0 to say so."
        elif size % int(step):
            last = size % int(step)
            yield f"{text} of the {name} starts anew with each {period}: its last step is {last}."
    if texts[-3].startswith("*/"):
        yield f"{texts[-3]} of the day starts anew with each month, so that the last step is shorter."


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


def offset_text(offset: timedelta) -> str:
    """An offset from UTC, as in +01:00."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
