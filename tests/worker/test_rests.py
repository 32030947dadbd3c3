"""What a worker learns of a host the team is shown, also when it answers again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from services.worker.circuits import FAILURES, FIRST_SECONDS, Circuits
from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.rests import KEPT_SECONDS, TELL_SECONDS, Rests, Told
from services.worker.work import Work
from shared import clock
from shared.actions import jobs
from shared.actions.reports import hosts
from shared.clock import elapsed
from shared.schemas.jobs import Job, JobCreate
from shared.schemas.reports.hosts import Host, HostQuery
from shared.security.addresses import Policy
from shared.security.destinations import Origin
from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions import throttle_host
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.installation import free_port
from tests.target import Target

KEY = (1, Origin("http", "a.example", 80))


@dataclass(slots=True)
class Worker:
    """What one process knows."""

    name: str
    circuits: Circuits = field(default_factory=Circuits)
    rests: Rests = field(default_factory=Rests)


@dataclass(slots=True)
class Stage:
    redis: Redis
    team: Team
    sender: Sender

    async def make(self, url: str, n: int = 1) -> list[int]:
        job = JobCreate.model_validate({"queue": "mail", "url": url})
        return [made.id for made in await jobs.create_many(call_of(self.redis, self.team), [job] * n)]

    async def run(self, worker: Worker, after_seconds: float = 0.0) -> list[Work]:
        """Do once what is ready, so many seconds from the beginning."""
        await self.redis.set(keyspace.correction(self.team.shard), round((1 + after_seconds) * 1000))
        claims = Claims(self.redis, self.team.shard, worker.name)
        works = await claims.claim(64)
        await claims.finish([await process(work, self.context(worker)) for work in works])
        return works

    def context(self, worker: Worker) -> Context:
        return Context(self.redis, self.sender, VAULT, MAILER, circuits=worker.circuits, rests=worker.rests)

    async def job(self, job_id: int) -> Job:
        return await jobs.get(self.redis, self.team, job_id)

    async def host(self) -> Host:
        (host,) = (await hosts.page(call_of(self.redis, self.team), HostQuery())).data
        return host


@pytest.fixture
async def stage(redis: Redis, team: Team) -> AsyncIterator[Stage]:
    async with Sender(Policy(LOOPBACK)) as sender:
        yield Stage(redis, team, sender)


async def test_a_host_that_one_worker_finds_silent_is_shown_and_tried_by_the_others(stage: Stage) -> None:
    """It may be the network of that worker which is broken."""
    port = free_port()
    await stage.make(f"http://127.0.0.1:{port}/", FAILURES)
    await stage.run(Worker("a"))
    (job_id,) = await stage.make(f"http://127.0.0.1:{port}/")

    await stage.run(Worker("b"))

    job = await stage.job(job_id)
    assert (job.status, job.waits_for) == ("failed", None)
    host = await stage.host()
    assert (host.host, host.reason, host.last_status) == (f"127.0.0.1:{port}", "silent", None)
    assert host.resting_until is not None
    assert abs((host.resting_until - host.since).total_seconds() - FIRST_SECONDS) <= 1


async def test_whoever_found_it_silent_tells_when_it_answers(stage: Stage, target: Target) -> None:
    opener, host = Worker("a"), stage.sender.origin_of(target.url)
    assert host is not None
    for _ in range(FAILURES):
        opener.circuits.note((stage.team.id, host), 1.0, silent=True)
    opener.rests.begin((stage.team.id, host), is_silent=True)
    named = f"127.0.0.1:{target.port}"
    await throttle_host(stage.redis, stage.team, host=named, wanted_ms=60_000, most_ms=60_000, is_silent=True)
    target.answer_with(500)
    await stage.make(target.url)

    await stage.run(opener)

    shown = await stage.host()
    assert (shown.resting_until, shown.requests_since) == (None, 1)
    assert shown.answering_since is not None, "an answer of any status is no silence"
    assert shown.last_status == 500


async def test_after_a_pause_it_asked_for_only_a_good_answer_counts(stage: Stage, target: Target) -> None:
    worker = Worker("a")
    target.answer("/busy", 429, retry_after="20")
    await stage.make(f"{target.url}/busy")
    await stage.run(worker)
    asked = await stage.host()
    target.answer_with(500)
    await stage.make(target.url)
    await stage.run(worker, 30)
    after_failure = await stage.host()
    target.answer_with(204)
    await stage.make(target.url)

    await stage.run(worker, 31)

    assert (asked.reason, asked.last_status, asked.answering_since) == ("retry_after", 429, None)
    assert after_failure.answering_since is None
    shown = await stage.host()
    assert shown.answering_since is not None
    assert (shown.last_status, shown.requests_since) == (204, 1)


async def test_an_answer_that_was_under_way_does_not_end_a_pause(stage: Stage, target: Target) -> None:
    worker, host = Worker("a"), stage.sender.origin_of(target.url)
    assert host is not None
    worker.rests.begin((stage.team.id, host), clock.milliseconds(clock.now()) + 60_000)
    named = f"127.0.0.1:{target.port}"
    await stage.make(target.url)
    works = await Claims(stage.redis, stage.team.shard, "a").claim(1)
    await throttle_host(stage.redis, stage.team, host=named, wanted_ms=60_000, most_ms=60_000)

    await process(works[0], stage.context(worker))

    assert len(target.received) == 1
    assert (await stage.host()).resting_until is not None


async def test_where_nothing_rests_no_command_is_sent(stage: Stage, target: Target) -> None:
    worker = Worker("a")
    await stage.make(target.url)
    works = await Claims(stage.redis, stage.team.shard, "a").claim(1)
    before = (await stage.redis.info("stats"))["total_commands_processed"]

    await process(works[0], stage.context(worker))

    after = (await stage.redis.info("stats"))["total_commands_processed"]
    assert (len(target.received), after - before) == (1, 1)  # the second look itself


def test_what_is_told_of_a_host_that_answers_again() -> None:
    rests = Rests()
    assert not rests
    assert rests.answered(KEY, 1.0, 0) is None
    now = elapsed()
    rests.begin(KEY, 5000)

    assert rests.answered(KEY, now, 4999) is None
    assert rests.answered(KEY, now, 5000) == Told(True, 1)
    assert rests.answered(KEY, now + TELL_SECONDS / 2, 5001) is None
    assert rests.answered(KEY, now + TELL_SECONDS, 5002) == Told(False, 2)
    assert rests.answered(KEY, now + TELL_SECONDS, 5003) is None
    assert rests


def test_a_rest_after_it_was_back_begins_anew() -> None:
    rests = Rests()
    rests.begin(KEY, is_silent=True)
    assert rests.answered(KEY, elapsed(), 0) == Told(True, 1)
    rests.begin(KEY, 9000)

    assert not rests.is_silent(KEY)
    assert rests.answered(KEY, elapsed(), 8999) is None
    assert rests.answered(KEY, elapsed(), 9000) == Told(True, 1)


def test_a_rest_is_forgotten_after_an_hour() -> None:
    rests = Rests()
    rests.begin(KEY)

    assert rests.answered(KEY, elapsed() + KEPT_SECONDS + 1, 0) is None
    assert not rests
