"""Pages of ids, of whatever is listed in indexes."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from redis.asyncio import Redis

from shared.basics.hints import Hints
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function

T = TypeVar("T")

_PAGE = Function("page")
_LIST_BELOW = Function("list_below")
_LETTERS = 24
"""So many are looked for; more make a pattern that Lua gives up on."""


class Below(NamedTuple):
    """So many ids of disjoint indexes, the highest below `last` (0: of all)."""

    indexes: Sequence[str]
    last: int
    size: int


class Seen(NamedTuple, Generic[T]):
    """How many ids were looked at, the last of them, whether there are more, and the rows that were read."""

    size: int
    last: int
    has_more: bool
    rows: Sequence[T]


async def page(
    redis: Redis, team: Team, indexes: Sequence[str], *, offset: int, count: int
) -> tuple[int, list[int]]:
    """How many ids the disjoint indexes have, and so many from a place on, highest first."""
    total, *ids = await _PAGE(redis, team.prefix, indexes, offset=offset, count=count)
    return total, ids


async def list_below(redis: Redis, team: Team, below: Below) -> Seen[int]:
    """The ids themselves."""
    has_more, *ids = await _LIST_BELOW(
        redis, team.prefix, below.indexes, before=below.last or None, count=below.size
    )
    return Seen(len(ids), ids[-1] if ids else 0, bool(has_more), ids)


def letters_of(hints: Hints) -> str | None:
    """The letters as a pattern of Lua that lets anything else stand between them."""
    return "[^%w]*".join((hints.letters or "")[:_LETTERS]) or None
