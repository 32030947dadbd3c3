"""What was sent and what came back is kept, and shown without its secrets."""

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import crons, executions, jobs, signatures
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.runs import STORED, Run
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import MASK
from shared.store import keyspace
from shared.store.keyspace import Team
from tests import hostile
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

ADMISSION = Admission(Policy(LOOPBACK), VAULT)
WORKER = "host-a:7"
HEADERS = {"Authorization": "Bearer canary-of-the-run", "X-Tenant": "7"}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as sending:
        yield sending


async def run_of_job(redis: Redis, team: Team, sender: Sender, **asked: object) -> Run:
    job = JobCreate.model_validate({"queue": "mail", **asked})
    made = await jobs.create(call_of(redis, team), ADMISSION.admit(team, job))
    await run_next(redis, sender)
    run = (await jobs.get(redis, team, made.id)).run
    assert run is not None
    return run


async def run_next(redis: Redis, sender: Sender) -> None:
    worker, context = (
        Claims(redis, keyspace.SHARDS[0], "w"),
        Context(redis, sender, VAULT, MAILER, worker=WORKER),
    )
    await worker.finish([await process(work, context) for work in await worker.claim(1)])


async def test_a_run_shows_what_was_sent(redis: Redis, team: Team, sender: Sender, target: Target) -> None:
    run = await run_of_job(redis, team, sender, url=target.url, headers=HEADERS, payload={"n": 1})

    (received,) = target.received
    assert run.request_body == received.body.decode() == '{"n":1}'
    shown = run.request_headers or {}
    assert shown.pop("Authorization") == MASK
    assert shown.items() <= dict(received.headers).items()
    assert {"X-Tenant", "Content-Type", "User-Agent", "Idempotency-Key", "traceparent"} <= shown.keys()


@pytest.mark.parametrize(
    ("asked", "body"), [({"body": "a=1"}, "a=1"), ({}, None), ({"body": "é" * 70_000}, "é" * 65_536)]
)
async def test_a_run_shows_the_body_as_sent_up_to_a_bound(
    redis: Redis, team: Team, sender: Sender, target: Target, asked: dict[str, str], body: str | None
) -> None:
    run = await run_of_job(redis, team, sender, url=target.url, **asked)

    assert run.request_body == body
    assert run.request_truncated is (asked == {"body": "é" * 70_000})
    assert (run.request_method, run.request_url) == ("POST", target.url)


async def test_the_run_of_an_execution_shows_what_was_sent_then(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    asked = CronCreate(
        name="ping", url=target.url, cron_expression="* * * * *", headers=HEADERS, payload="then"
    )
    cron = await crons.create(call_of(redis, team), ADMISSION.admit(team, asked))
    execution = await executions.create(call_of(redis, team), cron.id)

    await run_next(redis, sender)

    run = (await executions.get(redis, team, cron.id, execution.id)).run
    assert run is not None
    assert run.request_body == "then"
    assert (run.request_headers or {})["Authorization"] == MASK
    assert (run.request_headers or {})["Recuro-Cron-Id"] == str(cron.id)
    assert (run.request_method, run.request_url, run.request_truncated) == ("POST", target.url, False)
    assert run.worker == WORKER
    assert run.phases is not None


async def test_a_long_body_of_an_execution_is_marked_as_cut(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    asked = CronCreate(name="long", url=target.url, cron_expression="* * * * *", payload="z" * 70_000)
    cron = await crons.create(call_of(redis, team), ADMISSION.admit(team, asked))
    execution = await executions.create(call_of(redis, team), cron.id)

    await run_next(redis, sender)

    run = (await executions.get(redis, team, cron.id, execution.id)).run
    assert run is not None
    assert (len(run.request_body or ""), run.request_truncated) == (65_536, True)
    assert (run.request_url, run.worker, run.connection) == (target.url, WORKER, "new")


async def test_a_run_shows_where_its_time_went(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    first = await run_of_job(redis, team, sender, url=target.url)
    second = await run_of_job(redis, team, sender, url=target.url)

    assert (first.connection, second.connection) == ("new", "kept")
    assert first.phases is not None
    assert second.phases is not None
    for run in (first, second):
        times = run.phases.model_dump(exclude={"waited_ms"}) if run.phases else {}
        assert sum(value or 0 for value in times.values()) == run.duration_ms
        assert (run.address, run.worker) == ("127.0.0.1", WORKER)
    assert None not in (first.phases.connect_ms, first.phases.sent_ms, first.phases.first_byte_ms)
    assert (second.phases.dns_ms, second.phases.connect_ms, second.phases.tls_ms) == (None, None, None)


async def test_the_wait_of_a_run_begins_when_it_was_due(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    made = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=target.url))
    await redis.set(keyspace.correction(team.shard), 40_000)

    await run_next(redis, sender)

    job = await jobs.get(redis, team, made.id)
    assert job.run is not None
    assert job.run.phases is not None
    assert 40_000 <= job.run.phases.waited_ms < 60_000


async def test_a_long_run_has_its_phases_too(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(200, b"z" * 10_000)

    run = await run_of_job(redis, team, sender, url=target.url)

    assert (len(run.response_body or ""), run.connection, run.worker) == (10_000, "new", WORKER)
    assert run.phases is not None


async def test_a_run_of_an_earlier_version_has_no_phases(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    made = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=target.url))
    await run_next(redis, sender)
    key = f"{team.prefix}r:{team.id}:j{made.id}"
    values = json.loads(str(await redis.get(key)))

    await redis.set(key, json.dumps(values[: STORED.index("request_body")]))

    run = (await jobs.get(redis, team, made.id)).run
    assert run is not None
    assert (run.response_status, run.phases, run.connection, run.worker) == (200, None, None, None)


async def test_a_host_that_is_not_found_has_no_connection(redis: Redis, team: Team) -> None:
    nowhere = Resolver(Policy(LOOPBACK), lambda name: [])
    async with Sender(Policy(LOOPBACK), resolver=nowhere) as sender:
        run = await run_of_job(redis, team, sender, url="http://nowhere.test/")

    assert run.failure_reason == "dns_error"
    assert run.phases is not None
    assert run.phases.dns_ms == run.duration_ms
    assert (run.connection, run.address, run.request_url) == (None, None, None)


async def test_signatures_are_not_kept(redis: Redis, team: Team, sender: Sender, target: Target) -> None:
    await signatures.rotate(call_of(redis, team), 24)

    run = await run_of_job(redis, team, sender, url=target.url)

    shown, sent = run.request_headers or {}, target.received[0].headers
    for name in ("X-Recuro-Signature", "webhook-signature"):
        assert len(sent[name]) > len(MASK) == len(shown[name])
    assert shown["X-Recuro-Timestamp"] == sent["X-Recuro-Timestamp"]


async def test_what_did_not_go_out_is_not_shown_as_sent(redis: Redis, team: Team, sender: Sender) -> None:
    run = await run_of_job(redis, team, sender, url="http://127.0.0.1:2/", payload={"n": 1})

    assert (run.failure_reason, run.failure_stage) == ("connection_error", "connect")
    assert (run.request_headers, run.request_body) == (None, None)


async def test_all_values_of_a_header_are_kept(redis: Redis, team: Team, sender: Sender) -> None:
    answer = hostile.HEAD + b"Set-Cookie: a=1\r\nX-One: 1\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    async with hostile.serving(hostile.saying(answer)) as address:
        run = await run_of_job(redis, team, sender, url=f"http://{address}/")

    assert run.response_headers == {"set-cookie": ["a=1", "b=2"], "x-one": "1", "content-length": "0"}


async def test_the_log_line_of_a_run_names_queue_request_and_host(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    secret = f"{target.url}/canary?token=canary"

    with capture_logs() as logged:
        await run_of_job(redis, team, sender, url=secret, headers=HEADERS)

    (line,) = [line for line in logged if line["event"] == "run"]
    assert (line["name"], line["team"], line["host"]) == ("mail", team.id, target.url.removeprefix("http://"))
    assert line["request_id"] == target.received[0].headers["Idempotency-Key"]
    assert "canary" not in str(line)


async def test_the_log_line_of_a_crons_run_names_the_cron(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    cron = CronCreate(name="nightly", url=target.url, cron_expression="0 3 * * *")
    made = await crons.create(call_of(redis, team), ADMISSION.admit(team, cron))
    await executions.create(call_of(redis, team), made.id)

    with capture_logs() as logged:
        await run_next(redis, sender)

    assert [line["name"] for line in logged if line["event"] == "run"] == ["nightly"]
