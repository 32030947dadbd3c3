"""Queues as callers make, change, read and delete them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.idempotency import IdempotencyKey
from shared.keyspace import Team
from shared.transitions.functions import Function

_SAVE_QUEUE = Function("save_queue")
_READ_QUEUES = Function("read_queues")
_DELETE_QUEUE = Function("delete_queue")


class QueueRow(NamedTuple):
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
    settings: str,
    is_active: bool,
    max_parallelism: int | None,
    rate_count: int | None,
    rate_ms: int | None,
    weight: int,
    dlq_days: int,
    alerts: bool,
    queue_id: int | None = None,
    version: str | None = None,
    now_ms: int | None = None,
    key: IdempotencyKey | None = None,
) -> QueueRow | Literal["taken", "stale"]:
    """Make a queue, or change the one of that id if it still has that version; as it is then.

    `settings` is all of it as JSON, of which the Lua reads what it is given beside that: at most
    `rate_count` starts in `rate_ms`, dead letters kept for so many days, whether failures alert. "taken" if
    another queue has the name, "stale" if this one changed or went since it was read.
    """
    saved = await _SAVE_QUEUE(
        redis,
        team.prefix,
        key=key,
        team=team.id,
        queue_id=queue_id,
        version=version,
        name=name,
        settings=settings,
        is_active=is_active,
        max_parallelism=max_parallelism,
        rate_count=rate_count,
        rate_ms=rate_ms,
        weight=weight,
        dlq_days=dlq_days,
        alerts=alerts,
        now_ms=now_ms,
    )
    answer: QueueRow | Literal["taken", "stale"]
    answer = saved if saved in ("taken", "stale") else QueueRow(*saved)
    return answer


async def read_queues(redis: Redis, team: Team, ids: Sequence[int]) -> list[QueueRow]:
    """Those that are there."""
    return [QueueRow(*row) for row in await _READ_QUEUES(redis, team.prefix, ids, team=team.id)]


async def delete_queue(redis: Redis, team: Team, *, queue_id: int, key: IdempotencyKey | None = None) -> bool:
    """Delete a queue, of which nothing starts or is found from then on; whether there was one."""
    return bool(await _DELETE_QUEUE(redis, team.prefix, key=key, team=team.id, queue_id=queue_id))
