"""Small charts of problems, made as two lines of an SVG: a mark for each bar would be most of their page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

STEP, WIDTH, HEIGHT, LEAST = 7, 5, 30, 3
SHOWN = 24
"""Quarters of an hour."""


class Spark(NamedTuple):
    """What a path draws: the quarters in which something failed, and those in which nothing did."""

    failed: str
    well: str
    total: int


def spark(quarters: Sequence[int]) -> Spark:
    return _drawn(tuple(quarters[-SHOWN:]))


@lru_cache(1024)
def _drawn(shown: tuple[int, ...]) -> Spark:
    most = max(*shown, 1)
    bars = [_bar(at, max(28 * count / most, LEAST) if count else 1) for at, count in enumerate(shown)]
    failed = "".join(bar for bar, count in zip(bars, shown, strict=True) if count)
    return Spark(
        failed, "".join(bar for bar, count in zip(bars, shown, strict=True) if not count), sum(shown)
    )


def _bar(at: int, height: float) -> str:
    return f"M{at * STEP} {HEIGHT - height:.1f}h{WIDTH}v{height:.1f}h-{WIDTH}z"
