"""Figures: how much was started and ended in a period, and how long that waited and took."""

from collections.abc import Iterator, Mapping, Sequence
from operator import add
from typing import Any, NamedTuple, TypeAlias

from redis.asyncio import Redis

from shared.basics.memory import MEBIBYTE, remembered
from shared.errors import Damaged
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

Sums: TypeAlias = Sequence[int]
"""Of all figures, at these places."""
_MEASURED = ("completed", "retried", "failed", "waited", "late")
NAMES = (
    *("started", "completed", "failed", "skipped"),
    *(f"{figure}{bucket}" for figure in _MEASURED for bucket in range(_BUCKETS)),
)
_PACKED, _SIZE = "=", "#"
"""As `packed.lua` has them."""


class Period(NamedTuple):
    """A stored period, as `m1764300000000`: its letter and start (ms); and the number it counts for."""

    period: str
    into: int


async def read_figures(
    redis: Redis, team: Team, periods: Sequence[Period], *, of: str | None, beside: str | None = None
) -> tuple[dict[int, Sums], dict[int, Sums]]:
    """Sums by the number they count for: of the team, of a queue (its id) or of `crons`; and of another."""
    found, others = await _READ_FIGURES(redis, team.prefix, flat(periods), team=team.id, of=of, beside=beside)
    return _added_up(*found), _added_up(*others)


def _added_up(answers: Sequence[Sequence[int]], texts: Sequence[Any]) -> dict[int, Sums]:
    found: dict[int, Sums] = {number: sums for number, *sums in answers}
    for number, text in zip(texts[::2], texts[1::2], strict=True):
        sums = _unpacked(text)
        found[number] = tuple(map(add, found[number], sums)) if number in found else sums
    return found


@remembered(16 * MEBIBYTE, per_byte=1, per_entry=3000)
def _unpacked(text: str) -> Sums:
    """The sums that a longer period has of its team, or of a queue, as one text; a month has 720 hours."""
    try:
        sums = tuple(int(one or 0) for one in text.split(","))
    except ValueError:
        raise Damaged(f"{text[:80]} are no figures", "What is stored of a period") from None
    return sums + (0,) * (LATE_IN.stop - len(sums))


def named(fields: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The figures of a stored period by their names, those of a longer one out of its texts."""
    for name, value in fields.items():
        if name.startswith(_PACKED):
            owner = f"{name[1:]}:" if name != _PACKED else ""
            yield from ((owner + figure, by) for figure, by in zip(NAMES, _unpacked(value), strict=True))
        elif name != _SIZE:
            yield name, int(value)


async def roll_figures(redis: Redis, shard: str, *, limit: int, now_ms: int | None = None) -> int:
    """Add periods that are too old up to longer ones, of up to about so many figures; how many went."""
    return int(await _ROLL_FIGURES(redis, keyspace.prefix(shard), limit=limit, now_ms=now_ms))
