"""Figures: how much was started and ended in a period, and how long that waited and took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

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
_NOTHING = (0,) * len(NAMES)
_PACKED, _SIZE, _BETWEEN_HOURS = "=", "#", ";"
"""As `packed.lua` has them."""
_OF_HOUR = "@"
"""As the first version that had days had their hours."""
_HOUR = 3_600_000
"""How long an hour is (ms)."""


Texts: TypeAlias = tuple[str, ...]
"""Sums as they are stored, which are to be added up: numbers with commas, where none is 0."""


class Periods(NamedTuple):
    """Stored periods one after another: their letter, where the first starts (ms), and how many they are."""

    letter: str
    starts: int
    periods: int


async def read_figures(
    redis: Redis, team: Team, runs: Sequence[Periods], *, of: str | None, beside: str | None = None
) -> list[Iterator[tuple[int, str]]]:
    """What periods have of the team, of a queue (its id) or of `crons`; and `beside`, of another.

    Each is when a period starts, or an hour of a day (ms), and a text of `Texts`.
    """
    found = await _READ_FIGURES(redis, team.prefix, flat(runs), team=team.id, of=of, beside=beside)
    return [_by_start(zip(one[::2], one[1::2], strict=True)) for one in found]


def _by_start(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for starts, text in rows:
        if _BETWEEN_HOURS in text:
            for number, part in enumerate(text.split(_BETWEEN_HOURS)):
                if part:
                    yield starts + number * _HOUR, part
        else:
            yield starts, text


def added_up(texts: Texts) -> Sums:
    """All zero without any; raises Damaged for one that is no list of numbers."""
    if len(texts) == 1:
        return _unpacked(texts[0])
    return sum_of(map(_unpacked, texts))


def sum_of(several: Iterable[Sums]) -> Sums:
    """All zero without any."""
    return tuple(map(sum, zip(_NOTHING, *several, strict=True)))


@remembered(16 * MEBIBYTE, per_byte=1, per_entry=3000)
def _unpacked(text: str) -> Sums:
    """The sums that a period has of its team, or of a queue, as one text; a month has 720 hours."""
    try:
        sums = tuple(int(one or 0) for one in text.split(","))
    except ValueError:
        raise Damaged(f"{text[:80]} are no figures", "What is stored of a period") from None
    return (sums + _NOTHING)[: len(_NOTHING)]  # a newer version may have more


def named(fields: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The figures of a stored period by their names, those of a day by the hour."""
    for name, value in fields.items():
        if name.startswith(_PACKED):
            owner = name.removeprefix(_PACKED).partition(_OF_HOUR)[0]
            owner = f"{owner}:" if owner else ""
            for text in value.split(_BETWEEN_HOURS):
                yield from ((owner + figure, by) for figure, by in zip(NAMES, _unpacked(text), strict=True))
        elif name != _SIZE:
            yield name, int(value)


async def roll_figures(redis: Redis, shard: str, *, limit: int, now_ms: int | None = None) -> int:
    """Add periods that are too old up to longer ones, of up to about so many figures; how many went."""
    return int(await _ROLL_FIGURES(redis, keyspace.prefix(shard), limit=limit, now_ms=now_ms))
