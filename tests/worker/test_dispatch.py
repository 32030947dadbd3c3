"""Work for a host that is given a rest waits, uses no attempt, says for what, and ends in finite time."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from services.worker import throttles
from services.worker.circuits import FAILURES, Circuits
from services.worker.context import Context
from services.worker.dispatch import LONGEST_HOST_WAIT_SECONDS, SPREAD
from services.worker.http.client import Sender
from services.worker.http.egress import OF_A_TEAM, Resolver
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.throttles import LONGEST_SECONDS, PROBE_SECONDS
from services.worker.work import Work
from shared.actions import alerts, crons, executions, jobs, queues
from shared.schemas.alerts import AlertQuery
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import Job, JobCreate
from shared.schemas.queues import QueueCreate
from shared.security.addresses import Policy
from shared.security.destinations import Origin
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.installation import free_port
from tests.target import Target


@dataclass(slots=True)
class Stage:
    """A worker of an installation whose clock is ours: `after_seconds` from now."""

    redis: Redis
    team: Team
    sender: Sender
    circuits: Circuits = field(default_factory=Circuits)

    async def make(self, url: str, n: int = 1, **asked: object) -> list[int]:
        job = JobCreate.model_validate({"queue": "mail", "url": url, **asked})
        return [made.id for made in await jobs.create_many(call_of(self.redis, self.team), [job] * n)]

    async def run(self, after_seconds: float = 0.0, circuits: Circuits | None = None) -> list[Work]:
        """Do once what is ready; a rested host would have it come back at once."""
        context = Context(self.redis, self.sender, VAULT, MAILER, circuits or self.circuits)
        worker = Claims(self.redis, self.team.shard, "w")
        await self.redis.set(keyspace.correction(self.team.shard), round((1 + after_seconds) * 1000))
        works = await worker.claim(64)
        await worker.finish([await process(work, context) for work in works])
        return works

    async def job(self, job_id: int) -> Job:
        return await jobs.get(self.redis, self.team, job_id)


@pytest.fixture
async def stage(redis: Redis, team: Team) -> AsyncIterator[Stage]:
    async with Sender(Policy(LOOPBACK)) as sender:
        yield Stage(redis, team, sender)


def host_of(stage: Stage, target: Target) -> Origin:
    host = stage.sender.origin_of(target.url)
    assert host is not None
    return host


@pytest.fixture
def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}/"


async def test_jobs_for_a_silent_host_are_held_back_unharmed(stage: Stage, nowhere: str) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", retries_enabled=False))
    ids = await stage.make(nowhere, FAILURES + 4)

    await stage.run()

    shown = [await stage.job(job_id) for job_id in ids]
    assert [job.status for job in shown] == ["failed"] * FAILURES + ["pending"] * 4
    held = shown[-1]
    assert (held.attempt_number, held.run) == (1, None)
    assert held.waits_for is not None
    said = f"{nowhere.split('/')[2]} has left {FAILURES} requests in a row without an answer"
    assert held.waits_for.startswith(said)
    assert (await ledger.read(stage.redis, stage.team)).holds
    assert await stage.run() == []


async def test_a_host_that_is_back_gets_what_waited_for_it(stage: Stage, target: Target) -> None:
    for _ in range(FAILURES):
        host = stage.sender.origin_of(target.url)
        assert host is not None
        stage.circuits.note((stage.team.id, host), -60.0, silent=True)
    ids = await stage.make(target.url, 3)

    await stage.run()
    probed = len(target.received)
    await stage.run(100)

    assert probed >= 1
    assert len(target.received) == 3
    assert {(await stage.job(job_id)).final_status for job_id in ids} == {"success"}
    assert {(await stage.job(job_id)).waits_for for job_id in ids} == {None}


async def test_who_was_held_back_for_too_long_fails_unsent_so_that_chains_end(
    stage: Stage, nowhere: str
) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", retry_delays=(1,)))
    await stage.make(nowhere, FAILURES)
    await stage.run()
    (late,) = await stage.make(nowhere, 1, queue="other")
    await stage.run()
    record = f"{stage.team.prefix}j:{stage.team.id}:{late}"
    since = int(await stage.redis.hget(record, "held_since"))  # type: ignore[misc]

    await stage.redis.hset(record, "held_since", str(since - LONGEST_HOST_WAIT_SECONDS * 1000 - 2000))  # type: ignore[misc]
    await stage.run(20)

    job = await stage.job(late)
    assert (job.status, job.final_status) == ("failed", "retrying")
    assert job.run is not None
    assert job.run.failure_reason == "connection_error"
    assert "this one was not sent" in (job.run.error_message or "")


async def test_a_rest_that_the_host_asked_for_is_no_silence(stage: Stage, nowhere: str) -> None:
    (job_id,) = await stage.make(nowhere)
    record = f"{stage.team.prefix}j:{stage.team.id}:{job_id}"
    host = stage.sender.origin_of(nowhere)
    assert host is not None
    named = f"{host.host}:{host.port}"
    await transitions.throttle_host(stage.redis, stage.team, host=named, wanted_ms=300_000, most_ms=300_000)
    await stage.run()
    assert await stage.redis.hget(record, "held_since") == "0"  # type: ignore[misc]

    for _ in range(FAILURES):
        stage.circuits.note((stage.team.id, host), time.monotonic(), silent=True)
    await stage.run(300 * (1 + SPREAD) + 10)

    since = await stage.redis.hget(record, "held_since")  # type: ignore[misc]
    await stage.run(300 * (1 + SPREAD) + 100)

    assert "without an answer" in ((await stage.job(job_id)).waits_for or "")
    assert int(since) > 0
    assert await stage.redis.hget(record, "held_since") == since  # type: ignore[misc]


@pytest.mark.parametrize("years", [-20, 20])
async def test_the_installations_clock_says_when_a_rest_is_over(
    stage: Stage, target: Target, years: int
) -> None:
    await stage.make(target.url)
    host, seconds = stage.sender.origin_of(target.url), years * 31_536_000
    assert host is not None
    began, _ = await stage.redis.time()
    named, at = f"{host.host}:{host.port}", (began + seconds) * 1000
    await transitions.throttle_host(
        stage.redis, stage.team, host=named, wanted_ms=60_000, most_ms=60_000, now_ms=at
    )

    await stage.run(seconds)
    waiting = len(target.received)
    await stage.run(seconds + 60 * (1 + SPREAD) + 5)

    assert (waiting, len(target.received)) == (0, 1)


async def test_executions_and_callbacks_are_held_back_too(stage: Stage, nowhere: str, target: Target) -> None:
    await stage.make(nowhere, FAILURES)
    await stage.run()
    asked = CronCreate(name="a", url=nowhere, cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(stage.redis, stage.team), asked)
    execution = await executions.create(call_of(stage.redis, stage.team), cron.id)
    (told,) = await stage.make(target.url, callback_url=nowhere)

    await stage.run()
    works = await stage.run()

    assert [work.kind for work in works] == ["n"]
    shown = await executions.get(stage.redis, stage.team, cron.id, execution.id)
    assert shown.status == "pending"
    assert "without an answer" in (shown.waits_for or "")
    assert (await stage.job(told)).callback_status is None
    assert await stage.run() == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("30", 30), ("300", LONGEST_SECONDS), ("0", 0), ("-5", 0), ("soon", 0)],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_host_is_left_alone_by_the_whole_team(
    stage: Stage, target: Target, status: int, said: str, seconds: int
) -> None:
    target.answer_with(status, headers={"Retry-After": said})
    await stage.make(target.url)
    await stage.run()
    (other,) = await stage.make(f"{target.url}/other", queue="other")

    works = await stage.run(circuits=Circuits())
    job = await stage.job(other)

    assert len(works) == 1
    assert len(target.received) == (1 if seconds else 2)
    assert (job.status == "pending") is bool(seconds)
    if seconds:
        assert "is busy until" in (job.waits_for or "")
        assert await stage.run(seconds - 2) == []
        await stage.run(seconds * (1 + SPREAD) + 2, circuits=Circuits())
        assert [request.path for request in target.received][-1] in ("/other", "/")


@pytest.fixture
async def busy(stage: Stage, target: Target) -> Target:
    """A target of which one job was told that it is busy for an hour."""
    target.answer("/busy", 429, retry_after="3600")
    await stage.make(f"{target.url}/busy")
    await stage.run()
    return target


def seen(target: Target) -> list[str]:
    return [request.path for request in target.received]


async def test_who_asks_for_an_hour_is_left_alone_by_the_team_for_minutes(stage: Stage, busy: Target) -> None:
    ids = await stage.make(f"{busy.url}/well", 5, queue="other")

    await stage.run(1)
    waiting = (await stage.job(ids[0])).waits_for
    await stage.run(LONGEST_SECONDS * (1 + SPREAD) + 2)
    await stage.run((LONGEST_SECONDS + PROBE_SECONDS) * (1 + SPREAD) + 5)

    assert waiting is not None
    assert waiting.count("is busy until") == waiting.count("one request at a time") == 1
    assert seen(busy) == ["/busy"] + ["/well"] * 5


async def test_the_retry_of_who_was_told_so_waits_for_the_whole_hour(stage: Stage, busy: Target) -> None:
    await stage.run(3598)
    early = seen(busy)
    await stage.run(3602)

    assert (early, seen(busy)) == (["/busy"], ["/busy", "/busy"])


async def test_one_request_of_the_whole_team_finds_out_at_a_time(stage: Stage, busy: Target) -> None:
    await stage.make(f"{busy.url}/well", 5)
    await stage.run(1)
    later = LONGEST_SECONDS * (1 + SPREAD) + 2
    await stage.redis.set(keyspace.correction(stage.team.shard), round(later * 1000))
    workers = [Claims(stage.redis, stage.team.shard, name) for name in "ab"]

    works = [work for worker in workers for work in await worker.claim(2)]
    waits = [await throttles.wait_of(work, host_of(stage, busy), stage.redis) for work in works]

    assert (len(works), waits.count(0.0)) == (4, 1)
    assert all(PROBE_SECONDS - 5 < wait <= PROBE_SECONDS for wait in waits if wait)


async def test_one_that_finds_out_and_is_never_heard_of_again_is_followed_by_another(
    stage: Stage, busy: Target
) -> None:
    await stage.make(f"{busy.url}/well", 2)
    await stage.run(1)
    worker, clock = Claims(stage.redis, stage.team.shard, "a"), keyspace.correction(stage.team.shard)
    later = LONGEST_SECONDS * (1 + SPREAD) + 2

    await stage.redis.set(clock, round(later * 1000))
    lost, other = await worker.claim(2)
    waits = [await throttles.wait_of(work, host_of(stage, busy), stage.redis) for work in (lost, other)]
    await stage.redis.set(clock, round((later + PROBE_SECONDS + 1) * 1000))
    await worker.beat([other])  # which brings the time
    waits.append(await throttles.wait_of(other, host_of(stage, busy), stage.redis))

    assert (waits[0], waits[1] > 0, waits[2]) == (0.0, True, 0.0)


@pytest.mark.parametrize(("retry_after", "status"), [("3600", 429), ("", 429), ("", 503), ("7", 503)])
async def test_one_that_finds_the_host_still_busy_waits_with_the_others(
    stage: Stage, busy: Target, retry_after: str, status: int
) -> None:
    busy.answer("/well", status, retry_after=retry_after)
    await stage.make(f"{busy.url}/well", 3)
    await stage.run(1)
    later = LONGEST_SECONDS * (1 + SPREAD) + 2

    await stage.run(later)
    tried = len(seen(busy))
    await stage.run(later + 5)

    assert (tried, len(seen(busy))) == (2, 2)


async def test_a_host_that_cannot_serve_is_not_taken_for_back(stage: Stage, busy: Target) -> None:
    busy.answer("/well", 502)
    await stage.make(f"{busy.url}/well", 3)
    await stage.run(1)

    await stage.run(LONGEST_SECONDS * (1 + SPREAD) + 2)

    assert len(seen(busy)) == 2


async def test_what_holds_the_whole_team_is_an_alert_an_hour(stage: Stage, busy: Target) -> None:
    await stage.make(f"{busy.url}/busy", 2, queue="other")
    await stage.run(1)
    await stage.run(LONGEST_SECONDS * (1 + SPREAD) + 2)

    page = await alerts.page(stage.redis, stage.team, AlertQuery())

    (alert,) = page.data
    assert (alert.type, alert.alertable_type, alert.count, alert.deliveries) == ("warning", "team", 2, ())
    assert alert.data.response_status == 429
    assert alert.message.startswith(f"{busy.url.split('/')[2]} asks for a rest: it answered with status 429")


async def test_a_host_that_is_found_to_be_back_gets_everything_at_once(stage: Stage, busy: Target) -> None:
    await stage.make(f"{busy.url}/well")
    await stage.run(1)
    later = LONGEST_SECONDS * (1 + SPREAD) + 2

    await stage.run(later)
    await stage.make(busy.url, 3)
    works = await Claims(stage.redis, stage.team.shard, "a").claim(3)
    waits = [await throttles.wait_of(work, host_of(stage, busy), stage.redis) for work in works]

    assert (seen(busy), waits) == (["/busy", "/well"], [0.0] * 3)


async def test_of_two_rests_the_later_counts(stage: Stage, target: Target) -> None:
    await stage.make(target.url, queue="other")
    for seconds in (60, 10):
        host, asked, most = f"127.0.0.1:{target.port}", seconds * 1000, LONGEST_SECONDS * 1000
        await transitions.throttle_host(stage.redis, stage.team, host=host, wanted_ms=asked, most_ms=most)

    await stage.run()
    await stage.run(10 * (1 + SPREAD) + 5)

    assert target.received == []


async def test_a_short_rest_is_no_alert(stage: Stage, target: Target) -> None:
    target.answer_with(429, headers={"Retry-After": str(LONGEST_SECONDS)})
    await stage.make(target.url)

    await stage.run()

    assert (await alerts.page(stage.redis, stage.team, AlertQuery())).total == 0


async def test_another_team_is_not_held_back(stage: Stage, target: Target) -> None:
    target.answer_with(429, headers={"Retry-After": "60"})
    await stage.make(target.url)
    await stage.run()

    await Stage(stage.redis, Team(2), stage.sender).make(target.url)
    await stage.run()

    assert len(target.received) == 2


async def test_a_failure_without_a_wish_holds_nobody_back(stage: Stage, target: Target) -> None:
    target.answer_with(503)
    await stage.make(target.url, 3)

    await stage.run()

    assert len(target.received) == 3


async def test_what_waits_for_a_host_can_be_cancelled_and_deleted(stage: Stage, nowhere: str) -> None:
    await queues.create(call_of(stage.redis, stage.team), QueueCreate(name="mail", retries_enabled=False))
    await stage.make(nowhere, FAILURES)
    await stage.run()
    first, second = await stage.make(nowhere, 2)
    await stage.run()

    cancelled = await jobs.cancel(call_of(stage.redis, stage.team), first)
    await jobs.delete(call_of(stage.redis, stage.team), second)

    assert cancelled.status == "failed"
    assert await stage.run(100) == []
    assert (await ledger.read(stage.redis, stage.team)).holds


@pytest.mark.parametrize(
    "spec", ["{}", "[]", "not JSON", '{"url": 3}', '{"url": "https://a.example/", "headers": 3}']
)
async def test_what_nobody_can_read_ends_and_says_so(stage: Stage, spec: str) -> None:
    (job_id,) = await stage.make("https://a.example/")
    await stage.redis.set(f"{stage.team.prefix}b:{stage.team.id}:{job_id}", spec)

    (work,) = await stage.run()

    stored = await stage.redis.get(f"{stage.team.prefix}r:{stage.team.id}:j{job_id}")
    assert work.id == job_id
    assert "the worker's log says why" in stored or "invalid_url" in stored
    assert (await ledger.read(stage.redis, stage.team)).processing == 0


@asynccontextmanager
async def all_places_taken(team: Team) -> AsyncIterator[Sender]:
    """A sender of whose look-ups the team has all of its own under way."""
    silent = threading.Event()

    def look_up(name: str) -> list[str]:
        if name.startswith("silent"):
            silent.wait(10)
        return ["127.0.0.1"]

    policy = Policy(LOOPBACK)
    resolver = Resolver(policy, look_up)
    async with Sender(policy, resolver=resolver) as sender:
        taken = [
            asyncio.create_task(resolver.addresses(f"silent-{n}.test", team.id)) for n in range(OF_A_TEAM)
        ]
        await asyncio.sleep(0)
        yield sender
        silent.set()
        await asyncio.gather(*taken, return_exceptions=True)


async def test_who_waits_for_a_look_up_uses_no_attempt_and_says_so(
    redis: Redis, team: Team, target: Target
) -> None:
    async with all_places_taken(team) as sender:
        stage = Stage(redis, team, sender)
        (job_id,) = await stage.make(f"http://quick.test:{target.port}/")
        await stage.run()
        held = await stage.job(job_id)

    assert (held.status, held.attempt_number, held.run) == ("pending", 1, None)
    assert held.waits_for == (
        f"quick.test was not looked up, for the team has {OF_A_TEAM} look-ups under way."
    )


async def test_who_waited_for_a_look_up_for_too_long_fails_unsent(redis: Redis, team: Team) -> None:
    async with all_places_taken(team) as sender:
        stage = Stage(redis, team, sender)
        await queues.create(call_of(redis, team), QueueCreate(name="mail", retries_enabled=False))
        (job_id,) = await stage.make("http://quick.test/")
        await stage.run()
        await transitions.promote(redis, team.shard, most=10, now_ms=10**13)
        await stage.run(LONGEST_HOST_WAIT_SECONDS + 10)
        failed = await stage.job(job_id)

    assert failed.run is not None
    assert failed.run.failure_reason == "dns_error"
