"""A day as lanes: past is filled, future is hollow, now is a line. Places are in percent of the day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from services.api.pages import zones
from services.api.pages.crons import saying
from shared.schemas.crons import Cron, Execution, ExecutionStatus, SkipReason
from shared.schemas.reports.coming import ComingInterval
from shared.schemas.reports.stats import PeriodFigures

HEIGHT = 48
"""Of the load of all."""
QUARTER = timedelta(minutes=15)


class Span(NamedTuple):
    """A day of a zone, which may have 23 or 25 hours."""

    start: datetime
    end: datetime
    now: datetime
    hours: Sequence[tuple[float, str]]

    def at(self, moment: datetime) -> float:
        part = (moment - self.start) / (self.end - self.start)
        return round(100 * min(1, max(0, part)), 3)

    @property
    def x(self) -> float:
        """Where now is."""
        return self.at(self.now)


class Mark(NamedTuple):
    kind: str
    x: float
    title: str


class Lane(NamedTuple):
    cron: Cron
    state: saying.State
    marks: Sequence[Mark]
    is_band: bool
    begins: float
    """Where a band begins: before it there was no such cron."""
    next: str
    said: str


class Bar(NamedTuple):
    """An hour of the load: what was is filled, with its failures in red at the foot; what comes is hollow."""

    x: float
    width: float
    y: float
    height: float
    bad: float
    is_ahead: bool
    title: str


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), zones.clock_of(zone)).astimezone(zones.clock_of("UTC"))


def today(now: datetime, zone: str) -> Span:
    day = zones.local(now, zone).date()
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    whole = end - start
    hours = []
    for hour in range(0, 24, 3):
        at = datetime.combine(day, time(hour), zones.clock_of(zone)) - start
        hours.append((round(100 * (at / whole), 3), f"{hour:02}"))
    return Span(start, end, now, hours)


def lane(cron: Cron, span: Span, made: Sequence[Execution], ahead: Sequence[datetime], zone: str) -> Lane:
    marks = [_mark(one, span, zone) for one in reversed(made)]
    marks += [Mark("next", span.at(at), f"{saying.clock(at, zone)}, to come") for at in ahead]
    failed = sum(one.status is ExecutionStatus.FAILED for one in made)
    said = f"{len(made)} fires so far, {failed} failed; {len(ahead)} to come today"
    next_ = _next(cron, span.now)
    return Lane(cron, saying.state_of(cron), marks, is_band=False, begins=0, next=next_, said=said)


def band(cron: Cron, span: Span, failed: Mapping[datetime, int], zone: str) -> Lane:
    """So many fires that single marks could not be told apart: a mark stands for a quarter of an hour."""
    shown = {at: count for at, count in sorted(failed.items()) if span.start <= at + QUARTER / 2 <= span.end}
    marks = [
        Mark("bad", span.at(min(at + QUARTER / 2, span.now)), f"{saying.clock(at, zone)}, {count:,} failed")
        for at, count in shown.items()
    ]
    said = f"It fires more than a hundred times a day; {sum(shown.values()):,} failed"
    begins, next_ = span.at(cron.created_at), _next(cron, span.now)
    return Lane(cron, saying.state_of(cron), marks, is_band=True, begins=begins, next=next_, said=said)


def _next(cron: Cron, now: datetime) -> str:
    return saying.ahead(cron.next_run_at, now) if cron.next_run_at else "ended"


def _mark(one: Execution, span: Span, zone: str) -> Mark:
    outcome = saying.outcome(one)
    title = f"{saying.clock(one.scheduled_at, zone)}, {outcome.words.lower()}"
    match one.status:
        case ExecutionStatus.COMPLETED:
            kind = "late" if outcome.tone == "warn" else "ok"
        case ExecutionStatus.FAILED:
            kind = "bad"
        case ExecutionStatus.SKIPPED:
            kind = "gone" if one.skip_reason is SkipReason.MISSED else "idle"
        case _:
            kind = "runl"
    return Mark(kind, span.at(one.scheduled_at), title)


def load(span: Span, past: Sequence[PeriodFigures], ahead: Sequence[ComingInterval]) -> list[Bar]:
    """Hour by hour, to the scale of the busiest."""
    hour = timedelta(hours=1)
    was = [(one.at, one.completed + one.failed, one.failed) for one in past if one.at >= span.start]
    top = max([fires for _, fires, _ in was] + [one.fires for one in ahead], default=0) or 1
    return [*_was(span, was, top, hour), *_to_come(span, ahead, top)]


def _was(span: Span, was: Sequence[tuple[datetime, int, int]], top: int, hour: timedelta) -> Iterator[Bar]:
    for at, fires, failed in was:
        if fires:
            title = f"{fires} fires, {failed} failed" if failed else f"{fires} fires"
            bar = _bar(span, (at, min(at + hour, span.now)), fires / top, title)
            yield bar._replace(bad=round(HEIGHT * failed / top, 1), is_ahead=False)


def _to_come(span: Span, ahead: Sequence[ComingInterval], top: int) -> Iterator[Bar]:
    for one in ahead:
        if one.fires:
            between = max(one.starts_at, span.now), one.ends_at
            yield _bar(span, between, one.fires / top, f"{one.fires} to come")


def _bar(span: Span, between: tuple[datetime, datetime], part: float, title: str) -> Bar:
    """A bar from a moment to another, as high as its part of the busiest, with a gap beside it."""
    x, height = span.at(between[0]), round(HEIGHT * part, 1)
    width = round(max(0.3, span.at(between[1]) - x - 0.3), 3)
    return Bar(x=x, width=width, y=HEIGHT - height, height=height, bad=0, is_ahead=True, title=title)
