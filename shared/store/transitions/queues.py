"""Queues as callers make, change, read and delete them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, Read, flat
from shared.store.writes import OURS, Write

_SAVE_QUEUE = Function("save_queue")
_READ_QUEUES = Function("read_queues")
_DELETE_QUEUE = Function("delete_queue")
_PAUSE_KEY = Function("pause_key")
_READ_KEYS = Function("read_keys")
_MANY: Literal["many"] = "many"


class StoredQueue(NamedTuple):
    """A queue as it is stored: its fields are name, value, …; and how many of its jobs are in each state."""

    id: str
    fields: Sequence[str]
    pending: int
    processing: int
    completed: int
    failed: int
    retrying: int
    dead_lettered: int


class StoredKey(NamedTuple):
    """A key of a queue: how many of its jobs wait for their turn, and how many are in flight."""

    name: str
    waiting: int
    in_flight: int
    is_paused: bool


async def save_queue(
    redis: Redis,
    team: Team,
    *,
    name: str,
    spec: str,
    is_active: bool,
    settings: Mapping[str, str | int | None],
    queue: int | None = None,
    version: str | None = None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredQueue | Literal["taken", "stale"]:
    """Make a queue, or change that one if it still has the version; as it is then.

    `spec` is all its settings (JSON), `settings` what transitions decide by, under the names of its record.
    "taken" if another queue has the name, "stale" if this one changed or went since it was read.
    """
    saved = await _SAVE_QUEUE(
        redis,
        team.prefix,
        flat(settings.items()),
        write=write,
        team=team.id,
        name=name,
        spec=spec,
        is_active=is_active,
        queue=queue,
        version=version,
        now_ms=now_ms,
    )
    answer: StoredQueue | Literal["taken", "stale"]
    answer = saved if saved in ("taken", "stale") else StoredQueue(*saved)
    return answer


async def read_queues(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredQueue]:
    """Those that are there."""
    return await reading_queues(team, ids).run(redis)


def reading_queues(team: Team, ids: Sequence[int]) -> Read[list[StoredQueue]]:
    return Read.given(
        _READ_QUEUES, lambda rows: [StoredQueue(*row) for row in rows], team.prefix, ids, team=team.id
    )


async def delete_queue(
    redis: Redis, team: Team, *, queue: int, version: str | None = None, write: Write = OURS
) -> bool | None:
    """Delete a queue, of which nothing starts or is found from then on; whether there was one.

    None if it changed since it had the version.
    """
    deleted = await _DELETE_QUEUE(redis, team.prefix, write=write, team=team.id, queue=queue, version=version)
    return None if deleted == "stale" else bool(deleted)


async def pause_key(
    redis: Redis, team: Team, *, queue: int, key: str, is_paused: bool, write: Write = OURS
) -> StoredKey | Literal["many"] | None:
    """Pause a key, or let it go on: as it is then; None without the queue, "many" if too many are paused."""
    row = await _PAUSE_KEY(
        redis, team.prefix, write=write, team=team.id, queue=queue, key=key, is_paused=is_paused
    )
    if row == _MANY:
        return _MANY
    return _key(*row) if row else None


async def read_keys(
    redis: Redis, team: Team, *, queue: int, first: int, most: int
) -> tuple[int, list[StoredKey]] | None:
    """How many keys the queue has, and so many of them by name; None without such a queue."""
    found = await _READ_KEYS(redis, team.prefix, team=team.id, queue=queue, first=first, most=most)
    return (found[0], [_key(*row) for row in found[1]]) if found else None


def _key(name: str, waiting: int, in_flight: int, is_paused: int) -> StoredKey:
    return StoredKey(name, waiting, in_flight, bool(is_paused))
