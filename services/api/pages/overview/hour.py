"""The last hour as charts: calls of each minute, how long work waited, how late fires were made."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from services.api.pages.crons import saying
from shared.schemas.reports.stats import Percentiles, PeriodFigures, Stats

HEIGHT = 78
"""Of the charts, without the times under them."""
TOP = 62
"""Of what is highest, so that a word has room above."""


class Bar(NamedTuple):
    """A minute; `y` and `height` of all its calls, `bad` of those that failed, at the foot."""

    x: float
    y: float
    height: float
    bad: float
    title: str


class Grid(NamedTuple):
    y: float
    words: str


class Calls(NamedTuple):
    value: str
    below: str
    bars: Sequence[Bar]
    grid: Sequence[Grid]
    times: Sequence[tuple[float, str]]
    said: str


class Lines(NamedTuple):
    """The p95 of each minute as a line in ink with its area, and the p50 as a thinner one; points of SVG."""

    value: str
    below: str
    area: Sequence[str]
    high: Sequence[str]
    low: Sequence[str]
    grid: Sequence[Grid]
    times: Sequence[tuple[float, str]]
    said: str


def ended(one: PeriodFigures) -> int:
    """Calls that came to an end, however they did."""
    return one.completed + one.failed + one.retried


def calls(hour: Stats, zone: str) -> Calls:
    top = max((ended(one) for one in hour.data), default=0)
    total = sum(ended(one) for one in hour.data)
    failed = sum(one.failed + one.retried for one in hour.data)
    step = 100 / max(1, len(hour.data))
    bars = [
        _bar(one, number * step, top, saying.clock(one.at, zone))
        for number, one in enumerate(hour.data)
        if top
    ]
    average = total / max(1, len(hour.data))
    return Calls(
        value=f"{average:,.0f}" if average >= 10 else f"{average:.1f}",
        below=f"{failed:,} of {total:,} failed" if failed else f"none of {total:,} failed",
        bars=bars,
        grid=_grid(top, lambda most: f"{most:,.0f}"),
        times=_times(hour, zone),
        said=f"Calls of each minute of the last hour: {total:,} in all, {failed:,} failed",
    )


def _bar(one: PeriodFigures, x: float, top: int, at: str) -> Bar:
    count, failed = ended(one), one.failed + one.retried
    height = round(TOP * count / top, 1)
    bad = round(max(2.0, TOP * failed / top), 1) if failed else 0
    return Bar(
        round(x, 2), round(HEIGHT - height, 1), height, bad, f"{at}: {count:,} calls, {failed:,} failed"
    )


def waits(hour: Stats, zone: str) -> Lines:
    return _lines(hour, zone, lambda one: one.wait_ms, saying.took, "Waiting before the start")


def lateness(hour: Stats, zone: str) -> Lines:
    return _lines(hour, zone, lambda one: one.lateness_ms, _late, "Lateness of fires")


def _late(milliseconds: float | None) -> str:
    return saying.UNKNOWN if milliseconds is None else saying.took(milliseconds)


def _lines(
    hour: Stats,
    zone: str,
    of: Callable[..., Percentiles],
    words: Callable[[float | None], str],
    name: str,
) -> Lines:
    whole = of(hour.total)
    top = max((of(one).p95 or 0 for one in hour.data), default=0)
    runs = list(_runs([(of(one).p95, of(one).p50) for one in hour.data], top))
    high, low = words(whole.p95), words(whole.p50)
    return Lines(
        value=high,
        below=f"p50 {low}" if whole.count else "nothing was measured",
        area=[_area(run) for run in runs],
        high=[" ".join(f"{x},{y}" for x, y, _ in run) for run in runs],
        low=[" ".join(f"{x},{y}" for x, _, y in run) for run in runs],
        grid=_grid(top, words),
        times=_times(hour, zone),
        said=f"{name} in the last hour: p95 {high}, p50 {low}, of {whole.count:,}",
    )


def _runs(
    pairs: Sequence[tuple[float | None, float | None]], top: float
) -> list[list[tuple[float, float, float]]]:
    """Minutes in a row that were measured: a line is broken where nothing was."""
    found: list[list[tuple[float, float, float]]] = [[]]
    step = 100 / max(1, len(pairs))
    for number, (high, low) in enumerate(pairs):
        if high is None or low is None:
            found.append([])
            continue
        ys = (round(HEIGHT - TOP * part / top, 2) if top else HEIGHT for part in (high, low))
        found[-1].append((round(number * step, 2), *ys))  # type: ignore[arg-type]
        if len(found[-1]) == 1:  # one minute alone is as wide as a bar
            found[-1].append((round((number + 0.8) * step, 2), *found[-1][0][1:]))
    return [_joined(run) for run in found if run]


def _joined(run: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Without the end of the first minute where another follows."""
    return [run[0], *run[2:]] if len(run) > 2 else run


def _area(run: Sequence[tuple[float, float, float]]) -> str:
    line = " ".join(f"{x},{y}" for x, y, _ in run)
    return f"{run[0][0]},{HEIGHT} {line} {run[-1][0]},{HEIGHT}"


def _grid(top: float, words: Callable[[float], str]) -> list[Grid]:
    return [Grid(HEIGHT - part * TOP, words(top * part)) for part in (0.5, 1)] if top else []


def _times(hour: Stats, zone: str) -> list[tuple[float, str]]:
    """Every 20 minutes and the end."""
    span = hour.ends_at - hour.starts_at
    moments = [hour.starts_at + timedelta(minutes=20 * number) for number in range(3)]
    return [(round(100 * ((at - hour.starts_at) / span), 2), saying.clock(at, zone)) for at in moments]
