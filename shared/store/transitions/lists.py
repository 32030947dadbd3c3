"""Pages of ids, of whatever is listed in indexes."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.basics.search import Hints
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

_PAGE = Function("page")
_LETTERS = 24
"""So many are looked for; more make a pattern that Lua gives up on."""


async def page(
    redis: Redis, team: Team, indexes: Sequence[str], *, offset: int, count: int
) -> tuple[int, list[int]]:
    """How many ids the disjoint indexes have, and so many from a place on, highest first."""
    total, *ids = await _PAGE(redis, team.prefix, indexes, offset=offset, count=count)
    return total, ids


def letters_of(hints: Hints) -> str | None:
    """The letters as a pattern of Lua that lets anything else stand between them."""
    return "[^%w]*".join((hints.letters or "")[:_LETTERS]) or None
