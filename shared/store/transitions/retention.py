"""What goes: history that is too old or too much, what was deleted, what was kept for a while."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_FIND_OVERDUE = Function("find_overdue")
_BEGIN_RETIRING = Function("begin_retiring")
_RETIRE = Function("retire")
_RETIRE_ALERTS = Function("retire_alerts")
_PRUNE = Function("prune")
_FORGET = Function("forget")


class Looked(NamedTuple):
    """A look at some of a team's queues or crons: the last id (0 = all were looked at), and ids found."""

    after: int
    ids: Sequence[str]


async def find_overdue(
    redis: Redis,
    team: Team,
    *,
    kind: str,
    index: str,
    after: int,
    limit: int,
    age_ms: int,
    dead_age_ms: int,
    most_kept: int,
    now_ms: int | None = None,
) -> Looked:
    """Look at so many queues (kind q) or crons (c) in an index for those of whose history something may go.

    `dead_age_ms` is for dead letters of a queue that says nothing, `most_kept` for what has finished.
    """
    found = await _FIND_OVERDUE(
        redis,
        team.prefix,
        team=team.id,
        kind=kind,
        index=index,
        after=after,
        limit=limit,
        age_ms=age_ms,
        dead_age_ms=dead_age_ms,
        most_kept=most_kept,
        now_ms=now_ms,
    )
    return Looked(*found)


async def begin_retiring(redis: Redis, shard: str, *, now_ms: int | None = None) -> tuple[bool, bool]:
    """Whether history may be retired, and if not whether that is new."""
    may, is_new = await _BEGIN_RETIRING(redis, keyspace.prefix(shard), now_ms=now_ms)
    return bool(may), bool(is_new)


async def retire(
    redis: Redis,
    team: Team,
    *,
    owner: str,
    age_ms: int,
    dead_age_ms: int,
    most_kept: int,
    may_take_most: bool,
    limit: int,
    now_ms: int | None = None,
) -> tuple[int, int]:
    """Remove finished history of `q<queue>` or `c<cron>` that is too old or too much, oldest first.

    How many records went, of `limit`; and how many of its states wait from now on, for nearly all there was
    is too old at once and may not go yet.
    """
    removed, begun = await _RETIRE(
        redis,
        team.prefix,
        team=team.id,
        owner=owner,
        age_ms=age_ms,
        dead_age_ms=dead_age_ms,
        most_kept=most_kept,
        may_take_most=may_take_most,
        limit=limit,
        now_ms=now_ms,
    )
    return removed, begun


async def retire_alerts(
    redis: Redis, team: Team, *, age_ms: int, most_kept: int, limit: int, now_ms: int | None = None
) -> int:
    """Remove alerts that are too old, or too many of a type, oldest first; how many went, of `limit`."""
    removed = await _RETIRE_ALERTS(
        redis, team.prefix, team=team.id, age_ms=age_ms, most_kept=most_kept, limit=limit, now_ms=now_ms
    )
    return int(removed)


async def prune(redis: Redis, shard: str, *, limit: int) -> int:
    """Remove up to so many records of deleted queues and crons; how many went."""
    return int(await _PRUNE(redis, keyspace.prefix(shard), limit=limit))


async def forget(redis: Redis, shard: str, *, limit: int, now_ms: int | None = None) -> int:
    """Forget up to so many keys that were to be kept for a while that is over; how many went."""
    return int(await _FORGET(redis, keyspace.prefix(shard), limit=limit, now_ms=now_ms))
