"""Executions of crons: made by hand, read, found by their moment."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.basics.hints import NOTHING, Hints
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_RUN = Function("run_cron")
_READ = Function("read_executions")
_FIND = Function("find_executions")
_LIST = Function("list_executions")
_LIST_OF_CRON = Function("list_of_cron")
_RELIST = Function("relist_executions")


class StoredExecution(NamedTuple):
    """An execution as it is stored, by its fields' names and values in turn."""

    id: str
    fields: Sequence[str]
    run: str | None = None
    """JSON."""


class ListedExecution(NamedTuple):
    """The same of any cron; only `state`, `cron` and `due` of its fields where no more was wanted."""

    id: str
    fields: Sequence[str]
    cron_name: str
    run: str | None = None


class FoundExecutions(NamedTuple):
    """Of a cron."""

    changes: Sequence[str]
    """Of its schedule, oldest first: a moment (ms), and how it fired from then on (JSON)."""
    executions: Sequence[StoredExecution]


async def run_cron(
    redis: Redis,
    team: Team,
    *,
    cron: int,
    version: str | None = None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredExecution | int:
    """Run it beside its schedule; 0 if there is no such cron, -1 if it waits for pings: it runs nothing.

    -2 if it changed since it had the version.
    """
    answer = await _RUN(
        redis, team.prefix, write=write, team=team.id, cron=cron, version=version, now_ms=now_ms
    )
    return answer if isinstance(answer, int) else StoredExecution(*answer)


async def read_executions(
    redis: Redis, team: Team, ids: Sequence[int], *, cron: int, most_bytes: int
) -> list[StoredExecution]:
    """Those of the cron that are there, with so many bytes of their runs (0 = any)."""
    rows = await _READ(redis, team.prefix, ids, team=team.id, cron=cron, most_bytes=most_bytes)
    return [StoredExecution(*row) for row in rows]


async def find_executions(
    redis: Redis, team: Team, *, cron: int, from_ms: int, to_ms: int, most: int
) -> FoundExecutions:
    """Those that stand for an instant in a range, about `most` of each state; and the cron's changes."""
    changes, rows = await _FIND(
        redis, team.prefix, team=team.id, cron=cron, from_ms=from_ms, to_ms=to_ms, most=most
    )
    return FoundExecutions(changes, [StoredExecution(*row) for row in rows])


async def list_executions(
    redis: Redis,
    team: Team,
    *,
    which: str,
    from_ms: int,
    to_ms: int,
    offset: int,
    count: int,
    most_bytes: int | None,
    searched: bool = False,
    hints: Hints = NOTHING,
) -> tuple[int, Sequence[ListedExecution], int]:
    """How many of all crons a list has in a range, so many of them, the latest moment first, and how many.

    `which` is "" for all, or `:failed`, `:skipped`, `:late`. With `most_bytes` they come whole, with so many
    bytes of their runs (0 = any); `searched` with what a search looks at instead, with that of runs or none.
    Of those whose run is not as the hints say only the last comes. Where runs are long, fewer are looked at.
    """
    total, rows, looked = await _LIST(
        redis,
        team.prefix,
        team=team.id,
        which=which,
        from_ms=from_ms,
        to_ms=to_ms,
        offset=offset,
        count=count,
        most_bytes=most_bytes,
        searched=searched,
        run_text=hints.run,
        run_place=hints.bounds.place,
        run_least=hints.bounds.least,
        run_most=hints.bounds.most,
    )
    return total, [ListedExecution(*row) for row in rows], looked


async def list_of_cron(
    redis: Redis, team: Team, states: Sequence[str], *, cron: int, from_ms: int, to_ms: int, most: int
) -> tuple[int, list[int]]:
    """The ids of a cron's in a range, the latest moment first, of `most` of each state that are looked at.

    Before them the moment (ms) at which the look ended; 0 if all were looked at.
    """
    ended, *ids = await _LIST_OF_CRON(
        redis, team.prefix, states, team=team.id, cron=cron, from_ms=from_ms, to_ms=to_ms, most=most
    )
    return ended, ids


async def read_listed(
    redis: Redis, team: Team, ids: Sequence[int], *, most_bytes: int
) -> Sequence[ListedExecution]:
    """These of any cron, whole."""
    _, rows, _ = await _LIST(redis, team.prefix, ids, team=team.id, most_bytes=most_bytes)
    return [ListedExecution(*row) for row in rows]


async def look_at_executions(
    redis: Redis, team: Team, ids: Sequence[int], *, most_bytes: int | None, hints: Hints = NOTHING
) -> Sequence[ListedExecution]:
    """What a search looks at of these, with so many bytes of their runs, or without them.

    Of those whose run is not as the hints say some may be left out.
    """
    found = list[ListedExecution]()
    while ids:
        _, rows, looked = await _LIST(
            redis,
            team.prefix,
            ids,
            team=team.id,
            most_bytes=most_bytes,
            searched=True,
            run_text=hints.run,
            run_place=hints.bounds.place,
            run_least=hints.bounds.least,
            run_most=hints.bounds.most,
        )
        found += [ListedExecution(*row) for row in rows]
        ids = ids[looked:]
    return found


async def relist_executions(
    redis: Redis, team: Team, *, index: str, cursor: str, count: int
) -> tuple[str, Sequence[int]]:
    """Hold the team's lists against the records of an index; the cursor to go on from, and what was wrong."""
    after, ids = await _RELIST(redis, team.prefix, team=team.id, index=index, cursor=cursor, count=count)
    return after, [int(one) for one in ids]
