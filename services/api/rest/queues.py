"""Queues: how the jobs of each are sent."""

from shared.actions import queues, warnings
from shared.operations import Call, Operation
from shared.schemas.base import Deleted, Page, PageQuery
from shared.schemas.queues import (
    KeyChoice,
    KeyQuery,
    Queue,
    QueueCreate,
    QueueKey,
    QueueUpdate,
    QueueWithWarnings,
)

PATH = "/api/queues"
ONE = f"{PATH}/{{queue_id}}"


async def create(call: Call, queue: QueueCreate) -> QueueWithWarnings:
    made = await queues.create(call, queue)
    return await warnings.saved_queue(call.redis, call.team, made, is_new=True)


async def index(call: Call, query: PageQuery) -> Page[Queue]:
    return await queues.page(call.redis, call.team, query, call.maker)


async def show(call: Call, queue_id: int) -> Queue:
    return await queues.show(call, queue_id)


async def update(call: Call, queue_id: int, changes: QueueUpdate) -> QueueWithWarnings:
    queue = await queues.update(call, queue_id, changes)
    return await warnings.saved_queue(call.redis, call.team, queue)


async def delete(call: Call, queue_id: int) -> Deleted:
    await queues.delete(call, queue_id)
    return Deleted(id=queue_id)


async def keys(call: Call, queue_id: int, query: KeyQuery) -> Page[QueueKey]:
    return await queues.keys(call.redis, call.team, queue_id, query)


async def pause_key(call: Call, queue_id: int, choice: KeyChoice) -> QueueKey:
    return await queues.pause_key(call, queue_id, choice.key, is_paused=True)


async def resume_key(call: Call, queue_id: int, choice: KeyChoice) -> QueueKey:
    return await queues.pause_key(call, queue_id, choice.key, is_paused=False)


OPERATIONS = (
    Operation(
        "list-queues",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Queue]},
        query=PageQuery,
        summary="List queues, newest first",
    ),
    Operation(
        "create-queue",
        "POST",
        PATH,
        "write",
        create,
        {201: QueueWithWarnings},
        takes=QueueCreate,
        summary="Create a queue",
        example={"name": "mail", "max_parallelism": 5, "retry_delays": [60, 600]},
    ),
    Operation(
        "get-queue",
        "GET",
        ONE,
        "read",
        show,
        {200: Queue},
        has_version=True,
        summary="Get a queue with its counts",
    ),
    Operation(
        "update-queue",
        "PATCH",
        ONE,
        "write",
        update,
        {200: QueueWithWarnings},
        takes=QueueUpdate,
        is_change=True,
        has_version=True,
        summary="Change some fields of a queue",
        example={"max_parallelism": 10},
    ),
    Operation(
        "delete-queue",
        "DELETE",
        ONE,
        "write",
        delete,
        {200: Deleted},
        has_version=True,
        summary="Delete a queue and its jobs",
    ),
    Operation(
        "list-queue-keys",
        "GET",
        f"{ONE}/keys",
        "read",
        keys,
        {200: Page[QueueKey]},
        query=KeyQuery,
        summary="List the keys of a queue that something waits or runs of, or that are paused",
    ),
    Operation(
        "pause-queue-key",
        "POST",
        f"{ONE}/keys/pause",
        "write",
        pause_key,
        {200: QueueKey},
        takes=KeyChoice,
        look=f"{ONE}/keys",
        summary="Start no more jobs of a key",
        example={"key": "customer-7"},
    ),
    Operation(
        "resume-queue-key",
        "POST",
        f"{ONE}/keys/resume",
        "write",
        resume_key,
        {200: QueueKey},
        takes=KeyChoice,
        look=f"{ONE}/keys",
        summary="Start jobs of a key again",
        example={"key": "customer-7"},
    ),
)
