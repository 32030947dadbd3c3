"""Pages of a list: newest first, read from the indexes, or filtered by a search."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from redis.asyncio import Redis

from shared.schemas.base import Page, PageQuery
from shared.store import transitions
from shared.store.keyspace import Team


class _Row(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=_Row)
V = TypeVar("V")
Read = Callable[[Sequence[int]], Awaitable[list[T]]]

SEARCH_LIMIT, FOUND_LIMIT = 10_000, 1_000
"""So many of the newest rows a search looks at, until it found so many: one caller cannot keep Redis busy."""
_CHUNK = 250
_READ = 25
"""Rows a call: each may be large."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The source of a page: disjoint indexes, named below the prefix, and how their rows are read."""

    indexes: Sequence[str]
    read: Read[T]
    matches: Callable[[Any, str], bool] = lambda _row, _text: True
    look: Callable[[Sequence[int]], Awaitable[Sequence[Any]]] | None = None
    """How a search reads rows, if there is a cheaper way: what `matches` is called with then."""
    is_filtered: bool = False
    """Whether `matches` is called even without a text to search for."""


async def read_page(redis: Redis, team: Team, listing: Listing[T], query: PageQuery) -> "Page[T]":
    """The page for `query`."""
    offset, looked_at = (query.page - 1) * query.per_page, None
    if query.search or listing.is_filtered:
        found, looked_at = await search(redis, team, listing, query.search or "")
        ids, total = found[offset : offset + query.per_page], len(found)
    else:
        total, ids = await transitions.page(redis, team, listing.indexes, offset=offset, count=query.per_page)
    rows: list[T] = []
    for start in range(0, len(ids), _READ):
        rows += await listing.read(ids[start : start + _READ])
    return _page(rows, total, query, looked_at)


async def search(
    redis: Redis, team: Team, listing: Listing[T], text: str, most: int | None = None
) -> tuple[list[int], int | None]:
    """The ids of the rows that match, and how many were looked at unless it was all; `most` are enough.

    New rows may shift others to the next step, where they count once.
    """
    look = listing.look or listing.read
    seen: set[int] = set()
    found: list[int] = []
    for offset in range(0, SEARCH_LIMIT, _CHUNK):
        count = min(_CHUNK, SEARCH_LIMIT - offset)
        total, ids = await transitions.page(redis, team, listing.indexes, offset=offset, count=count)
        new = [each for each in ids if each not in seen]
        seen.update(new)
        found += [row.id for row in (await look(new) if new else []) if listing.matches(row, text)]
        if offset + count >= total:
            return found, None
        if len(found) >= (most or FOUND_LIMIT):
            return found, offset + count
    return found, SEARCH_LIMIT


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
