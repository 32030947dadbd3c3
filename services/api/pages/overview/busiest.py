"""Queues as rows of the overview: what waits, how long, and what holds it back."""

from collections.abc import Sequence
from typing import NamedTuple

from services.api.pages.crons import saying
from services.api.pages.overview.facts import Facts
from services.api.pages.overview.needs import LONG_WAIT_MS
from services.api.pages.work import holding
from shared.schemas.queues import Queue
from shared.schemas.reports.stats import Stats

SPARK = 18
"""The height of the starts of a minute."""


class Spark(NamedTuple):
    x: int
    y: float
    height: float


class Row(NamedTuple):
    queue: Queue
    waits: str
    is_long: bool
    sparks: Sequence[Spark]
    started: int
    note: str


def rows(facts: Facts) -> list[Row]:
    return [_row(queue, facts.recent[queue.id]) for queue in facts.busiest]


def _row(queue: Queue, recent: Stats) -> Row:
    waits = recent.total.wait_ms.p95
    is_held = not queue.is_active or queue.counts.pending > 0
    return Row(
        queue=queue,
        waits=saying.took(waits),
        is_long=waits is not None and waits > LONG_WAIT_MS,
        sparks=sparks(recent),
        started=recent.total.started,
        note=queue.problem or (holding.sentence(queue) if is_held else ""),
    )


def sparks(recent: Stats) -> list[Spark]:
    """The starts of each of the last 20 minutes."""
    minutes = recent.data[-20:]
    top = max((one.started for one in minutes), default=0) or 1
    heights = [round(max(1.0, SPARK * one.started / top), 1) for one in minutes]
    return [Spark(7 * number, round(SPARK - height, 1), height) for number, height in enumerate(heights)]
