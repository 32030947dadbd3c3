"""What a caller can do to queues."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared import clock, keyspace, pages, records, scripts, words
from shared.errors import Conflict, Invalid, NotFound
from shared.keyspace import Team
from shared.records import Fields
from shared.schemas.base import Page, PageQuery
from shared.schemas.queues import Queue, QueueCounts, QueueCreate, QueueSettings, QueueUpdate

_NAMES, _TOLD = 1000, 5
"""How many names a wrong one is compared with, and how many are told if it is like none."""


async def create(redis: Redis, team: Team, asked: QueueCreate) -> Queue:
    return await get(redis, team, await _save(redis, team, asked))


async def get(redis: Redis, team: Team, queue_id: int) -> Queue:
    found = await _read(redis, team, [queue_id])
    if not found:
        raise NotFound("Queue")
    return _queue(*found[0])


async def id_of(redis: Redis, team: Team, name: str) -> int:
    """The id of the queue of that name; raises Invalid, with a name that was probably meant."""
    found = await redis.hget(keyspace.queue_names(team), name)  # type: ignore[misc]
    if found is not None:
        return int(found)
    _, known = await redis.hscan(keyspace.queue_names(team), count=_NAMES)
    near = words.nearest(name, known)
    there = (
        f"did you mean {near}?" if near else f"there are {', '.join(sorted(known)[:_TOLD]) or 'none yet'}."
    )
    raise Invalid("queue", f"The queue field names no queue of this team; {there}")


async def page(redis: Redis, team: Team, query: PageQuery) -> Page[Queue]:
    async def read(ids: Sequence[int]) -> list[Queue]:
        return [_queue(*row) for row in await _read(redis, team, ids)]

    listing = pages.Listing(
        [f"x:{team.id}:queues"], read, matches=lambda queue, text: words.contains(text, queue.name)
    )
    return await pages.read_page(redis, team, listing, query)


async def update(redis: Redis, team: Team, queue_id: int, asked: QueueUpdate) -> Queue:
    """Change the given fields; they hold for waiting jobs too, from the next claim on."""
    changes = asked.model_dump(exclude_unset=True)
    for _ in range(5):
        found = await _read(redis, team, [queue_id])
        if not found:
            raise NotFound("Queue")
        _, fields, _ = found[0]
        settings = QueueSettings.model_validate_json(fields["spec"], extra="ignore").model_dump()
        wanted = QueueCreate.model_validate({**settings, "name": fields["name"], **changes})
        if await _save(redis, team, wanted, queue_id, fields["version"]):
            return await get(redis, team, queue_id)
    raise Conflict("The queue is being changed by others; try again.")


async def delete(redis: Redis, team: Team, queue_id: int) -> None:
    """Delete a queue with its jobs; nothing of it starts any more once this returns."""
    if not await scripts.delete_queue(redis, team.prefix, team.id, queue_id):
        raise NotFound("Queue")


async def _save(
    redis: Redis, team: Team, asked: QueueCreate, queue_id: int | None = None, version: str = ""
) -> int:
    """The queue's id, or 0 if it changed since `version` was read."""
    limit = asked.rate_limit
    saved = await scripts.save_queue(
        redis,
        team.prefix,
        team.id,
        "",
        queue_id or "",
        version,
        asked.name,
        asked.model_dump_json(exclude={"name"}),
        int(asked.is_active),
        asked.max_parallelism or "",
        limit.count if limit else "",
        limit.per_seconds * 1000 if limit else "",
        asked.weight,
        asked.dlq_retention_days,
        "1" if asked.alerts_enabled else "",
    )
    if saved == "taken":
        raise Invalid("name", "The name field must be unique: another queue of the team has it.")
    return 0 if saved == "stale" else int(saved)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[tuple[int, Fields, list[int]]]:
    rows = await scripts.read_queues(redis, team.prefix, team.id, *ids)
    return [(int(queue_id), records.fields_of(flat), counts) for queue_id, flat, *counts in rows]


def _queue(queue_id: int, fields: Fields, counts: list[int]) -> Queue:
    settings = QueueSettings.model_validate_json(fields["spec"], extra="ignore")
    pending, processing, completed, failed, retrying, dead_lettered = counts
    return Queue(
        id=queue_id,
        name=fields["name"],
        **settings.model_dump(),
        created_at=clock.moment(fields["created"]),
        counts=QueueCounts(
            pending=pending,
            processing=processing,
            completed=completed,
            failed=failed + retrying + dead_lettered,
            retrying=retrying,
            dead_lettered=dead_lettered,
        ),
    )
