"""Strips and charts of fires as SVG: past is filled, future is hollow, now is a line.

Places are in pixels of a strip, and in percent of a chart, which stretches without script.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from services.api.pages.crons import saying
from shared.schemas.crons import Cron, Execution, ExecutionStatus, SkipReason

FIRES, AHEAD = 30, 3
STEP, WIDTH, HEIGHT = 7, 5, 24
LEAST, MOST = 8, 14
"""Heights of a fire that went well, by how long it took against the slow ones of its cron."""
CHART_HEIGHT, BASE = 168, 112
COLUMNS, COLUMNS_AHEAD = 30, 6


class Mark(NamedTuple):
    """A kind of mark, which is the name of its class, with its place; `y` and `height` of its bar."""

    kind: str
    x: float
    y: float
    height: float
    title: str
    href: str = ""
    dot: float | None = None
    """How far down the dot stands that says how late it was."""


class Fire(NamedTuple):
    """What a mark of a strip shows of a fire."""

    status: ExecutionStatus
    duration_ms: int | None
    is_late: bool
    skip_reason: SkipReason | None


class Strip(NamedTuple):
    """`bars` and what they say are those of the last fires."""

    bars: Markup
    now: float
    ahead: Sequence[float]
    said: str


class Line(NamedTuple):
    y: float
    words: str


class Chart(NamedTuple):
    marks: Sequence[Mark]
    grid: Sequence[Line]
    now: float
    ahead: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str]]
    said: str


@lru_cache(maxsize=8192)
def bar(mark: Mark, width: int = WIDTH, look: str = "") -> Markup:
    """Its SVG, remembered: the list of crons has hundreds of marks, and most of them alike.

    With another `look`, which begins with a blank, it is a column, whose place the element around it says.
    """
    at = "" if look else f'x="{mark.x}" '
    sized = width - 1 if mark.kind == "gone" and not look else width
    title = Markup("<title>{}</title>").format(mark.title)
    rect = Markup('<rect class="m-{}{}" {}y="{}" width="{}" height="{}" rx="1"{}')
    own = (look, Markup(at))
    if mark.kind == "soft":
        return Markup('<rect class="m-soft" {}y="{}" width="{}" height="1"/>').format(own[1], mark.y, width)
    if mark.kind == "bad":
        point = rect.format("bad", *own, mark.y + mark.height + 2, width, 12 if look else 4, Markup("/>"))
        column = rect.format("bad", *own, mark.y, width, mark.height, Markup("/>"))
        return Markup("<g>{}{}{}</g>").format(title, column, point)
    if mark.kind == "late":
        cap = rect.format("warn", *own, mark.y - 5, width, 3, Markup("/>"))
        column = rect.format("ok", *own, mark.y, width, mark.height, Markup("/>"))
        return Markup("<g>{}{}{}</g>").format(title, column, cap)
    return rect.format(mark.kind, *own, mark.y, sized, mark.height, Markup(">{}</rect>").format(title))


def percentile(durations: Sequence[float], part: float) -> float | None:
    """The smallest that so large a part is not above; None of nothing."""
    if not durations:
        return None
    ordered = sorted(durations)
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered) + 0.4999) - 1))]


def durations(cron: Cron) -> list[float]:
    """Of its last runs that have ended well or badly."""
    return [one.duration_ms for one in cron.recent_executions if one.duration_ms is not None]


def strip(cron: Cron) -> Strip:
    """The last 30 fires of a cron, and the next ones."""
    recent = tuple(
        Fire(one.status, one.duration_ms, one.is_late, one.skip_reason)
        for one in cron.recent_executions[-FIRES:]
    )
    now = FIRES * STEP + 1.5
    ahead = [now + 4 + at * STEP for at in range(min(AHEAD, len(cron.next_runs)))]
    return Strip(_bars(recent, percentile(durations(cron), 0.95) or 0), now, ahead, _said(recent))


@lru_cache(maxsize=128)
def _bars(recent: Sequence[Fire], slow: float) -> Markup:
    """Remembered, some 8 kB each: most crons of a list have not fired since it was shown, or went as ever."""
    first = FIRES - len(recent)
    marks = [Mark("soft", at * STEP, HEIGHT - 2, 1, "") for at in range(first)]
    marks += [_of_strip(one, (first + at) * STEP, slow) for at, one in enumerate(recent)]
    return Markup("").join(map(bar, marks))


def _of_strip(one: Fire, x: float, slow: float) -> Mark:
    match one.status:
        case ExecutionStatus.COMPLETED:
            height = LEAST + (MOST - LEAST) * min(1, (one.duration_ms or 0) / slow if slow else 0)
            words = "completed, late" if one.is_late else "completed"
            kind = "late" if one.is_late else "ok"
            return Mark(
                kind, x, round(HEIGHT - 1 - height, 1), round(height, 1), _with(words, one.duration_ms)
            )
        case ExecutionStatus.FAILED:
            return Mark("bad", x, 0, 17, _with("failed", one.duration_ms))
    if one.skip_reason is SkipReason.MISSED:
        return Mark("gone", x + 0.6, 1.5, 21, "missed")
    return Mark("idle", x, HEIGHT - 3, 2, f"skipped: {one.skip_reason or 'not known why'}")


def _with(words: str, took: int | None) -> str:
    return words if took is None else f"{words}, {saying.took(took)}"


def _said(recent: Sequence[Fire]) -> str:
    if not recent:
        return "It has not fired yet"
    names = list(_names(recent))
    kinds = ("completed", "completed, late", "failed", "skipped", "missed")
    parts = [f"{names.count(kind)} {kind}" for kind in kinds if kind in names]
    return f"Last {len(recent)} fires: {', '.join(parts)}" if len(recent) > 1 else f"Last fire: {names[0]}"


def _names(recent: Sequence[Fire]) -> Iterator[str]:
    for one in recent:
        if one.status is ExecutionStatus.COMPLETED:
            yield "completed, late" if one.is_late else "completed"
        elif one.status is ExecutionStatus.SKIPPED:
            yield "missed" if one.skip_reason is SkipReason.MISSED else "skipped"
        else:
            yield str(one.status)


def chart(
    executions: Sequence[Execution], ahead: Sequence[datetime], now: datetime, zone: str, path: str
) -> Chart:
    """The fires of a cron, oldest first, and those to come; a bar is a link to its fire."""
    shown = executions[-COLUMNS:]
    places = COLUMNS + (COLUMNS_AHEAD if ahead else 0.6)
    step = 100 / places
    well = [one for one in shown if one.status is ExecutionStatus.COMPLETED]
    top = _round(max((one.run.duration_ms or 0 for one in well if one.run), default=0))
    first = COLUMNS - len(shown)
    marks = [
        _of_chart(one, (first + at + 0.5) * step, top, (zone, f"{path}/{one.id}"))
        for at, one in enumerate(shown)
    ]
    to_come = [
        ((COLUMNS + at + 0.6) * step, saying.dated(fire, zone))
        for at, fire in enumerate(ahead[:COLUMNS_AHEAD])
    ]
    grid = [Line(BASE - part * 92, saying.took(top * part)) for part in (0.5, 1)] if top else []
    labels = [
        ((first + at + 0.5) * step, saying.wall(shown[at].scheduled_at, now, zone))
        for at in range(len(shown) - 1, -1, -6)
        if (first + at) < COLUMNS - 2
    ]
    failed = sum(one.status is ExecutionStatus.FAILED for one in shown)
    said = f"The last {len(shown)} fires: {len(well)} completed, {failed} failed. {len(to_come)} to come."
    return Chart(marks, grid, COLUMNS * step, to_come, labels, said)


def _of_chart(one: Execution, x: float, top: float, how: tuple[str, str]) -> Mark:
    zone, href = how
    took = one.run.duration_ms if one.run else None
    title = f"{saying.dated(one.scheduled_at, zone)}: {_with(saying.outcome(one).words.lower(), took)}"
    is_skipped = one.status is ExecutionStatus.SKIPPED
    dot = None if is_skipped else BASE + 24 + min(1, one.lateness_ms / 60_000) * 24
    match one.status:
        case ExecutionStatus.COMPLETED:
            height = max(4, 92 * (took or 0) / top if top else 4)
            kind = "late" if one.lateness_ms > saying.LATE_MS else "ok"
            return Mark(kind, x, BASE - height, height, title, href, dot=dot)
        case ExecutionStatus.FAILED:
            return Mark("bad", x, BASE - 92, 78, title, href, dot=dot)
        case ExecutionStatus.SKIPPED if one.skip_reason is SkipReason.MISSED:
            return Mark("gone", x, BASE - 92, 92, title, href)
        case ExecutionStatus.SKIPPED:
            return Mark("idle", x, BASE - 3, 3, title, href)
    return Mark("runl", x, BASE - 40, 40, title, href, dot=dot)


def _round(milliseconds: float) -> float:
    """The next number up that reads well."""
    if milliseconds <= 0:
        return 0
    power = 10.0 ** (len(str(int(milliseconds))) - 1)
    return next(power * factor for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * factor >= milliseconds)
