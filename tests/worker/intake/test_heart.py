"""Claims live on while the loop of their worker is blocked, and not for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.intake.heart import Heart
from services.worker.intake.heartbeat import Holder
from services.worker.work import Work
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store import connection, keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.poll import until

SHARD = keyspace.SHARDS[0]
ASKED = JobCreate(queue="mail", url="https://a.example/")


@pytest.fixture
async def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "w")


async def claimed(worker: Claims, team: Team) -> Work:
    await jobs.create(call_of(worker.redis, team), ASKED)
    (work,) = await worker.claim(1)
    return work


@asynccontextmanager
async def beating(
    settings: Settings, worker: Claims, work: Work, heard: list[str], blocked_seconds: float = 60.0
) -> AsyncIterator[None]:
    holder = Holder(lambda: [work], lambda _: heard.append("lost"), lambda _: heard.append("cancel"))
    heart = Heart(lambda: connection.connect(settings), [worker], holder, 0.05, blocked_seconds)
    task = asyncio.create_task(heart.beat())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.wait([task])


def stream_of(work: Work) -> str:
    return f"{keyspace.prefix(SHARD)}{work.lane}{work.team}:{work.queue}"


async def beats_of(redis: Redis, work: Work) -> int:
    (row,) = await redis.xpending_range(stream_of(work), keyspace.WORKERS, "-", "+", 1)
    return int(row["times_delivered"])


def hold_up(seconds: float) -> None:
    time.sleep(seconds)  # the fault: nothing else of the loop's has its turn


def hold_up_for_beats(settings: Settings, work: Work, times: int) -> int:
    """The same fault until there are so many beats, or for far longer than they take; how many there are."""
    deadline, beats = time.monotonic() + 30, 0
    with SyncRedis.from_url(settings.redis_url, decode_responses=True) as redis:
        while beats < times and time.monotonic() < deadline:
            hold_up(0.05)
            (row,) = redis.xpending_range(stream_of(work), keyspace.WORKERS, "-", "+", 1)
            beats = int(row["times_delivered"])
    return beats


async def test_it_beats_while_the_loop_is_held_up(
    redis: Redis, settings: Settings, worker: Claims, team: Team
) -> None:
    work = await claimed(worker, team)
    async with beating(settings, worker, work, []):
        await until(lambda: _has_beaten(redis, work, 2))
        before = await beats_of(redis, work)
        after = hold_up_for_beats(settings, work, before + 3)

    assert after >= before + 3


async def test_a_loop_that_is_held_up_for_too_long_is_given_up(
    redis: Redis, settings: Settings, worker: Claims, team: Team
) -> None:
    work = await claimed(worker, team)
    async with beating(settings, worker, work, [], blocked_seconds=0.6):
        await until(lambda: _has_beaten(redis, work, 2))
        before = await beats_of(redis, work)
        hold_up(2.0)
        after = await beats_of(redis, work)

        assert after - before < 20
        await until(lambda: _has_beaten(redis, work, after + 1))


async def _has_beaten(redis: Redis, work: Work, times: int) -> bool:
    return await beats_of(redis, work) >= times


@pytest.mark.parametrize(("verb", "said"), [("give away", "lost"), ("cancel", "cancel")])
async def test_the_loop_hears_what_became_of_its_work(
    redis: Redis, settings: Settings, worker: Claims, team: Team, verb: str, said: str
) -> None:
    work, heard = await claimed(worker, team), list[str]()
    async with beating(settings, worker, work, heard):
        if verb == "cancel":
            await jobs.cancel(call_of(redis, team), work.id)
        else:
            await _give_away(redis, work)
        await until(lambda: _is_heard(heard, said))


async def _is_heard(heard: Sequence[str], said: str) -> bool:
    return said in heard


async def _give_away(redis: Redis, work: Work) -> None:
    await redis.xclaim(stream_of(work), keyspace.WORKERS, "another", 0, [work.entry])


async def test_what_ends_the_thread_is_raised(worker: Claims, settings: Settings) -> None:
    def broken() -> Sequence[Work]:
        raise ZeroDivisionError

    nobody: Callable[[Work], None] = lambda _: None  # noqa: E731
    heart = Heart(lambda: connection.connect(settings), [worker], Holder(broken, nobody, nobody), 0.01)

    with pytest.raises(ZeroDivisionError):
        await heart.beat()
