"""Who claims, and when: a full worker with the results it writes, an idle one by sleeping on the bell."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.worker.intake import feed
from services.worker.intake.claims import RECORDED, Claims
from services.worker.intake.feed import BELL_MILLISECONDS, Feed
from services.worker.intake.places import Spare
from services.worker.work import Complete, Result, Work
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store import connection, keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.poll import until
from tests.refusing import denying

SHARD = keyspace.SHARDS[0]
PLACES = 3


class Hands:
    """A worker without its requests."""

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        self.in_flight: list[Work] = []
        self.redis = redis
        claims = Claims(redis, SHARD, "a-worker")
        self.spare = Spare(0)
        self.feed = Feed(claims, blocking, self.free, lambda: self.spare, lambda: self.in_flight)

    def free(self) -> int:
        return PLACES - len(self.in_flight)

    async def take(self) -> list[Work]:
        """As a worker does it: again and again, until there is some."""
        while not (works := await self.feed.take()):
            pass
        self.in_flight += works
        return works

    async def swap(self, works: list[Work]) -> list[Work]:
        """Record that these are done."""
        answers, came = await self.feed.swap([Result(work, Complete(), "[1,200,1,1]") for work in works])
        assert answers == [RECORDED] * len(works)
        self.in_flight = [work for work in self.in_flight if work not in works] + came
        return came


@pytest.fixture
async def hands(redis: Redis, settings: Settings) -> AsyncIterator[Hands]:
    blocking = connection.connect(settings, blocking_seconds=BELL_MILLISECONDS / 1000)
    hands = Hands(redis, blocking)
    yield hands
    await hands.feed.close()
    await blocking.aclose()


async def some_jobs(redis: Redis, team: Team, n: int) -> None:
    await jobs.create_many(call_of(redis, team), [JobCreate(queue="mail", url="https://a.example/")] * n)


async def reads(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_results_are_written_and_their_places_filled_on_one_trip(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, 8)
    works = await hands.take()
    await hands.swap(works[:1])  # Redis knows the scripts from here on
    before = await reads(redis)

    came = await hands.swap(works[1:])

    assert [work.id for work in came] == [5, 6]
    assert await reads(redis) == before + 2  # the other one asks for the number


async def test_a_full_worker_looks_for_quiet_queues_on_the_same_trip_and_not_on_each(
    redis: Redis, team: Team, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ALONG_SECONDS", 60.0)
    await some_jobs(redis, team, 8)
    works, hands.spare = await hands.take(), Spare(1)
    for number in range(4):
        await jobs.create(call_of(redis, team), JobCreate(queue=f"quiet{number}", url="https://a.example/"))

    first, second = await hands.swap(works[:1]), await hands.swap(works[1:])

    assert [len(first), len(second)] == [2, 1]
    assert 0 < hands.feed.rest_seconds <= feed.QUIET_SECONDS


@pytest.mark.parametrize("flushed", [False, True])
async def test_a_redis_that_forgot_the_scripts_is_told_them(
    redis: Redis, team: Team, hands: Hands, flushed: bool
) -> None:
    await some_jobs(redis, team, 8)
    works = await hands.take()
    if flushed:
        await redis.function_flush()  # type: ignore[misc]

    assert len(await hands.swap(works)) == PLACES


async def test_while_one_sleeps_on_the_bell_results_do_not_wait_for_it(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, 2)
    works = await hands.take()  # fewer than there are places: the next one sleeps
    taking = asyncio.ensure_future(hands.take())
    await until(lambda: sleeps_on_the_bell(redis))

    assert await hands.swap(works) == []
    assert not taking.done()

    await some_jobs(redis, team, 1)
    assert [work.id for work in await taking] == [3]


async def test_nothing_is_claimed_after_the_worker_was_told_to_stop(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, PLACES)
    works = await hands.take()
    hands.in_flight.remove(works[0])
    taking = asyncio.ensure_future(hands.take())
    await until(lambda: sleeps_on_the_bell(redis))
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    await some_jobs(redis, team, PLACES)

    assert await hands.swap(works[1:]) == []


async def test_a_busy_worker_that_was_told_to_stop_only_writes_its_results(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, 2 * PLACES)
    works = await hands.take()

    hands.feed.stop()

    assert await hands.swap(works) == []


async def test_what_comes_for_a_worker_that_was_told_to_stop_meanwhile_is_given_back(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, 2 * PLACES)
    swapping = asyncio.ensure_future(hands.swap(await hands.take()))
    await asyncio.wait([swapping], timeout=0)

    hands.feed.stop()

    assert await swapping == []
    others = await Claims(redis, SHARD, "another-worker").claim(2 * PLACES)
    assert [(work.id, work.attempt, work.lane) for work in others] == [(n, 1, "f:") for n in (4, 5, 6)]


async def test_results_are_recorded_though_the_claim_beside_them_fails(
    redis: Redis, team: Team, hands: Hands
) -> None:
    await some_jobs(redis, team, 2 * PLACES)
    works = await hands.take()

    async with denying(redis, "xreadgroup"):
        assert await hands.swap(works) == []

    assert [work.id for work in await hands.take()] == [4, 5, 6]


async def test_a_lost_claim_is_given_back_before_the_next(redis: Redis, team: Team, hands: Hands) -> None:
    await some_jobs(redis, team, 3 * PLACES)
    works = await hands.take()
    lost = await Claims(redis, SHARD, "a-worker").claim(2)  # in our name, and we do not hold it
    hands.feed._unsure = True

    assert await hands.swap(works) == []  # no further claim while it is not known what the last one did
    assert [work.id for work in await hands.take()] == [*(work.id for work in lost), 6]


async def sleeps_on_the_bell(redis: Redis) -> bool:
    return any(
        client["cmd"] == "xreadgroup" and "b" in client["flags"] for client in await redis.client_list()
    )
