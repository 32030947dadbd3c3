"""Figures: how much was started and ended in a period, and how long that waited and took."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat

_READ_FIGURES = Function("read_figures")
_ROLL_FIGURES = Function("roll_figures")


class Period(NamedTuple):
    """A stored period, as `m1764300000000`: its letter and start (ms); and the number it counts for."""

    period: str
    into: int


async def read_figures(
    redis: Redis, team: Team, periods: Sequence[Period], *, of: str | None
) -> Mapping[int, Mapping[str, int]]:
    """Sums of figures by their names, as in `figures.lua`: of the team, of a queue (its id) or of `crons`."""
    answers = await _READ_FIGURES(redis, team.prefix, flat(periods), team=team.id, of=of)
    return {number: dict(zip(sums[::2], map(int, sums[1::2]), strict=True)) for number, *sums in answers}


async def roll_figures(redis: Redis, shard: str, *, limit: int, now_ms: int | None = None) -> int:
    """Add periods that are too old up to longer ones, of up to about so many fields; how many went."""
    return int(await _ROLL_FIGURES(redis, keyspace.prefix(shard), limit=limit, now_ms=now_ms))
