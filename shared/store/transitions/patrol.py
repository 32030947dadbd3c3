"""Records and crons that nothing would ever start any more are found, and put back."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_PATROL = Function("patrol")
_PATROL_CRONS = Function("patrol_crons")
_MEND_STRIPS = Function("mend_strips")


async def patrol(
    redis: Redis,
    team: Team,
    *,
    kind: str,
    index: str,
    state: str,
    after: int,
    most: int,
    now_ms: int | None = None,
) -> tuple[int, list[str]]:
    """Mend records of one of a team's indexes: the last one looked at (0 = all were), `kind:id` of those."""
    last, mended = await _PATROL(
        redis,
        team.prefix,
        team=team.id,
        kind=kind,
        index=index,
        state=state,
        after=after,
        most=most,
        now_ms=now_ms,
    )
    return last, mended


async def patrol_chosen(redis: Redis, team: Team, ids: Sequence[int], *, kind: str) -> list[str]:
    """Mend these records, whether an index has them or not; `kind:id` of those."""
    if not ids:
        return []
    _, mended = await _PATROL(redis, team.prefix, ids, team=team.id, kind=kind)
    return list(mended)


async def patrol_crons(redis: Redis, team: Team, *, after: int, most: int) -> tuple[int, list[int]]:
    """Put crons back that are to fire: the last one looked at (0 = all were), and those."""
    last, mended = await _PATROL_CRONS(redis, team.prefix, team=team.id, after=after, most=most)
    return last, [int(cron) for cron in mended]


async def mend_strips(
    redis: Redis, team: Team, *, index: str, after: int, most: int
) -> tuple[int, list[str]]:
    """Hold what crons say of their last executions against these: the last cron (0 = all were), and those."""
    last, mended = await _MEND_STRIPS(redis, team.prefix, team=team.id, index=index, after=after, most=most)
    return last, list(mended)
