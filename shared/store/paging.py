"""Pages of a list: newest first, read from the indexes, or filtered by a search."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from redis.asyncio import Redis

from shared.schemas.base import Page, PageQuery
from shared.store import transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below, Seen


class _Row(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Row)
V = TypeVar("V")
Read = Callable[[Sequence[int]], Awaitable[list[T]]]
LookAt = Callable[[Below], Awaitable[Seen[Any]]]

SEARCH_LIMIT, FOUND_LIMIT = 10_000, 1_000
"""So many of the newest rows a search looks at, until it found so many: one caller cannot keep Redis busy."""
_CHUNK, _FEW = 250, 50
"""Rows a step of a search; after one of which so few may be looked for, two steps are one."""
_READ = 25
"""Rows a call: each may be large."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The source of a page: disjoint indexes, named below the prefix, and how their rows are read."""

    indexes: Sequence[str]
    read: Read[T]
    matches: Callable[[Any, str], bool] = lambda _row, _text: True
    look: LookAt | None = None
    """How a search reads rows, if there is a cheaper way: what `matches` is called with then."""
    is_filtered: bool = False
    """Whether `matches` is called even without a text to search for."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A search: through which disjoint indexes, how it looks at their rows, and which of them it finds."""

    indexes: Sequence[str]
    look: LookAt
    matches: Callable[[Any], bool]


async def read_page(redis: Redis, team: Team, listing: Listing[T], query: PageQuery) -> "Page[T]":
    """The page for `query`."""
    offset, looked_at = (query.page - 1) * query.per_page, None
    if query.search or listing.is_filtered:
        look, text = listing.look or by_ids(redis, team, listing.read), query.search or ""
        found, looked_at = await search(
            Walk(listing.indexes, look, lambda row: listing.matches(row, text)), FOUND_LIMIT
        )
        ids, total = found[offset : offset + query.per_page], len(found)
    else:
        total, ids = await transitions.page(redis, team, listing.indexes, offset=offset, count=query.per_page)
    rows: list[T] = []
    for start in range(0, len(ids), _READ):
        rows += await listing.read(ids[start : start + _READ])
    return _page(rows, total, query, looked_at)


def by_ids(redis: Redis, team: Team, read: Callable[[Sequence[int]], Awaitable[Sequence[Any]]]) -> LookAt:
    """A look at rows that are read by their ids."""

    async def look(below: Below) -> Seen[Any]:
        ids = await transitions.list_below(redis, team, below)
        return ids._replace(rows=await read(ids.rows) if ids.rows else [])

    return look


async def search(walk: Walk, most: int) -> tuple[list[int], int | None]:
    """The ids of the rows that match, and how many were looked at unless it was all; `most` are enough."""
    found: list[int] = []
    looked_at = last = 0
    size = _CHUNK
    while looked_at < SEARCH_LIMIT:
        seen = await walk.look(Below(walk.indexes, last, min(size, SEARCH_LIMIT - looked_at)))
        found += [row.id for row in seen.rows if walk.matches(row)]
        looked_at, last = looked_at + seen.size, seen.last
        if not seen.has_more:
            return found, None
        # Redis ends a step early where texts are long: the next one ends where that would have.
        left = -looked_at % _CHUNK
        if len(found) >= most and not left:
            break
        are_few = len(seen.rows) < _FEW and len(found) + _CHUNK < most
        size = left or (2 * _CHUNK if are_few else _CHUNK)
    return found, looked_at


def page_of(rows: Sequence[V], query: PageQuery) -> "Page[V]":
    """The page for `query` of rows that are all there."""
    offset = (query.page - 1) * query.per_page
    return _page(list(rows[offset : offset + query.per_page]), len(rows), query, None)


def _page(rows: list[Any], total: int, query: PageQuery, looked_at: int | None) -> Page[Any]:
    return Page(
        data=rows,
        current_page=query.page,
        last_page=max(1, math.ceil(total / query.per_page)),
        per_page=query.per_page,
        total=total,
        looked_at=looked_at,
    )
