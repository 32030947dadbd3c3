"""Pages of ids, of whatever is listed in indexes."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_PAGE = Function("page")


async def page(
    redis: Redis, team: Team, indexes: Sequence[str], *, offset: int, count: int
) -> tuple[int, list[int]]:
    """How many ids the disjoint indexes have, and so many from a place on, highest first."""
    total, *ids = await _PAGE(redis, team.prefix, indexes, offset=offset, count=count)
    return total, ids
