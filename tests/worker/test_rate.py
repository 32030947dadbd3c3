"""A queue's rate limit as its target sees it: requests are counted when they are written, however long connecting takes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.intake.claims import Claims
from services.worker.permits import REFUSED_SECONDS, NotPermitted, SendPermit
from services.worker.processor import process
from services.worker.work import Postpone, Release, Work
from shared.actions import jobs, queues
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate, RateLimit
from shared.security.addresses import Policy
from shared.settings import Settings
from shared.store import connection, transitions
from shared.store.keyspace import Team
from tests import hostile
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.installation import free_port
from tests.poll import best_of_three, in_time, stalls, until
from tests.refusing import denying
from tests.target import Target

POLICY = Policy(LOOPBACK)
CONNECTING_SECONDS = 0.6
JITTER_SECONDS = 0.03
"""By which two requests may come closer together than they left: both ends run on one loop here."""


@pytest.fixture
async def context(redis: Redis) -> AsyncIterator[Context]:
    async with Sender(POLICY) as sender:
        yield Context(redis, sender, VAULT, MAILER)


async def limited(redis: Redis, team: Team, count: int, per_seconds: int) -> None:
    limit = RateLimit(count=count, per_seconds=per_seconds)
    await queues.create(call_of(redis, team), QueueCreate(name="a", rate_limit=limit))


async def claimed(redis: Redis, team: Team, url: str, **asked: object) -> Work:
    await jobs.create(call_of(redis, team), JobCreate.model_validate({"queue": "a", "url": url, **asked}))
    (work,) = await Claims(redis, team.shard, "w").claim(1)
    return work


async def turn_taken(redis: Redis, team: Team) -> None:
    assert await transitions.admit(redis, team.shard, queue=f"{team.id}:1") == 0


class Clocked:
    """Answers whatever is asked, and notes when."""

    def __init__(self) -> None:
        self.at: list[float] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await hostile.request(reader)
            self.at.append(asyncio.get_running_loop().time())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


@best_of_three
async def test_a_target_that_is_slow_to_connect_to_sees_no_more_than_the_limit(
    redis: Redis, team: Team, tmp_path: Path
) -> None:
    await redis.flushdb()  # of a try before this one
    await limited(redis, team, 5, 1)
    path = hostile.certificate(tmp_path, "slow.test")
    target, trusting = Clocked(), ssl.create_default_context(cafile=path)
    workers = [Claims(redis, team.shard, name) for name in "ab"]
    resolver = Resolver(POLICY, lambda _: ["127.0.0.1"])

    async with (
        hostile.serving(target, hostile.server_tls(path)) as behind,
        hostile.serving(hostile.passing_on(behind, CONNECTING_SECONDS)) as address,
        Sender(POLICY, resolver=resolver, tls=trusting) as sender,
        stalls() as late,
        asyncio.TaskGroup() as running,
    ):
        asked = JobCreate(queue="a", url=f"https://slow.test:{address.partition(':')[2]}/")
        await jobs.create_many(call_of(redis, team), [asked] * 15)
        context = Context(redis, sender, VAULT, MAILER)

        async def work_off() -> bool:
            for worker in workers:
                for work in await worker.claim(64):
                    running.create_task(process(work, context))
            return len(target.at) == 15

        await until(work_off)

    least = min(later - before for before, later in zip(target.at, target.at[5:], strict=False))
    in_time(least, 2, 1 - JITTER_SECONDS - late.longest)
    in_time(target.at[-1] - target.at[0], 4 + late.total)  # and hardly less than it allows: 5 a second


async def test_the_wait_for_a_turn_is_no_part_of_the_request(
    redis: Redis, team: Team, context: Context, target: Target
) -> None:
    await limited(redis, team, 1, 4)
    work = await claimed(redis, team, target.url, timeout_seconds=3)
    await turn_taken(redis, team)

    await Claims(redis, team.shard, "w").finish([await process(work, context)])

    job = await jobs.get(redis, team, work.id)
    assert job.final_status == "success"
    assert job.run is not None
    assert job.run.duration_ms is not None
    assert job.run.duration_ms < 3000


async def test_a_turn_that_is_far_away_is_waited_for_in_redis(
    redis: Redis, team: Team, context: Context, target: Target
) -> None:
    await limited(redis, team, 1, 3600)
    work = await claimed(redis, team, target.url)
    await turn_taken(redis, team)

    result = await process(work, context)
    await Claims(redis, team.shard, "w").finish([result])

    job = await jobs.get(redis, team, work.id)
    assert isinstance(result.verdict, Postpone)
    assert result.verdict.after_seconds == pytest.approx(3600, abs=5)
    assert (job.status, job.attempt_number, target.received) == ("pending", 1, [])
    assert "rate_limit" in (job.waits_for or "")


async def test_a_limit_that_was_lifted_meanwhile_makes_nobody_wait(
    redis: Redis, team: Team, context: Context, target: Target
) -> None:
    await limited(redis, team, 1, 3600)
    work = await claimed(redis, team, target.url)
    await turn_taken(redis, team)
    await redis.hdel(f"{team.prefix}q:{team.id}:1", "rate_count", "rate_ms")  # type: ignore[misc]

    await process(work, context)

    assert len(target.received) == 1


async def test_nothing_leaves_uncounted_while_redis_is_away(redis: Redis, team: Team) -> None:
    await limited(redis, team, 1, 3600)
    work = await claimed(redis, team, "https://a.example/")

    async with connection.connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}")) as away:
        with pytest.raises(NotPermitted) as withheld:
            await SendPermit(work, away).wait_of()

    assert withheld.value.verdict == Release()


async def test_a_redis_that_refuses_to_count_is_not_asked_again_at_once(redis: Redis, team: Team) -> None:
    await limited(redis, team, 1, 3600)
    work = await claimed(redis, team, "https://a.example/")

    async with denying(redis, "fcall"):
        with pytest.raises(NotPermitted) as withheld:
            await SendPermit(work, redis).wait_of()

    assert isinstance(withheld.value.verdict, Postpone)
    assert withheld.value.verdict.after_seconds == REFUSED_SECONDS


async def test_a_queue_without_a_limit_asks_nobody(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="a"))

    work = await claimed(redis, team, "https://a.example/")

    assert not SendPermit(work, redis).is_limited


async def test_a_window_that_cannot_be_read_is_put_aside_and_stops_nothing(
    redis: Redis, team: Team, context: Context, target: Target
) -> None:
    await limited(redis, team, 1, 60)
    work = await claimed(redis, team, target.url)
    await redis.set(f"{team.prefix}sent:{team.id}:1", "junk")

    await process(work, context)

    assert len(target.received) == 1
    assert await redis.get(f"{team.prefix}aside:sent:{team.id}:1") == "junk"
