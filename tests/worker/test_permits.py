"""Nothing leaves once the work may be another's: looked at last of all before the first byte."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.scheduler.rescue import find_in_flight, rescue
from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.outgoing import Outgoing
from services.worker.intake.claims import CERTAIN_SECONDS, NOT_OURS, OURS, Claims
from services.worker.notices.mail import Mailer
from services.worker.permits import NotPermitted, SendPermit
from services.worker.processor import process
from services.worker.work import Complete, Job, Lease, Release, Result, Work
from shared.actions import jobs
from shared.clock import elapsed
from shared.runtime.health import LEASE_SECONDS
from shared.runtime.mail import Letter
from shared.schemas.jobs import JobCreate
from shared.security.addresses import Policy
from shared.settings import Settings
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests import hostile
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.mailbox import Mailbox
from tests.poll import until
from tests.target import Target

SHARD = keyspace.SHARDS[0]
POLICY = Policy(LOOPBACK)


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def context(redis: Redis) -> AsyncIterator[Context]:
    async with Sender(POLICY) as sender:
        yield Context(redis, sender, VAULT, MAILER)


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


@pytest.fixture
def other(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "another")


def leased_for(redis: Redis, seconds: float) -> SendPermit:
    until = elapsed() + seconds
    return SendPermit(Job(SHARD, 1, "1", 1, "s:", "1-0", 1, 0, "{}", lease=Lease(until)), redis)


async def slept(redis: Redis, team: Team, worker: Claims, url: str, **asked: object) -> Work:
    """A job that was claimed and not sent, and whose worker has heard of nothing since its lease ended."""
    job = JobCreate.model_validate({"queue": "mail", "url": url, **asked})
    await jobs.create(call_of(redis, team), job)
    (work,) = await worker.claim(1)
    work.lease.until = elapsed()
    return work


async def test_what_was_done_meanwhile_is_not_sent(
    redis: Redis, team: Team, worker: Claims, other: Claims, context: Context, target: Target
) -> None:
    work = await slept(redis, team, worker, target.url)
    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
    (again,) = await other.claim(1)
    await other.finish([Result(again, Complete(), "[1,200,1,1]")])

    result = await process(work, context)

    assert (result.verdict, target.received) == (Release(), [])
    assert await worker.finish([result]) == [NOT_OURS]
    assert (await jobs.get(redis, team, work.id)).final_status == "success"


async def test_what_was_cancelled_or_deleted_meanwhile_is_not_sent(
    redis: Redis, team: Team, worker: Claims, context: Context, target: Target
) -> None:
    works = [await slept(redis, team, worker, target.url) for _ in range(2)]
    await jobs.cancel(call_of(redis, team), works[0].id)
    await jobs.delete(call_of(redis, team), works[1].id)

    await worker.finish([await process(work, context) for work in works])

    assert target.received == []
    run = (await jobs.get(redis, team, works[0].id)).run
    assert run is not None
    assert run.failure_reason == "cancelled"
    assert (await ledger.read(redis, team)).holds
    assert await worker.claim(9) == []


async def test_what_is_still_its_own_goes_back_without_an_attempt(
    redis: Redis, team: Team, worker: Claims, other: Claims, context: Context, target: Target
) -> None:
    work = await slept(redis, team, worker, target.url)

    await worker.finish([await process(work, context)])
    (again,) = await other.claim(1)
    await other.finish([await process(again, context)])

    assert (again.id, again.attempt, len(target.received)) == (work.id, 1, 1)


async def test_a_lease_that_ends_while_the_name_is_looked_up_ends_the_request(
    redis: Redis, target: Target
) -> None:
    def slow(_name: str) -> list[str]:
        lapsed.result(5)
        return ["127.0.0.1"]

    permit = leased_for(redis, 60)
    loop = asyncio.get_running_loop()

    async def lapse() -> None:
        permit.work.lease.until = elapsed()

    lapsed = asyncio.run_coroutine_threadsafe(lapse(), loop)
    async with Sender(POLICY, resolver=Resolver(POLICY, slow)) as sender:
        call = Outgoing("POST", f"http://slow.test:{target.port}/", {}, b"", 5.0)
        with pytest.raises(NotPermitted):
            await sender.send(call, permit)

    assert target.received == []


async def test_a_request_that_would_go_out_once_more_looks_again(redis: Redis, context: Context) -> None:
    permit, requests = leased_for(redis, 60), list[bytes]()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await hostile.request(reader))
        if len(requests) == 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            requests.append(await hostile.request(reader))
            permit.work.lease.until = elapsed()

    async with hostile.serving(once) as address:
        call = Outgoing("GET", f"http://{address}/", {}, None, 5.0)
        await context.sender.send(call, permit)
        with pytest.raises(NotPermitted):
            await context.sender.send(call, permit)

    assert len(requests) == 2


async def test_a_connection_that_was_made_for_it_is_kept_for_the_next(redis: Redis, context: Context) -> None:
    talk = hostile.Talk(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with hostile.serving(talk) as address:
        call = Outgoing("POST", f"http://{address}/", {}, b"", 5.0)
        with pytest.raises(NotPermitted):
            await context.sender.send(call, leased_for(redis, 0))
        await context.sender.send(call, leased_for(redis, 60))

    assert (talk.connections, len(talk.requests)) == (1, 1)


async def test_a_letter_is_withheld_too(redis: Redis) -> None:
    with Mailbox() as mailbox:
        mailer = Mailer(
            Settings(
                smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_from="a@b.example", smtp_security="none"
            )
        )
        letter = Letter(("ops@b.example",), "Subject", "Text", "<1@b.example>")

        with pytest.raises(NotPermitted):
            await mailer.send(letter, leased_for(redis, 0))
        await mailer.send(letter, leased_for(redis, 60))

        assert len(mailbox.letters) == 1


async def test_a_beat_renews_the_lease_of_what_is_still_its_own(
    redis: Redis, team: Team, worker: Claims
) -> None:
    works = [await slept(redis, team, worker, "https://a.example/") for _ in range(3)]
    seen = await find_in_flight(redis, SHARD)
    await rescue(redis, SHARD, [one for one in seen if one.entry == works[1].entry])
    began = elapsed()
    for work in works[:2]:
        work.lease.until = began + 5

    answers = await worker.beat(works)

    assert answers == [OURS, NOT_OURS, OURS]
    assert works[0].lease.until >= began + CERTAIN_SECONDS
    assert works[1].lease.until == began + 5
    assert works[2].lease.until <= began


async def test_what_was_deleted_while_nobody_rescued_is_not_sent(
    redis: Redis, team: Team, worker: Claims, context: Context, target: Target
) -> None:
    work = await slept(redis, team, worker, target.url)
    await jobs.delete(call_of(redis, team), work.id)

    await worker.beat([work])
    await worker.finish([await process(work, context)])

    assert target.received == []
    assert await worker.claim(9) == []


async def test_a_lease_counts_from_before_the_wait_for_the_bell(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await worker.wait_and_claim(redis, 1, 1)  # makes the bell
    waiting = asyncio.create_task(worker.wait_and_claim(redis, 1, 5000))
    await until(lambda: _is_waiting(redis))

    rang = elapsed()
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"))
    (work,) = await waiting

    assert work.lease.until < rang + CERTAIN_SECONDS < rang + LEASE_SECONDS


async def _is_waiting(redis: Redis) -> bool:
    return bool((await redis.info("clients"))["blocked_clients"] == 1)
