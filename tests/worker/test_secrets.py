"""A secret that was sealed at the door leaves as it was given, and nowhere else."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import Vault
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

ADMISSION = Admission(Policy(LOOPBACK), VAULT)
HEADERS = {"Authorization": "Bearer canary", "X-Tenant": "7"}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as sending:
        yield sending


async def run_next(redis: Redis, context: Context) -> None:
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    await worker.finish([await process(work, context) for work in await worker.claim(1)])


async def test_a_jobs_secret_arrives_as_it_was_given(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    asked = JobCreate(queue="mail", url=target.url, headers=HEADERS)
    await jobs.create(call_of(redis, team), ADMISSION.admit(team, asked))

    await run_next(redis, Context(redis, sender, VAULT, MAILER))

    (received,) = target.received
    assert [received.headers[name] for name in HEADERS] == list(HEADERS.values())


async def test_a_crons_secret_arrives_as_it_was_given(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    asked = CronCreate(name="ping", url=target.url, cron_expression="* * * * *", headers=HEADERS)
    cron = await crons.create(call_of(redis, team), ADMISSION.admit(team, asked))
    await executions.create(call_of(redis, team), cron.id)

    await run_next(redis, Context(redis, sender, VAULT, MAILER))

    (received,) = target.received
    assert received.headers["Authorization"] == "Bearer canary"


async def test_a_worker_with_another_key_says_so_and_sends_nothing(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    asked = JobCreate(queue="mail", url=target.url, headers=HEADERS)
    made = await jobs.create(call_of(redis, team), ADMISSION.admit(team, asked))

    await run_next(
        redis, Context(redis, sender, Vault("another-key-of-more-than-thirty-two-letters"), MAILER)
    )

    run = (await jobs.get(redis, team, made.id)).run
    assert run is not None
    assert run.failure_reason == FailureReason.UNKNOWN
    assert "RECURO_ENCRYPTION_KEY" in (run.error_message or "")
    assert target.received == []
