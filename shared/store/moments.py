"""The installation's clock: the clock of Redis, plus the correction that the schedulers found."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from shared import clock
from shared.store import keyspace, transitions

Answers: TypeAlias = tuple[tuple[int, int], str | None]
"""What a pipeline returns for `join`: the clock of Redis (s, µs), and its correction (ms)."""
AHEAD_MS = 5000
SLACK_MS = 2000
"""Both as in `shared/store/lua/lib/call/ledger.lua`."""
FRESH_MS = 10_000
_WHOLE = re.compile(r"-?\d{1,15}")
PATIENCE_SECONDS, LOOK_SECONDS = 2.0, 0.1
_SAID = re.compile(r"(\d+) (-?\d+)")


@dataclass(frozen=True, slots=True)
class Witness:
    """A scheduler (host:pid) that vouched lately, and how far its own clock was ahead then."""

    name: str
    ahead_ms: int


@dataclass(frozen=True, slots=True)
class Present:
    """The installation's clock, the correction in it, and who vouches for it."""

    now_ms: int
    correction_ms: int
    is_vouched: bool
    was_vouched: bool
    """Whether any scheduler ever vouched."""
    witnesses: Sequence[Witness]


async def now(redis: Redis, shard: str) -> datetime:
    """The time as every transition of the shard sees it."""
    async with redis.pipeline(transaction=False) as pipe:
        join(pipe, shard)
        time, correction = await pipe.execute()
    return of((time, correction))


def join(pipe: Pipeline, shard: str) -> None:
    """Add the reading of the clock to a pipeline; its next two answers are the `Answers`."""
    pipe.time()
    pipe.get(keyspace.correction(shard))


def of(answers: Answers) -> datetime:
    (seconds, microseconds), correction = answers
    known = int(correction) if correction and _WHOLE.fullmatch(correction) else 0  # as in `ledger.lua`
    return clock.moment(1000 * seconds + microseconds / 1000 + known)


async def settled(redis: Redis, shard: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a scheduler vouches for the time: a clock that jumped is corrected within a second or so.

    With no scheduler alive nobody vouches, and the time is used as it is.
    """
    ends = clock.elapsed() + seconds
    while clock.elapsed() < ends:
        seen = await read(redis, shard)
        if seen.is_vouched or not seen.was_vouched:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def read(redis: Redis, shard: str) -> Present:
    """The time, and why it can be trusted."""
    seen = await transitions.read_clock(redis, shard)
    is_vouched = seen.trusted_until_ms - AHEAD_MS - SLACK_MS <= seen.now_ms <= seen.trusted_until_ms
    said = tuple(_fresh(seen.schedulers, seen.now_ms))
    return Present(seen.now_ms, seen.correction_ms, is_vouched, seen.trusted_until_ms > 0, said)


def _fresh(flat: Sequence[str], now_ms: int) -> Iterator[Witness]:
    for name, text in zip(flat[::2], flat[1::2], strict=True):
        said = _SAID.fullmatch(text)  # anything else is removed as soon as somebody vouches
        if said and abs(now_ms - int(said[1])) <= FRESH_MS:
            yield Witness(name, int(said[2]))
