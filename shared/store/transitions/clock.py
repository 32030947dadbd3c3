"""The installation's clock: read, vouched for, corrected; and what a wrong one left behind."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function

_READ = Function("read_clock")
_VOUCH = Function("vouch")
_CORRECT = Function("correct")
_RESCHEDULE_DOUBTFUL = Function("reschedule_doubtful")


class Clock(NamedTuple):
    """What the clock says, and who vouches for it."""

    now_ms: int
    correction_ms: int
    """That was added to what Redis's own clock says."""
    trusted_until_ms: int
    """0 if nobody ever vouched for it."""
    schedulers: Sequence[str]
    """By turns host:pid, and when it last vouched and how far its own clock was ahead then (ms)."""


async def read_clock(redis: Redis, shard: str) -> Clock:
    """The clock as every function of the shard sees it."""
    return Clock(*await _READ(redis, keyspace.prefix(shard)))


async def vouch(redis: Redis, shard: str, *, judged_ms: int, scheduler: str, ahead_ms: int) -> bool:
    """Say that it is right, and how far the scheduler's is ahead; False if it jumped since it was judged."""
    return bool(
        await _VOUCH(
            redis, keyspace.prefix(shard), judged_ms=judged_ms, scheduler=scheduler, ahead_ms=ahead_ms
        )
    )


async def correct(redis: Redis, shard: str, *, seen_ms: int, correction_ms: int, most: int) -> int:
    """Correct it, unless the correction is another than was seen (-1); how many records were moved.

    With as many as `most` there are more to move, and it is not corrected yet.
    """
    prefix = keyspace.prefix(shard)
    return int(await _CORRECT(redis, prefix, seen_ms=seen_ms, correction_ms=correction_ms, most=most))


async def reschedule_doubtful(
    redis: Redis, shard: str, *, cursor: str, count: int, now_ms: int | None = None
) -> tuple[str, int]:
    """Move what a clock that was ahead made or put off, of about so many that wait.

    Returns where to go on ("0" = those were all), and how many were moved.
    """
    prefix = keyspace.prefix(shard)
    following, moved = await _RESCHEDULE_DOUBTFUL(redis, prefix, cursor=cursor, count=count, now_ms=now_ms)
    return following, moved
