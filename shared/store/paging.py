"""Pages of a list: newest first, read from the indexes, or filtered by a search."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from redis.asyncio import Redis

from shared.schemas.base import OlderQuery, Page, PageQuery
from shared.store import transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below, Seen


class _Row(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Row)
V = TypeVar("V")
S = TypeVar("S")
Read = Callable[[Sequence[int]], Awaitable[list[T]]]
LookAt = Callable[[Below], Awaitable[Seen[Any]]]

SEARCH_LIMIT, FOUND_LIMIT = 10_000, 1_000
"""So many of the newest rows a search looks at, until it found so many: one caller cannot keep Redis busy."""
PAGE_LIMIT, PAGE_FOUND = 1_500, 200
"""The same for a page whose search can go on where it ended: its answer shall come within 50 ms."""
_CHUNK, _FEW = 100, 20
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
    below: int = 0
    """Only rows of lower ids; 0: all."""
    limit: int | None = None
    """At how many rows it looks at most; `SEARCH_LIMIT` without one."""


class Found(NamedTuple):
    """The ids of rows that match; unless it was all, how many were looked at, and the last one of them."""

    ids: list[int]
    looked_at: int | None = None
    looked_to: int | None = None


async def read_page(redis: Redis, team: Team, listing: Listing[T], query: PageQuery) -> "Page[T]":
    """The page for `query`."""
    offset, found = (query.page - 1) * query.per_page, Found([])
    before, limit, most = None, SEARCH_LIMIT, FOUND_LIMIT
    if isinstance(query, OlderQuery):
        before, limit, most = query.before, PAGE_LIMIT, PAGE_FOUND
    if query.search or listing.is_filtered or before:
        look, text = listing.look or by_ids(redis, team, listing.read), query.search or ""
        walk = Walk(listing.indexes, look, lambda row: listing.matches(row, text), before or 0, limit)
        found = await search(walk, most)
        ids, total = found.ids[offset : offset + query.per_page], len(found.ids)
    else:
        total, ids = await transitions.page(redis, team, listing.indexes, offset=offset, count=query.per_page)
    rows: list[T] = []
    for start in range(0, len(ids), _READ):
        rows += await listing.read(ids[start : start + _READ])
    return _page(rows, total, query, found)


def by_ids(redis: Redis, team: Team, read: Callable[[Sequence[int]], Awaitable[Sequence[Any]]]) -> LookAt:
    """A look at rows that are read by their ids."""

    async def look(below: Below) -> Seen[Any]:
        ids = await transitions.list_below(redis, team, below)
        return ids._replace(rows=await read(ids.rows) if ids.rows else [])

    return look


async def search(walk: Walk, most: int) -> Found:
    """The rows that match, newest first; `most` are enough."""
    found: list[int] = []
    looked_at, last, limit = 0, walk.below, walk.limit or SEARCH_LIMIT
    size = _CHUNK
    while looked_at < limit:
        seen = await walk.look(Below(walk.indexes, last, min(size, limit - looked_at)))
        found += [row.id for row in seen.rows if walk.matches(row)]
        looked_at, last = looked_at + seen.size, seen.last
        if not seen.has_more:
            return Found(found)
        # Redis ends a step early where texts are long: the next one ends where that would have.
        left = -looked_at % _CHUNK
        if len(found) >= most and not left:
            break
        are_few = len(seen.rows) < _FEW and len(found) + _CHUNK < most
        size = left or (2 * _CHUNK if are_few else _CHUNK)
    return Found(found, looked_at, last)


def page_of(rows: Sequence[V], query: PageQuery, shown: Callable[[V], S]) -> "Page[S]":
    """The page for `query` of rows that are all there, of which only those on it are made to be shown."""
    offset = (query.page - 1) * query.per_page
    data = [shown(row) for row in rows[offset : offset + query.per_page]]
    return _page(data, len(rows), query, Found([]))


def _page(rows: list[Any], total: int, query: PageQuery, found: Found) -> Page[Any]:
    return Page(
        data=rows,
        current_page=query.page,
        last_page=max(1, math.ceil(total / query.per_page)),
        per_page=query.per_page,
        total=total,
        looked_at=found.looked_at,
        next_before=found.looked_to if isinstance(query, OlderQuery) else None,
    )
