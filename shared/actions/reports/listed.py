"""What a caller can see of the executions of all crons, and of their fires to come, as one list."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from anyio import to_thread
from redis.asyncio import Redis

from shared import clock
from shared.actions import executions
from shared.actions.reports import coming
from shared.actions.reports.coming import Crons, Fire
from shared.actions.searches import executions as searches
from shared.actions.searches.executions import Look
from shared.errors import Invalid
from shared.operations import Call
from shared.schedule import ahead
from shared.schemas import instants
from shared.schemas.crons import ExecutionStatus
from shared.schemas.reports.executions import ListedExecution, ListedExecutions, ListedFilter, ListedQuery
from shared.store import moments, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.stored import LIST_BYTES

MOST_WALKED = 5_000
"""Executions of one list where each has to be looked at, so that one caller cannot keep Redis busy."""
MOST_LOOKED_AT = 1_500
"""The same of a search, which can go on where it ended."""
MOST_OF_CRON = 2_000
"""The same of each state of one cron, in one look."""
MOST_COMING = 10_000
OPEN = (ExecutionStatus.PENDING, ExecutionStatus.PROCESSING)
_STEP, _AT_ONCE, _READ = 200, 67, 25
"""Executions of a look, those of them that a call reads, and those that one reads whole."""
_LISTS = {ListedFilter.FAILED: ":failed", ListedFilter.SKIPPED: ":skipped", ListedFilter.LATE: ":late"}
"""What has a list of its own; all others are in that of all."""
_FOUND_IN = {ListedFilter.FAILED: ("reason",), ListedFilter.SKIPPED: ("skip",)}
"""By what is found by these keys of a search, too."""
_USUAL = timedelta(days=1)


class Part(NamedTuple):
    """So many rows of a list, from that one on."""

    offset: int
    size: int


class _Found(NamedTuple):
    """So many in all, the ids of a page, and from when on that is all, if not from the beginning on."""

    total: int
    ids: Sequence[int]
    looked_from: datetime | None = None
    looked_at: int | None = None
    """So many, if a search did not look at all."""


class _Ahead(NamedTuple):
    """Fires to come of a page, the last one first; how many there are; and the last one looked at of more."""

    total: int
    fires: Sequence[Fire]
    looked_to: datetime | None = None


async def page(call: Call, query: ListedQuery) -> ListedExecutions:
    redis, team = call.redis, call.team
    if query.cron_id is not None and not await redis.exists(f"{team.prefix}c:{team.id}:{query.cron_id}"):
        raise Invalid("cron_id", "The cron_id field must be the id of a cron, as GET /api/crons has it.")
    look = await searches.understood(redis, team, query.q)
    now = await moments.now(redis, team.shard)
    to = query.to or (now + _USUAL if query.filter is ListedFilter.DUE else now)
    first = (query.page - 1) * query.per_page
    coming_up = await _ahead(call, query, look, (now, to), Part(first, query.per_page))
    shown = [_to_come(fire) for fire in coming_up.fires]
    found = _Found(0, ())
    if query.filter is not ListedFilter.DUE:
        part = Part(max(0, first - coming_up.total), query.per_page - len(shown))
        found = await _made(look, _narrowed(query, look), to, part)
    shown += await _read(redis, team, found.ids)
    total = coming_up.total + found.total
    return ListedExecutions(
        data=shown,
        current_page=query.page,
        last_page=max(1, math.ceil(total / query.per_page)),
        per_page=query.per_page,
        total=total,
        looked_at=found.looked_at,
        to=to,
        looked_from=found.looked_from,
        looked_to=coming_up.looked_to,
    )


async def _ahead(
    call: Call, query: ListedQuery, look: Look, between: tuple[datetime, datetime], part: Part
) -> _Ahead:
    now, to = between
    if query.filter not in (ListedFilter.DUE, ListedFilter.ALL) or to <= now:
        return _Ahead(0, ())
    if to > now + coming.MOST_AHEAD:
        raise Invalid("to", f"The to field must be at most {coming.MOST_AHEAD.days} days ahead.")
    crons = await coming.read(call.redis, call.team, query.cron_id)
    wanted = query.from_ or crons.now, to + timedelta.resolution
    if look.is_for_something:
        kept, latest = await to_thread.run_sync(_one_by_one, crons, wanted, limiter=coming.THREAD)
        await look.know(fire.cron.id for fire in kept)
        return _page_of([fire for fire in kept if look.finds_fire(fire.cron.id, fire.at)], part, latest)
    return await to_thread.run_sync(_part_of, crons, wanted, part, limiter=coming.THREAD)


def _part_of(crons: Crons, between: tuple[datetime, datetime], part: Part) -> _Ahead:
    """Of the fires between two moments, and of the earliest from now on that are looked at."""
    since, until = between
    if not ahead.are_as_planned(crons.groups):
        kept, latest = _one_by_one(crons, between)
        return _page_of(kept, part, latest)
    found = ahead.counted(coming.DAYS, crons.groups, crons.now, until, MOST_COMING)
    total = min(found.total, MOST_COMING)
    before = ahead.counted(coming.DAYS, crons.groups, crons.now, min(since, until), MOST_COMING).total
    last = total - part.offset
    made = ahead.part(coming.DAYS, crons.groups, found, max(before, last - part.size), last)
    fires = [Fire(cron, at, ahead.fire_before(cron, at) or crons.now) for at, cron in reversed(made)]
    if found.total == total:
        return _Ahead(max(0, total - before), fires)
    ((latest, _),) = ahead.part(coming.DAYS, crons.groups, found, total - 1, total)
    return _Ahead(max(0, total - before), fires, latest)


def _one_by_one(crons: Crons, between: tuple[datetime, datetime]) -> tuple[list[Fire], datetime | None]:
    """The fires, earliest first; and the last one looked at, if there are more."""
    since, until = between
    found = coming.fires_until(crons, until, MOST_COMING + 1)
    latest = found[MOST_COMING - 1].at if len(found) > MOST_COMING else None
    return [fire for fire in found[:MOST_COMING] if fire.at >= since], latest


def _page_of(kept: Sequence[Fire], part: Part, latest: datetime | None) -> _Ahead:
    return _Ahead(len(kept), kept[::-1][part.offset : part.offset + part.size], latest)


def _narrowed(query: ListedQuery, look: Look) -> ListedQuery:
    """With a shorter list that has all that its search finds: that gets further back."""
    if query.filter is not ListedFilter.ALL:
        return query
    statuses = look.wanted.only("status")
    for only, keys in _FOUND_IN.items():
        if statuses == frozenset((only.value,)) or any(look.wanted.only(key) is not None for key in keys):
            return query.model_copy(update={"filter": only})
    return query


async def _made(look: Look, query: ListedQuery, to: datetime, part: Part) -> _Found:
    """The executions of a part of the list."""
    if query.cron_id is None and query.filter is not ListedFilter.COMPLETED and not look.is_for_something:
        total, rows = await _rows(look, query, to, part)
        return _Found(total, [int(row.id) for row in rows])
    if query.cron_id is None or query.filter is ListedFilter.LATE:
        return await _walked(look, query, to, part)
    from_ms, to_ms = _span(query, to)
    states = list(ExecutionStatus) if query.filter is ListedFilter.ALL else [query.filter.value]
    ended, ids = await transitions.list_of_cron(
        look.redis, look.team, states, cron=query.cron_id, from_ms=from_ms, to_ms=to_ms, most=MOST_OF_CRON
    )
    looked_from, looked_at = (clock.moment(ended), len(ids)) if ended else (None, None)
    if not look.is_for_something:
        return _Found(len(ids), _chosen(ids, part), looked_from)
    found = list[int]()
    for start in range(0, len(ids), _STEP):
        found += [row.id for row in await look.read(ids[start : start + _STEP]) if look.wanted.finds(row)]
    return _Found(len(found), _chosen(found, part), looked_from, looked_at)


def _chosen(ids: Sequence[int], part: Part) -> Sequence[int]:
    return ids[part.offset : part.offset + part.size]


async def _walked(look: Look, query: ListedQuery, to: datetime, part: Part) -> _Found:
    """The same where each execution has to be looked at: as many as the page needs, or as may be."""
    found, seen, others, total, last = list[int](), set[int](), 0, 0, to
    for offset in range(0, MOST_LOOKED_AT if look.is_for_something else MOST_WALKED, _STEP):
        total, rows = await _rows(look, query, to, Part(offset, _STEP))
        new = [(row, records.fields_of(row.fields)) for row in rows if int(row.id) not in seen]
        seen.update(int(row.id) for row, _ in new)
        fitting = [row for row, fields in new if _is_wanted(query, fields)]
        others += sum(fields["state"] in OPEN for _, fields in new)
        found += await _found_among(look, fitting)
        last = (Reader().instant(new[-1][1], "due") if new else None) or last
        if offset + _STEP >= total:
            return _Found(len(found), _chosen(found, part))
        if look.is_for_something:
            if len(found) >= paging.PAGE_FOUND:
                return _Found(len(found), _chosen(found, part), last, offset + _STEP)
        elif query.filter is ListedFilter.COMPLETED and len(found) >= part.offset + part.size:
            total -= await _count_of_others(look, query, to) + others
            return _Found(total, _chosen(found, part))
    looked_at = MOST_LOOKED_AT if look.is_for_something else None
    return _Found(len(found), _chosen(found, part), last, looked_at)


async def _found_among(look: Look, rows: Sequence[transitions.ListedExecution]) -> list[int]:
    if not look.is_for_something:
        return [int(row.id) for row in rows]
    return [row.id for row in await look.at(rows) if look.wanted.finds(row)]


async def _count_of_others(look: Look, query: ListedQuery, to: datetime) -> int:
    """How many of a range failed or were skipped."""
    counts = [
        (await _rows(look, query.model_copy(update={"filter": one}), to, Part(0, 0)))[0]
        for one in (ListedFilter.FAILED, ListedFilter.SKIPPED)
    ]
    return sum(counts)


def _is_wanted(query: ListedQuery, fields: Mapping[str, str]) -> bool:
    if query.cron_id is not None and fields["cron"] != str(query.cron_id):
        return False
    return query.filter is not ListedFilter.COMPLETED or fields["state"] == ExecutionStatus.COMPLETED


async def _rows(
    look: Look, query: ListedQuery, to: datetime, part: Part
) -> tuple[int, Sequence[transitions.ListedExecution]]:
    """How many the list of the filter has in the range, and what a part of it is filtered by."""
    from_ms, to_ms = _span(query, to)
    found, looked = list[transitions.ListedExecution](), 0
    while True:
        total, rows, size = await transitions.list_executions(
            look.redis,
            look.team,
            which=_LISTS.get(query.filter, ""),
            from_ms=from_ms,
            to_ms=to_ms,
            offset=part.offset + looked,
            count=min(_AT_ONCE, part.size - looked),
            most_bytes=look.most_bytes,
            searched=look.is_for_something,
            hints=look.hints,
        )
        found, looked = [*found, *rows], looked + size
        if not size or looked >= min(part.size, total - part.offset):
            return total, found


def _span(query: ListedQuery, to: datetime) -> tuple[int, int]:
    return clock.milliseconds(query.from_ or instants.FIRST), clock.milliseconds(to)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[ListedExecution]:
    rows = list[transitions.ListedExecution]()
    for start in range(0, len(ids), _READ):
        chosen = ids[start : start + _READ]
        rows += await transitions.read_listed(redis, team, chosen, most_bytes=LIST_BYTES)
    return records.each("execution", rows, _shown)


def _shown(execution_id: str, flat: Sequence[str], cron_name: str, run: str | None = None) -> ListedExecution:
    made = executions.excerpt(execution_id, flat, run)
    return ListedExecution(
        cron_id=made.cron_id,
        cron_name=cron_name,
        status=made.status,
        scheduled_at=made.scheduled_at,
        execution=made,
        coming=None,
    )


def _to_come(fire: Fire) -> ListedExecution:
    return ListedExecution(
        cron_id=fire.cron.id,
        cron_name=fire.cron.name,
        status=ListedFilter.DUE,
        scheduled_at=fire.at,
        execution=None,
        coming=fire.shown,
    )
