"""Crons: saved, read, deleted, pinged."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from redis.asyncio import Redis

from shared.basics.hints import Hints
from shared.store.keyspace import Team
from shared.store.transitions.fires import Owed
from shared.store.transitions.functions import SEPARATOR, Function, Read, flat
from shared.store.transitions.lists import Below, Seen, letters_of
from shared.store.writes import OURS, Write

_SAVE = Function("save_cron")
_READ = Function("read_crons")
_LIST = Function("list_crons")
_LOOK = Function("look_at_crons")
_FIND = Function("find_cron")
_DELETE = Function("delete_cron")
_PING = Function("ping_cron")
_STALE = "stale"


class CronFields(NamedTuple):
    """What is stored of a cron that callers have a say in; what it has not is empty."""

    spec: str
    """JSON."""
    is_active: int
    expression: str
    timezone: str
    callback: str
    """1 if it has one."""
    alert_threshold: int | str
    name: str
    timing: str
    """JSON."""
    overlap: str
    max_runs: int | str
    offset_seconds: int
    phase: int
    """What its offset comes from."""
    grace_ms: int | str
    """Of one that waits for pings."""
    pause_after: int | str
    """Failures in a row that pause it."""
    labels: str
    """JSON, for its alerts."""


class StoredCron(NamedTuple):
    """A cron as it is stored, by its fields' names and values in turn."""

    id: str
    fields: Sequence[str]


class SeenCron(NamedTuple):
    """A cron as a search looks at it; what it has not is empty."""

    id: str
    is_active: str = ""
    created: str = ""
    next: str = ""
    failures: str = ""
    alerted: str = ""
    key: str = ""
    by: str = ""
    spec: str = ""
    """JSON."""

    @classmethod
    def of(cls, text: str) -> Self:
        """As the script writes it."""
        return cls(*text.split(SEPARATOR, len(cls._fields) - 1))


class SavedCron(NamedTuple):
    """A `StoredCron`, and what the answer says beside (JSON)."""

    id: str
    fields: Sequence[str]
    warnings: str


class WhichCron(NamedTuple):
    """That one, as it was read; or a new one, which may have a key of the caller's own if no other has it."""

    id: int | None = None
    version: str | None = None
    key: str | None = None


class OfKey(NamedTuple):
    """The id of the cron that has the key already."""

    cron: int


class Pinged(NamedTuple):
    """What a ping did."""

    after: int = 0
    """The execution after which to go on; 0 if that was all."""
    counts_for_ms: int = 0
    """The fire to come that it counts for; 0 if none."""
    next_ms: int = 0
    """Of one that ended nothing the next fire; 0 if none."""
    taken_from_ms: int = 0
    """From when on that takes pings."""


async def save_cron(
    redis: Redis,
    team: Team,
    fields: CronFields,
    owed: Owed,
    *,
    which: WhichCron,
    keeps_next: bool,
    next_ms: int | None,
    secret: str | None,
    change: str,
    warnings: str,
    now_ms: int | None = None,
    write: Write = OURS,
) -> SavedCron | OfKey | None:
    """Make a cron, or change that one; None if it is another than was read, or more is due by now.

    Unless it `keeps_next`, what it owes is made first. `secret` is for pings of a new one, `change` (JSON)
    for the log of its schedule.
    """
    answer = await _SAVE(
        redis,
        team.prefix,
        (*fields, *flat(owed.fires)),
        write=write,
        team=team.id,
        cron=which.id,
        version=which.version,
        key=which.key,
        keeps_next=keeps_next,
        next_ms=next_ms,
        known_next=owed.known_next,
        not_due_ms=owed.not_due_ms,
        fired_until_ms=owed.fired_until_ms,
        secret=secret,
        change=change,
        warnings=warnings,
        now_ms=now_ms,
    )
    return _saved(answer)


def _saved(answer: Any) -> SavedCron | OfKey | None:
    if answer == _STALE:
        return None
    return OfKey(int(*answer)) if len(answer) == 1 else SavedCron(*answer)


async def find_cron(redis: Redis, team: Team, *, key: str) -> int | None:
    """The id of the cron of the key; None if there is none, or if all keys were lost."""
    found = await _FIND(redis, team.prefix, team=team.id, key=key)
    return int(found) if found else None


async def read_crons(redis: Redis, team: Team, ids: Sequence[int]) -> tuple[int, list[StoredCron]]:
    """Now (ms), and those that are there."""
    return await reading_crons(team, ids).run(redis)


def reading_crons(team: Team, ids: Sequence[int]) -> Read[tuple[int, list[StoredCron]]]:
    return Read.given(_READ, _crons_of, team.prefix, ids, team=team.id)


def _crons_of(answer: tuple[int, Sequence[Sequence[Any]]]) -> tuple[int, list[StoredCron]]:
    now_ms, rows = answer
    return now_ms, _rows_of(rows)


async def list_crons(redis: Redis, team: Team, ids: Sequence[int], *, most_bytes: int) -> list[StoredCron]:
    """Those that are there, with so many bytes of the spec."""
    return await reading_list(team, ids, most_bytes=most_bytes).run(redis)


def reading_list(team: Team, ids: Sequence[int], *, most_bytes: int) -> Read[list[StoredCron]]:
    given = {"team": team.id, "most_bytes": most_bytes}
    return Read.given(_LIST, _rows_of, team.prefix, ids, **given)


def _rows_of(rows: Sequence[Sequence[Any]]) -> list[StoredCron]:
    return [StoredCron(*row) for row in rows]


async def look_at_crons(
    redis: Redis,
    team: Team,
    which: Below | Sequence[int],
    hints: Hints,
    *,
    most_bytes: int,
    is_brief: bool = False,
) -> Seen[str]:
    """What a search looks at, of those crons that may be what it looks for: the next ones, or these.

    Each as the text of a `SeenCron`; `is_brief`: only its spec, and by what lists are sorted.
    """
    below = which if isinstance(which, Below) else None
    size, last, has_more, rows = await _LOOK(
        redis,
        team.prefix,
        which.indexes if isinstance(which, Below) else which,
        team=team.id,
        before=below and (below.last or None),
        count=below and below.size,
        most_bytes=most_bytes,
        is_brief=is_brief,
        letters=letters_of(hints),
        text=hints.text,
    )
    return Seen(size, last, bool(has_more), rows)


async def delete_cron(
    redis: Redis, team: Team, *, cron: int, version: str | None = None, write: Write = OURS
) -> bool | None:
    """Whether there was such a cron; it fires no more. None if it changed since it had the version."""
    deleted = await _DELETE(redis, team.prefix, write=write, team=team.id, cron=cron, version=version)
    return None if deleted == _STALE else bool(deleted)


async def ping_cron(
    redis: Redis,
    team: Team,
    *,
    cron: str,
    secret: str,
    kind: str,
    said: str,
    reason: str | None = None,
    failure: str | None = None,
    after: int = 0,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> Pinged | None:
    """Note what a ping said (complete, fail, start or log); None if there is no such cron, or another secret.

    `reason` and `failure` (JSON) are why it failed: what it is alike in, and what its run shows.
    """
    answer = await _PING(
        redis,
        team.prefix,
        write=write,
        step=step,
        team=team.id,
        cron=cron,
        secret=secret,
        kind=kind,
        reason=reason,
        failure=failure,
        said=said,
        after=after,
        now_ms=now_ms,
    )
    return Pinged(*answer) if answer else None
