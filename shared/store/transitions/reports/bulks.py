"""Changes of many in the background: begun, claimed and settled by schedulers, cancelled and read."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat
from shared.store.transitions.reports.backfills import Bounds
from shared.store.writes import OURS, Write

_START_BULK = Function("start_bulk")
_CLAIM_BULK = Function("claim_bulk")
_SETTLE_BULK = Function("settle_bulk")
_CANCEL_BULK = Function("cancel_bulk")
_READ_BULKS = Function("read_bulks")
_RELIST_BULKS = Function("relist_bulks")
ID_DIGITS = 16


class StoredBulk(NamedTuple):
    """A change of many as it is stored, by its fields' names and values in turn; ids with why refused."""

    id: str
    fields: Sequence[str]
    refusals: Sequence[str]


class NewBulk(NamedTuple):
    """What is done to which, and who wants it."""

    noun: str
    ids: Sequence[int]
    named: str
    """The ids as the audit trail names them."""
    action: str | None
    change: str | None
    """JSON."""
    actor: str
    token: str
    digest: str
    """Of the token; without one nobody can take it away meanwhile."""
    limits: str | None
    """Of the token (JSON)."""


class ClaimedBulk(NamedTuple):
    """The fields of a change of many, and those that are to be done now."""

    fields: Sequence[str]
    ids: Sequence[str]


class Settled(NamedTuple):
    """One that was not changed, and why."""

    id: int
    outcome: Literal["unchanged", "missing", "refused"]
    reason: str = ""


async def start_bulk(
    redis: Redis,
    team: Team,
    new: NewBulk,
    *,
    bounds: Bounds,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredBulk | str | None:
    """Begin it; None if too many run. What was done under the key of the write before may be a text."""
    row = await _START_BULK(
        redis,
        team.prefix,
        write=write,
        team=team.id,
        noun=new.noun,
        ids="".join(f"{one:0{ID_DIGITS}}" for one in new.ids),
        matched=len(new.ids),
        named=new.named,
        action=new.action,
        change=new.change,
        actor=new.actor,
        token=new.token,
        digest=new.digest,
        limits=new.limits,
        most_running=bounds.most_running,
        most_kept=bounds.most_kept,
        now_ms=now_ms,
    )
    if isinstance(row, str):
        return row
    return StoredBulk(*row) if len(row) > 1 else None


async def claim_bulk(
    redis: Redis, team: Team, *, bulk: str, holder: str, most: int, now_ms: int | None = None
) -> ClaimedBulk | None:
    """Take the next ones for one scheduler, if there are some and no other has them."""
    found = await _CLAIM_BULK(
        redis, team.prefix, team=team.id, bulk=bulk, holder=holder, most=most, now_ms=now_ms
    )
    return ClaimedBulk(*found) if found else None


async def settle_bulk(
    redis: Redis,
    team: Team,
    settled: Sequence[Settled],
    *,
    bulk: str,
    holder: str,
    now_ms: int | None = None,
) -> int:
    """Note what became of those that were not changed; how many are left of all."""
    left = await _SETTLE_BULK(
        redis, team.prefix, flat(settled), team=team.id, bulk=bulk, holder=holder, now_ms=now_ms
    )
    return int(left)


async def cancel_bulk(
    redis: Redis, team: Team, *, bulk: int | str, reason: str, now_ms: int | None = None, write: Write = OURS
) -> StoredBulk | None:
    """Change nothing more; its row then, if there is one."""
    row = await _CANCEL_BULK(
        redis, team.prefix, write=write, team=team.id, bulk=bulk, reason=reason, now_ms=now_ms
    )
    return StoredBulk(*row) if row else None


async def read_bulks(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredBulk]:
    """Those that are there."""
    return [StoredBulk(*row) for row in await _READ_BULKS(redis, team.prefix, ids, team=team.id)]


async def relist_bulks(redis: Redis, team: Team) -> list[int]:
    """Hold what lists a team's changes of many against their records; the ids of those that were wrong."""
    return [int(one) for one in await _RELIST_BULKS(redis, team.prefix, team=team.id)]
