"""What a caller can do to queues."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared import keyspace, pages, records, scripts, words
from shared.errors import Conflict, Invalid, NotFound
from shared.idempotency import IdempotencyKey
from shared.keyspace import Team
from shared.lenient import Reader
from shared.records import Fields
from shared.schemas.base import STORED, Page, PageQuery
from shared.schemas.queues import Queue, QueueCounts, QueueCreate, QueueSettings, QueueUpdate

_NAMES, _TOLD = 1000, 5
"""How many names a wrong one is compared with, and how many are told if it is like none."""


async def create(redis: Redis, team: Team, asked: QueueCreate, key: IdempotencyKey | None = None) -> Queue:
    made = await _save(redis, team, asked, key=key)
    if made is None:
        raise NotFound("Queue")  # never: a new one is not compared with anything
    return made


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
    there = f"did you mean {near}?" if near else f"there are {_some(sorted(known))}."
    raise Invalid("queue", f"The queue field names no queue of this team; {there}")


def _some(names: Sequence[str]) -> str:
    told = ", ".join(names[:_TOLD])
    return f"{told} and others" if len(names) > _TOLD else told or "none yet"


async def page(redis: Redis, team: Team, query: PageQuery) -> Page[Queue]:
    async def read(ids: Sequence[int]) -> list[Queue]:
        return [_queue(*row) for row in await _read(redis, team, ids)]

    listing = pages.Listing(
        [f"x:{team.id}:queues"], read, matches=lambda queue, text: words.contains(text, queue.name)
    )
    return await pages.read_page(redis, team, listing, query)


async def update(
    redis: Redis, team: Team, queue_id: int, asked: QueueUpdate, key: IdempotencyKey | None = None
) -> Queue:
    """Change the given fields; they hold for waiting jobs too, from the next claim on."""
    if done := await scripts.recall(redis, key):
        return _of_row(*done)
    changes = asked.model_dump(exclude_unset=True)
    for _ in range(5):
        found = await _read(redis, team, [queue_id])
        if not found:
            raise NotFound("Queue")
        _, fields, _ = found[0]
        reader = Reader()
        settings = reader.model(QueueSettings, reader.spec(fields.get("spec")).fields).model_dump()
        name = fields.get("name", f"queue {queue_id}")
        wanted = QueueCreate.model_validate({**settings, "name": name, **changes}, context=STORED)
        if changed := await _save(redis, team, wanted, (queue_id, fields.get("version", "")), key):
            return changed
    raise Conflict("The queue is being changed by others; try again.")


async def delete(redis: Redis, team: Team, queue_id: int, key: IdempotencyKey | None = None) -> None:
    """Delete a queue with its jobs; nothing of it starts any more once this returns."""
    if not await scripts.delete_queue(redis, team.prefix, team.id, queue_id, key=key):
        raise NotFound("Queue")


async def _save(
    redis: Redis,
    team: Team,
    asked: QueueCreate,
    known: tuple[int | str, str] = ("", ""),
    key: IdempotencyKey | None = None,
) -> Queue | None:
    """The queue as it is now, or nothing if it changed since it was `known` by its id and version."""
    limit = asked.rate_limit
    saved = await scripts.save_queue(
        redis,
        team.prefix,
        team.id,
        "",
        *known,
        asked.name,
        asked.model_dump_json(exclude={"name"}),
        int(asked.is_active),
        asked.max_parallelism or "",
        limit.count if limit else "",
        limit.per_seconds * 1000 if limit else "",
        asked.weight,
        asked.dlq_retention_days,
        "1" if asked.alerts_enabled else "",
        key=key,
    )
    if saved == "taken":
        raise Invalid("name", "The name field must be unique: another queue of the team has it.")
    return None if saved == "stale" else _of_row(*saved)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[tuple[int, Fields, list[int]]]:
    rows = await scripts.read_queues(redis, team.prefix, team.id, *ids)
    return [(int(queue_id), records.fields_of(flat), counts) for queue_id, flat, *counts in rows]


def _of_row(queue_id: str, flat: Sequence[str], *counts: int) -> Queue:
    return _queue(int(queue_id), records.fields_of(flat), list(counts))


def _queue(queue_id: int, fields: Fields, counts: list[int]) -> Queue:
    reader = Reader()
    settings = reader.model(QueueSettings, reader.spec(fields.get("spec")).fields)
    name, created = fields.get("name"), reader.made(fields, "created")
    if name is None:
        reader.note("name", "it is lost")
    pending, processing, completed, failed, retrying, dead_lettered = counts
    return Queue(
        id=queue_id,
        name=name or f"queue {queue_id}",
        **settings.model_dump(),
        created_at=created,
        counts=QueueCounts(
            pending=pending,
            processing=processing,
            completed=completed,
            failed=failed + retrying + dead_lettered,
            retrying=retrying,
            dead_lettered=dead_lettered,
        ),
        problem=fields.get("lost") or reader.problem,
    )
