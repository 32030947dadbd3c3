"""Figures: how much was started and ended in a period, and how long that waited and took."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat

_READ_FIGURES = Function("read_figures")
_ROLL_FIGURES = Function("roll_figures")

STARTED, COMPLETED, FAILED, SKIPPED = range(4)
_BUCKETS = 15
COMPLETED_IN, RETRIED_IN, FAILED_IN, WAITED_IN, LATE_IN = (
    slice(start, start + _BUCKETS) for start in range(4, 4 + 5 * _BUCKETS, _BUCKETS)
)
"""Buckets of durations, the first for what nobody measured."""

Sums: TypeAlias = list[int]
"""Of all figures, at these places."""


class Period(NamedTuple):
    """A stored period, as `m1764300000000`: its letter and start (ms); and the number it counts for."""

    period: str
    into: int


async def read_figures(
    redis: Redis, team: Team, periods: Sequence[Period], *, of: str | None
) -> dict[int, Sums]:
    """Sums by the number they count for: of the team, of a queue (its id) or of `crons`."""
    answers = await _READ_FIGURES(redis, team.prefix, flat(periods), team=team.id, of=of)
    return {number: sums for number, *sums in answers}


async def roll_figures(redis: Redis, shard: str, *, limit: int, now_ms: int | None = None) -> int:
    """Add periods that are too old up to longer ones, of up to about so many fields; how many went."""
    return int(await _ROLL_FIGURES(redis, keyspace.prefix(shard), limit=limit, now_ms=now_ms))
