"""Pages of a list: newest first, straight from the indexes, or searched."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis

from shared import scripts
from shared.keyspace import Team
from shared.schemas.base import Page, PageQuery

T = TypeVar("T")
Read = Callable[[Sequence[int]], Awaitable[list[T]]]

SEARCH_LIMIT = 10_000
"""A search looks at so many of the newest rows, so that one caller cannot keep Redis busy."""
_CHUNK = 500


async def read_page(
    redis: Redis,
    team: Team,
    indexes: Sequence[str],
    query: PageQuery,
    read: Read[T],
    *,
    matches: Callable[[T, str], bool] = lambda _row, _text: True,
) -> Page[T]:
    """The page that `query` asks for; `indexes` are disjoint and named below the shard's prefix."""
    offset = (query.page - 1) * query.per_page
    if query.search:
        found = await _search(redis, team, indexes, read, lambda row: matches(row, query.search or ""))
        return _page(found[offset : offset + query.per_page], len(found), query)
    total, *ids = await scripts.page(redis, team.prefix, offset, query.per_page, *indexes)
    return _page(await read(ids) if ids else [], total, query)


async def _search(
    redis: Redis, team: Team, indexes: Sequence[str], read: Read[T], wanted: Callable[[T], bool]
) -> list[T]:
    found: list[T] = []
    for offset in range(0, SEARCH_LIMIT, _CHUNK):
        _, *ids = await scripts.page(redis, team.prefix, offset, _CHUNK, *indexes)
        found += [row for row in (await read(ids) if ids else []) if wanted(row)]
        if len(ids) < _CHUNK:
            break
    return found


def _page(rows: list[T], total: int, query: PageQuery) -> Page[Any]:
    return Page(
        data=rows,
        current_page=query.page,
        last_page=max(1, math.ceil(total / query.per_page)),
        per_page=query.per_page,
        total=total,
    )


def contains(text: str, *places: str) -> bool:
    """Whether one of `places` contains `text`, whatever the case."""
    return any(text.casefold() in place.casefold() for place in places)
