"""What a caller can do to queues."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from redis.asyncio import Redis

from shared.actions import audit
from shared.basics import words
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schemas.base import STORED, Page, PageQuery
from shared.schemas.queues import (
    KeyQuery,
    Queue,
    QueueCounts,
    QueueCreate,
    QueueKey,
    QueueSettings,
    QueueUpdate,
)
from shared.store import keyspace, likely, makers, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.transitions import StoredKey, StoredQueue

_ATTEMPTS = 5
_BUSY = "The queue is being changed by others; try again."
_NAMES, _SHOWN, _NEWEST = 1000, 5, 100
"""How many names a wrong one is compared with, and can be chosen; how many are listed if it resembles none;
and of more than can be chosen how many are there for certain."""


class NamedQueue(NamedTuple):
    id: int
    name: str


async def create(call: Call, queue: QueueCreate) -> Queue:
    call.may_use(queue.name)
    made = await _save(call, queue)
    if made is None:
        raise NotFound("Queue")  # cannot happen: a new queue has no version to compare
    return made


async def get(redis: Redis, team: Team, queue_id: int) -> Queue:
    found = await transitions.read_queues(redis, team, [queue_id])
    if not found:
        raise NotFound("Queue")
    return await makers.named_one(redis, team, _queue(found[0]))


async def show(call: Call, queue_id: int) -> Queue:
    """The same, and its version for the call."""
    reading = transitions.reading_queues(call.team, [queue_id])
    found, names = await likely.read(call.redis, call.team, reading, call.maker)
    if not found:
        raise NotFound("Queue")
    return await _answered(call, found[0], names)


async def id_of(redis: Redis, team: Team, name: str) -> int:
    """The id of the queue of that name; raises Invalid, with the name that was probably meant."""
    found = await redis.hget(keyspace.queue_names(team), name)  # type: ignore[misc]
    if found is not None:
        return int(found)
    known = await names(redis, team)
    near = words.nearest(name, known)
    there = f"did you mean {near}?" if near else f"there are {_some(sorted(known))}."
    raise Invalid("queue", f"The queue field names no queue of this team; {there}")


async def names(redis: Redis, team: Team) -> list[str]:
    """Names of the team's queues, or of some 1,000 of them."""
    return [one.name for one in (await _named(redis, team))[1]]


async def choices(redis: Redis, team: Team) -> list[NamedQueue]:
    """Queues of the team in the order of their names, to choose from: all, or some 1,000 with the newest."""
    has_more, found = await _named(redis, team)
    if has_more:
        newest = (await page(redis, team, PageQuery(per_page=_NEWEST))).data
        found = list({*found, *(NamedQueue(one.id, one.name) for one in newest)})
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


async def _named(redis: Redis, team: Team) -> tuple[bool, list[NamedQueue]]:
    """Whether there are more than some 1,000, and these."""
    cursor, known = await redis.hscan(keyspace.queue_names(team), count=_NAMES)
    return bool(cursor), [NamedQueue(int(id_), name) for name, id_ in known.items() if id_.isdecimal()]


def _some(known: Sequence[str]) -> str:
    shown = ", ".join(known[:_SHOWN])
    return f"{shown} and others" if len(known) > _SHOWN else shown or "none yet"


async def page(redis: Redis, team: Team, query: PageQuery, maker: str | None = None) -> Page[Queue]:
    """Where `maker` made them, which is likely of who asks, their names cost no round trip."""

    async def read(ids: Sequence[int]) -> list[Queue]:
        rows, names = await likely.read(redis, team, transitions.reading_queues(team, ids), maker)
        return await makers.named(redis, team, [_queue(row) for row in rows], names)

    listing = paging.Listing(
        [f"x:{team.id}:queues"], read, matches=lambda queue, text: words.contains(text, queue.name)
    )
    return await paging.read_page(redis, team, listing, query)


async def update(call: Call, queue_id: int, changes: QueueUpdate) -> Queue:
    """Change the given fields; they apply to waiting jobs too, from the next claim on."""
    if done := await transitions.recall(call.redis, call.key):
        return await _answered(call, StoredQueue(*done))
    given = changes.model_dump(exclude_unset=True)
    for _ in range(_ATTEMPTS):
        found = await transitions.read_queues(call.redis, call.team, [queue_id])
        if not found:
            raise NotFound("Queue")
        before = _known(found[0])
        assert before.queue
        call.versions.check(before.version)
        wanted = QueueCreate.model_validate({**before.queue.model_dump(), **given}, context=STORED)
        _check_limits(call, before.queue, wanted)
        if changed := await _save(call, wanted, before):
            return changed
    raise Conflict(_BUSY)


async def delete(call: Call, queue_id: int) -> None:
    """Delete a queue with its jobs; once this returns none of them starts any more."""
    call.may_delete()
    for _ in range(_ATTEMPTS):
        found = await transitions.read_queues(call.redis, call.team, [queue_id])
        before = _known(found[0]) if found else _NEW  # it may be done, under the caller's key
        if before.queue:
            call.may_use(before.queue.name)
            call.versions.check(before.version)
        deleted = await transitions.delete_queue(
            call.redis,
            call.team,
            queue=queue_id,
            version=before.version,
            write=call.write(audit.changes(before.queue, None)),
        )
        if deleted:
            return
        if deleted is not None:
            raise NotFound("Queue")
    raise Conflict(_BUSY)


async def keys(redis: Redis, team: Team, queue_id: int, query: KeyQuery) -> Page[QueueKey]:
    """Keys that something waits or runs of, or that are paused, by their names."""
    first = (query.page - 1) * query.per_page
    found = await transitions.read_keys(redis, team, queue=queue_id, first=first, most=query.per_page)
    if found is None:
        raise NotFound("Queue")
    total, rows = found
    return Page(
        data=[_key(row) for row in rows],
        current_page=query.page,
        last_page=max(1, -(-total // query.per_page)),
        per_page=query.per_page,
        total=total,
    )


async def pause_key(call: Call, queue_id: int, key: str, *, is_paused: bool) -> QueueKey:
    """Let nothing of a key start any more, or let it go on."""
    await _check_key(call, queue_id, is_paused)
    changed = await transitions.pause_key(
        call.redis,
        call.team,
        queue=queue_id,
        key=key,
        is_paused=is_paused,
        write=call.write((audit.made if is_paused else audit.gone)(paused_key=key)),
    )
    if changed is None:
        raise NotFound("Queue")
    if changed == "many":
        raise Conflict("The queue has 10,000 paused keys already; resume some, or pause the queue.")
    return _key(changed)


async def _check_key(call: Call, queue_id: int, is_paused: bool) -> None:
    """Raise Forbidden if the token may not use the queue, or not start what waits in it."""
    if not call.limits:
        return
    found = await transitions.read_queues(call.redis, call.team, [queue_id])
    if found and (queue := _known(found[0]).queue):
        call.may_use(queue.name)
        if not is_paused:
            call.limits.check_resuming()


def _key(row: StoredKey) -> QueueKey:
    return QueueKey(key=row.name, is_paused=row.is_paused, waiting=row.waiting, in_flight=row.in_flight)


def _check_limits(call: Call, before: QueueCreate, wanted: QueueCreate) -> None:
    """Raise Forbidden if the token may not use the queue, or not start what waits in it."""
    call.may_use(before.name)
    call.may_use(wanted.name)
    if call.limits and wanted.is_active and not before.is_active:
        call.limits.check_resuming()


class _Known(NamedTuple):
    """A queue as it was read before a change."""

    id: int | None = None
    version: str | None = None
    queue: QueueCreate | None = None


_NEW = _Known()


def _known(row: StoredQueue) -> _Known:
    fields, reader = records.fields_of(row.fields), Reader()
    settings = reader.model(QueueSettings, reader.spec(fields.get("spec")).fields).model_dump()
    name = fields.get("name", f"queue {row.id}")
    queue = QueueCreate.model_validate({**settings, "name": name}, context=STORED)
    return _Known(int(row.id), fields.get("version"), queue)


async def _save(call: Call, wanted: QueueCreate, known: _Known = _NEW) -> Queue | None:
    """The queue as it is now, or None if it changed since it was `known`."""
    saved = await transitions.save_queue(
        call.redis,
        call.team,
        name=wanted.name,
        spec=wanted.model_dump_json(exclude={"name"}),
        is_active=wanted.is_active,
        settings=wanted.for_transitions(),
        queue=known.id,
        version=known.version,
        write=call.write(audit.changes(known.queue, wanted)),
    )
    if saved == "taken":
        raise Invalid("name", "The name field must be unique: another queue of the team has it.")
    return None if saved == "stale" else await _answered(call, saved)


async def _answered(call: Call, row: StoredQueue, names: Mapping[str, str] = MappingProxyType({})) -> Queue:
    call.versions.answered = records.fields_of(row.fields).get("version")
    return (await makers.named(call.redis, call.team, [_queue(row)], names))[0]


def _queue(row: StoredQueue) -> Queue:
    fields, reader = records.fields_of(row.fields), Reader()
    settings = reader.model(QueueSettings, reader.spec(fields.get("spec")).fields)
    name, created = fields.get("name"), reader.made(fields, "created")
    if name is None:
        reader.note("name", "it is lost")
    return Queue(
        id=int(row.id),
        name=name or f"queue {row.id}",
        **settings.model_dump(),
        created_at=created,
        created_by=makers.of(fields),
        counts=QueueCounts(
            pending=row.pending,
            processing=row.processing,
            completed=row.completed,
            failed=row.failed + row.retrying + row.dead_lettered,
            retrying=row.retrying,
            dead_lettered=row.dead_lettered,
        ),
        problem=fields.get("lost") or reader.problem,
    )
