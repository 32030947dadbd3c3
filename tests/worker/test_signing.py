"""What arrives at a target is verified as its owner would: with the public packages, and by the documented recipe."""

from collections.abc import AsyncIterator

import pytest
import standardwebhooks
import svix.webhooks
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import jobs, queues, signatures
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.security import signing
from shared.security.addresses import Policy
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Received, Target

LATER = 10_000
HOUR = 3_600_000


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as sending:
        yield sending


async def run_all(redis: Redis, sender: Sender, after_ms: int = 0) -> None:
    worker, (seconds, _) = Claims(redis, keyspace.SHARDS[0], "w"), await redis.time()
    now = seconds * 1000 + 1000 + after_ms
    while works := await worker.claim(1, now):
        await worker.finish(
            [await process(work, Context(redis, sender, VAULT, MAILER)) for work in works], now
        )


async def sent(redis: Redis, team: Team, sender: Sender, target: Target) -> Received:
    """What the target got of a new job of the team."""
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=target.url, payload={"n": 1}))
    await run_all(redis, sender)
    return target.received[-1]


def is_genuine(received: Received, secret: str) -> bool:
    """Whether Recuro's own signature, of the newest or the secret before, is right."""
    stamp = received.headers[signing.TIMESTAMP]
    given = [received.headers.get(name) for name in (signing.SIGNATURE, signing.SIGNATURE_BEFORE)]
    return signing.recuro_signature(secret, stamp, received.body) in given


async def test_without_a_secret_nothing_is_signed(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    received = await sent(redis, team, sender, target)

    assert [name for name in received.headers if "signature" in name.lower()] == []


async def test_a_job_verifies_with_the_public_packages(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    secret = (await signatures.rotate(call_of(redis, team), 24)).secret

    received = await sent(redis, team, sender, target)

    headers = dict(received.headers)
    assert standardwebhooks.Webhook(secret).verify(received.body, headers) == {"n": 1}
    svix.webhooks.Webhook(secret).verify(received.body, headers)
    assert is_genuine(received, secret)


async def test_during_a_rotation_the_holders_of_either_secret_verify(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    old, new = [(await signatures.rotate(call_of(redis, team), 24)).secret for _ in range(2)]

    received = await sent(redis, team, sender, target)

    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(received.body, dict(received.headers))
        svix.webhooks.Webhook(secret).verify(received.body, dict(received.headers))
        assert is_genuine(received, secret)


async def test_a_secret_is_void_once_its_time_is_over(redis: Redis, team: Team) -> None:
    old, new = [(await signatures.rotate(call_of(redis, team), 1)).secret for _ in range(2)]
    stored = await redis.hget(keyspace.team_settings(team), "signing")  # type: ignore[misc]
    until = int(stored.split(" ")[2])

    assert signatures.secrets_of(VAULT, team.id, stored, until - 1) == [new, old]
    assert signatures.secrets_of(VAULT, team.id, stored, until) == [new]
    assert signatures.secrets_of(VAULT, team.id, stored.split(" ")[0], 0) == [new]


@pytest.mark.parametrize("hours", [-30, 2])
async def test_a_request_is_signed_and_told_by_the_installations_clock(
    redis: Redis, team: Team, sender: Sender, target: Target, hours: int
) -> None:
    await signatures.rotate(call_of(redis, team), 24)
    await redis.set(keyspace.correction(team.shard), hours * HOUR)
    made = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=target.url))
    worker = Claims(redis, team.shard, "w")

    (work,) = await worker.claim(1)
    await worker.finish([await process(work, Context(redis, sender, VAULT, MAILER))])

    now, run = await moments.now(redis, team.shard), (await jobs.get(redis, team, made.id)).run
    assert run is not None
    assert run.started_at is not None
    assert now.timestamp() == pytest.approx(int(target.received[-1].headers[signing.TIMESTAMP]), abs=5)
    assert now.timestamp() == pytest.approx(run.started_at.timestamp(), abs=5)


async def test_a_body_that_was_touched_or_another_secret_does_not_verify(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    secret = (await signatures.rotate(call_of(redis, team), 24)).secret
    received = await sent(redis, team, sender, target)
    touched = bytes([received.body[0] ^ 1]) + received.body[1:]

    for package in (standardwebhooks, svix.webhooks):
        with pytest.raises(package.WebhookVerificationError):
            package.Webhook(secret).verify(touched, dict(received.headers))
        with pytest.raises(package.WebhookVerificationError):
            package.Webhook(signing.new_secret()).verify(received.body, dict(received.headers))


@pytest.mark.parametrize("package", [standardwebhooks, svix.webhooks], ids=["standardwebhooks", "svix"])
def test_an_old_signature_does_not_verify(package: object) -> None:
    secret, body, old = signing.new_secret(), b"{}", 1_700_000_000

    with pytest.raises(package.WebhookVerificationError, match="too old"):  # type: ignore[attr-defined]
        package.Webhook(secret).verify(body, signing.headers_of([secret], "job-1-1", body, old))  # type: ignore[attr-defined]


async def test_the_attempts_of_a_job_are_one_message_to_its_target(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    await signatures.rotate(call_of(redis, team), 24)
    await queues.create(call_of(redis, team), QueueCreate(name="mail", retry_delays=(1,)))
    target.answer_with(500)

    await sent(redis, team, sender, target)
    await run_all(redis, sender, LATER)

    first, second = [received.headers for received in target.received]
    assert first["webhook-id"] == second["webhook-id"] == first["Idempotency-Key"]
    assert first["Idempotency-Key"] == second["Idempotency-Key"]


async def test_a_callback_is_signed_too(redis: Redis, team: Team, sender: Sender, target: Target) -> None:
    secret = (await signatures.rotate(call_of(redis, team), 24)).secret
    await jobs.create(
        call_of(redis, team), JobCreate(queue="m", url=target.url, callback_url=f"{target.url}/told")
    )

    await run_all(redis, sender)

    told = target.received[-1]
    assert told.path == "/told"
    assert standardwebhooks.Webhook(secret).verify(told.body, dict(told.headers))["event"] == "job.completed"
    assert (
        told.headers["webhook-id"]
        == told.headers["Idempotency-Key"]
        != target.received[0].headers["webhook-id"]
    )


async def test_another_team_does_not_sign_with_it(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    await signatures.rotate(call_of(redis, Team(2)), 24)

    received = await sent(redis, team, sender, target)

    assert signing.SIGNATURE not in received.headers
