"""What was sent and what came back is kept, and shown without its secrets."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.runs import Run
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
    worker, context = Claims(redis, keyspace.SHARDS[0], "w"), Context(redis, sender, VAULT, MAILER)
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
