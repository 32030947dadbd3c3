"""Queues as callers make, change, read and delete them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat
from shared.store.writes import OURS, Write

_SAVE_QUEUE = Function("save_queue")
_READ_QUEUES = Function("read_queues")
_DELETE_QUEUE = Function("delete_queue")


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
    return [StoredQueue(*row) for row in await _READ_QUEUES(redis, team.prefix, ids, team=team.id)]


async def delete_queue(
    redis: Redis, team: Team, *, queue: int, version: str | None = None, write: Write = OURS
) -> bool | None:
    """Delete a queue, of which nothing starts or is found from then on; whether there was one.

    None if it changed since it had the version.
    """
    deleted = await _DELETE_QUEUE(redis, team.prefix, write=write, team=team.id, queue=queue, version=version)
    return None if deleted == "stale" else bool(deleted)
