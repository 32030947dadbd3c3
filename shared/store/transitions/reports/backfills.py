"""Backfills of crons: begun, stepped by schedulers, cancelled and read."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_START_BACKFILL = Function("start_backfill")
_STEP_BACKFILL = Function("step_backfill")
_CANCEL_BACKFILL = Function("cancel_backfill")
_READ_BACKFILLS = Function("read_backfills")
_RELIST_BACKFILLS = Function("relist_backfills")
_FIND_MOMENTS = Function("find_moments")


class StoredBackfill(NamedTuple):
    """A backfill as it is stored, by its fields' names and values in turn; and what they do not count yet."""

    id: str
    fields: Sequence[str]
    open: int
    completed: int
    failed: int


class Refused(NamedTuple):
    """Why none was begun; `other` is the backfill of the same cron that runs."""

    why: int
    """0: no such cron; -1: it waits for pings; -2: it changed; -3: another runs; -4: too many run."""
    other: str = ""


class Bounds(NamedTuple):
    """How many backfills of a team may run, and how many that ended are kept."""

    most_running: int
    most_kept: int


class NewBackfill(NamedTuple):
    """What it makes, and how fast."""

    moments: str
    """In s, ten digits each, ascending."""
    total: int
    from_ms: int
    to_ms: int
    skips: bool
    """Moments that ran are left out."""
    parallelism: int
    rate: int | None
    """Executions a second."""
    warnings: str
    """JSON."""


async def start_backfill(
    redis: Redis,
    team: Team,
    new: NewBackfill,
    *,
    cron: int,
    version: str | None,
    bounds: Bounds,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredBackfill | Refused:
    """Begin one for a cron that is as it was read."""
    answer = await _START_BACKFILL(
        redis,
        team.prefix,
        write=write,
        team=team.id,
        cron=cron,
        version=version,
        moments=new.moments,
        total=new.total,
        from_ms=new.from_ms,
        to_ms=new.to_ms,
        skips=new.skips,
        parallelism=new.parallelism,
        rate=new.rate,
        warnings=new.warnings,
        most_running=bounds.most_running,
        most_kept=bounds.most_kept,
        now_ms=now_ms,
    )
    return Refused(*answer) if isinstance(answer[0], int) else StoredBackfill(*answer)


async def step_backfill(
    redis: Redis, team: Team, *, backfill: str, most: int, now_ms: int | None = None
) -> int:
    """Make what may be made by now, of so many moments; how many are left, with open executions."""
    left = await _STEP_BACKFILL(redis, team.prefix, team=team.id, backfill=backfill, most=most, now_ms=now_ms)
    return int(left)


async def cancel_backfill(
    redis: Redis, team: Team, *, backfill: int, now_ms: int | None = None, write: Write = OURS
) -> StoredBackfill | None:
    """Cancel it; its row then, if there is one. What it made goes on."""
    row = await _CANCEL_BACKFILL(
        redis, team.prefix, write=write, team=team.id, backfill=backfill, now_ms=now_ms
    )
    return StoredBackfill(*row) if row else None


async def read_backfills(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredBackfill]:
    """Those that are there."""
    return [StoredBackfill(*row) for row in await _READ_BACKFILLS(redis, team.prefix, ids, team=team.id)]


async def find_moments(
    redis: Redis, team: Team, *, cron: int, from_ms: int, to_ms: int, cursor: str = ""
) -> tuple[str, list[int]]:
    """Moments (ms) that a cron ran at: an execution that completed, waits or runs carries them.

    A part of them, and the cursor to go on from; that is empty if there are no more.
    """
    after, *ran = await _FIND_MOMENTS(
        redis, team.prefix, team=team.id, cron=cron, from_ms=from_ms, to_ms=to_ms, cursor=cursor
    )
    return after, [int(one) for one in ran]


async def relist_backfills(redis: Redis, team: Team) -> list[int]:
    """Hold what lists a team's backfills against their records; the ids of those that were wrong."""
    return [int(one) for one in await _RELIST_BACKFILLS(redis, team.prefix, team=team.id)]
