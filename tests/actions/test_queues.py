import asyncio

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from shared.actions import jobs, queues
from shared.errors import Invalid, NotFound
from shared.schemas.base import PageQuery
from shared.schemas.jobs import JobCreate, JobQuery
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests.calls import call_of

MAIL = QueueCreate(name="mail", retry_delays=(5, 10), max_parallelism=3)
SHARD = keyspace.SHARDS[0]


async def test_a_queue_is_stored_as_asked(redis: Redis, team: Team) -> None:
    made = await queues.create(call_of(redis, team), MAIL)

    assert made == await queues.get(redis, team, made.id)
    assert (made.name, made.retry_delays, made.max_parallelism) == ("mail", (5, 10), 3)


async def test_a_queue_is_found_by_its_name_after_all_names_were_lost(redis: Redis, team: Team) -> None:
    made = await queues.create(call_of(redis, team), MAIL)
    await redis.delete(keyspace.queue_names(team))

    job = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example"))

    assert job.queue_id == made.id


async def test_a_name_is_taken_once(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), MAIL)
    other = await queues.create(call_of(redis, team), QueueCreate(name="other"))

    with pytest.raises(Invalid, match="unique"):
        await queues.create(call_of(redis, team), MAIL)
    with pytest.raises(Invalid, match="unique"):
        await queues.update(call_of(redis, team), other.id, QueueUpdate(name="mail"))


async def test_an_update_changes_only_what_it_names(redis: Redis, team: Team) -> None:
    made = await queues.create(call_of(redis, team), MAIL)

    changed = await queues.update(
        call_of(redis, team), made.id, QueueUpdate(name="post", max_parallelism=None)
    )

    assert changed == made.model_copy(update={"name": "post", "max_parallelism": None})
    job = await jobs.create(call_of(redis, team), JobCreate(queue="post", url="https://a.example"))
    assert job.queue_id == made.id


async def test_updates_side_by_side_all_hold(redis: Redis, team: Team) -> None:
    made = await queues.create(call_of(redis, team), MAIL)

    await asyncio.gather(
        queues.update(call_of(redis, team), made.id, QueueUpdate(timeout_seconds=7)),
        queues.update(call_of(redis, team), made.id, QueueUpdate(max_parallelism=9)),
        queues.update(call_of(redis, team), made.id, QueueUpdate(is_active=False)),
    )

    changed = await queues.get(redis, team, made.id)
    assert (changed.timeout_seconds, changed.max_parallelism, changed.is_active) == (7, 9, False)


async def test_a_deleted_queue_takes_its_jobs_along(redis: Redis, team: Team) -> None:
    for delay in (0, 0, 60):
        await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example", delay=delay))

    await queues.delete(call_of(redis, team), 1)

    with pytest.raises(NotFound, match="Queue not found"):
        await queues.get(redis, team, 1)
    with pytest.raises(NotFound, match="Job not found"):
        await jobs.get(redis, team, 1)
    assert [await prune(redis, SHARD, limit=2) for _ in range(3)] == [2, 1, 0]
    assert (await jobs.page(redis, team, JobQuery())).total == 0
    books = await ledger.read(redis, team)
    assert (books.accepted, books.deleted, books.holds) == (3, 3, True)
    assert [key async for key in redis.scan_iter("*s:1:1")] == []


async def test_the_name_of_a_deleted_queue_is_free(redis: Redis, team: Team) -> None:
    made = await queues.create(call_of(redis, team), MAIL)

    await queues.delete(call_of(redis, team), made.id)

    assert (await queues.create(call_of(redis, team), MAIL)).id != made.id
    assert [queue.name for queue in (await queues.page(redis, team, PageQuery())).data] == ["mail"]


async def test_of_more_queues_than_can_be_chosen_the_newest_are_among_those_that_can(
    redis: Redis, team: Team
) -> None:
    names = [f"queue {number}" for number in range(1500)]
    wanted = [JobCreate(queue=name, url="https://a.example") for name in names]
    for start in range(0, 1500, 500):
        await jobs.create_many(call_of(redis, team), wanted[start : start + 500])

    found = await queues.choices(redis, team)

    newest = (await queues.page(redis, team, PageQuery(per_page=100))).data
    assert {(one.id, one.name) for one in newest} <= set(found)
    assert 1000 <= len(found) == len(set(found)) < 1500
    assert [one.name.casefold() for one in found] == sorted(one.name.casefold() for one in found)
