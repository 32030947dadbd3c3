"""Lists of crons in another order than they were made in, and how many there are of each kind."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from shared.actions import cron_records, crons
from shared.actions.searches import crons as searches
from shared.actions.searches import looks
from shared.actions.searches.looks import LookedCron
from shared.basics import words
from shared.schemas.crons import CronFilter, CronMode, CronQuery, CronSort
from shared.schemas.reports.crons import CronCounts, CronPage
from shared.store import paging
from shared.store.keyspace import Team
from shared.store.transitions import Below

_STEP, _READ = 150, 25
"""Crons a look, and crons that are read whole by one call: each may be large."""


async def page(redis: Redis, team: Team, query: CronQuery, maker: str | None = None) -> CronPage:
    """Crons in the order that is wanted; raises Invalid for a search that cannot be understood."""
    if query.sort is CronSort.NEWEST:
        return CronPage(**dict(await crons.page(redis, team, query, maker)))
    wanted = await searches.understood(redis, team, query.q)
    seen, looked_at = await _all(redis, team, is_brief=not any(term.key for term in wanted.terms))
    text = query.search or ""
    found = [
        cron
        for cron in await looks.named(redis, team, wanted, seen)
        if _is_in(cron, query.filter)
        and (not text or words.contains(text, cron.name, cron.url))
        and wanted.finds(cron)
    ]
    found.sort(key=_KEYS[query.sort])
    offset = (query.page - 1) * query.per_page
    ids = [cron.id for cron in found[offset : offset + query.per_page]]
    rows = []
    for start in range(0, len(ids), _READ):
        rows += await cron_records.rows(redis, team, ids[start : start + _READ], maker)
    return CronPage(
        data=rows,
        current_page=query.page,
        last_page=max(1, math.ceil(len(found) / query.per_page)),
        per_page=query.per_page,
        total=len(found),
        looked_at=looked_at,
        counts=_counts(seen),
    )


async def _all(redis: Redis, team: Team, *, is_brief: bool) -> tuple[list[LookedCron], int | None]:
    """All crons, the newest first; and how many were looked at, if there are more than a search looks at."""
    everything = await searches.understood(redis, team, None)
    indexes = [f"x:{team.id}:crons:{state}" for state in (CronFilter.ACTIVE, CronFilter.PAUSED)]
    found: list[LookedCron] = []
    size = last = 0
    while size < paging.SEARCH_LIMIT:
        below = Below(indexes, last, min(_STEP, paging.SEARCH_LIMIT - size))
        seen = await looks.crons(redis, team, below, everything, is_brief=is_brief)
        found += seen.rows
        size, last = size + seen.size, seen.last
        if not seen.has_more:
            return found, None
    return found, size


def _is_in(cron: LookedCron, wanted: CronFilter) -> bool:
    return wanted is CronFilter.ALL or cron.is_active == (wanted is CronFilter.ACTIVE)


def _counts(seen: Sequence[LookedCron]) -> CronCounts:
    return CronCounts(
        all=len(seen),
        failing=sum(cron.consecutive_failures > 0 for cron in seen),
        paused=sum(not cron.is_active for cron in seen),
        ended=sum(cron.has_ended for cron in seen),
        heartbeats=sum(cron.mode == CronMode.HEARTBEAT for cron in seen),
    )


_KEYS: dict[CronSort, Callable[[LookedCron], Any]] = {
    CronSort.ATTENTION: lambda cron: (not cron.consecutive_failures, not cron.is_active, -cron.id),
    CronSort.NEXT_RUN: lambda cron: (cron.next_ms or math.inf, -cron.id),
    CronSort.NAME: lambda cron: (cron.name.casefold(), cron.id),
}
