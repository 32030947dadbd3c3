"""Targets that echo what they were sent, and those who look on."""

import base64
import html
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.response import KEPT_BYTES
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import alerts, crons, executions, jobs, notifications, queues, signatures
from shared.schemas.alerts import AlertQuery
from shared.schemas.assertions import BodyContains, HeaderEquals, JsonPathEquals
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import Job, JobCreate
from shared.schemas.notifications import Channel, Notifications
from shared.schemas.queues import QueueCreate
from shared.schemas.runs import Run
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import MASK
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

SECRET = 'canary/"of&a+header" 5f1c'
PASSWORD = "canary-of-a-password"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
ADMISSION = Admission(Policy(LOOPBACK), VAULT)


@pytest.fixture
async def context(redis: Redis) -> AsyncIterator[Context]:
    async with Sender(Policy(LOOPBACK)) as sender:
        yield Context(redis, sender, VAULT, MAILER, secrets=("canary-of-the-proxy",))


async def run_all(context: Context) -> None:
    worker = Claims(context.redis, keyspace.SHARDS[0], "w")
    while works := await worker.claim(10):
        await worker.finish([await process(work, context) for work in works])


async def done(context: Context, team: Team, target: Target, headers: dict[str, str], **asked: object) -> Job:
    job = JobCreate.model_validate({"queue": "mail", "url": target.url, "headers": headers, **asked})
    made = await jobs.create(call_of(context.redis, team), ADMISSION.admit(team, job))
    await run_all(context)
    return await jobs.get(context.redis, team, made.id)


def run_of(job: Job) -> Run:
    assert job.run
    return job.run


async def everything(redis: Redis) -> str:
    return str([await redis.dump(key) for key in await redis.keys("*")])


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET).replace("/", "\\/")[1:-1],
        html.escape(SECRET),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
async def test_a_secret_that_is_echoed_is_masked_however_it_is_spelt(
    context: Context, team: Team, target: Target, echo: str
) -> None:
    target.answer_with(200, f"you sent X-Api-Key: {echo}, thank you".encode())

    job = await done(context, team, target, {"X-Api-Key": SECRET})

    assert run_of(job).response_body == f"you sent X-Api-Key: {MASK}, thank you"


@pytest.mark.parametrize(
    ("headers", "echo"),
    [
        ({"Authorization": "Bearer canary-of-a-token"}, "canary-of-a-token"),
        ({"Authorization": f"Basic {BASIC}"}, BASIC),
        ({"Authorization": f"Basic {BASIC}"}, PASSWORD),
        ({"Cookie": "a=1; session=canary-of-a-session"}, "canary-of-a-session"),
        ({"Authorization": 'Digest user="me", response="canary-of-a-digest"'}, "canary-of-a-digest"),
        ({}, "canary-of-the-proxy"),
    ],
)
async def test_the_half_of_a_header_that_is_the_secret_is_masked(
    context: Context, team: Team, target: Target, headers: dict[str, str], echo: str
) -> None:
    target.answer_with(500, f'{{"was": "{echo}"}}'.encode(), {"X-Was": echo})

    job = await done(context, team, target, headers)

    assert run_of(job).response_body == f'{{"was": "{MASK}"}}'
    assert (run_of(job).response_headers or {})["x-was"] == MASK
    assert echo not in await everything(context.redis)


async def test_a_redirect_that_carries_the_secret_is_told_without_it(
    context: Context, team: Team, target: Target
) -> None:
    target.answer_with(302, headers={"Location": "https://b.example/?token=canary-of-a-token"})

    job = await done(context, team, target, {"Authorization": "Bearer canary-of-a-token"})

    assert f"https://b.example/?token={MASK}" in (run_of(job).error_message or "")
    assert "canary" not in str(run_of(job))


async def test_assertions_see_the_answer_as_it_came_and_tell_it_masked(
    context: Context, team: Team, target: Target
) -> None:
    """Also where their sentence quotes only the beginning of it."""
    secret = "canary-" * 30
    assertions = (
        BodyContains(type="body_contains", value=secret),
        HeaderEquals(type="header_equals", name="X-Was", value=secret),
        JsonPathEquals(type="json_path_equals", path="$.was", value="other"),
    )
    await queues.create(call_of(context.redis, team), QueueCreate(name="mail", success_assertions=assertions))
    target.answer_with(200, json.dumps({"was": secret}).encode(), {"X-Was": secret})

    job = await done(context, team, target, {"X-Api-Key": secret})

    assert "json_path_equals" in (run_of(job).error_message or "")
    assert "canary" not in str(run_of(job))


@pytest.mark.parametrize("left", [8, 12, 24])
async def test_a_secret_that_the_bound_of_what_is_kept_cuts_in_two_is_masked(
    context: Context, team: Team, target: Target, left: int
) -> None:
    target.answer_with(200, b"." * (KEPT_BYTES - left) + b"canary-of-a-token-of-thirty-two!")

    job = await done(context, team, target, {"X-Token": "canary-of-a-token-of-thirty-two!"})

    assert (run_of(job).response_body or "").strip(".") == MASK


async def test_what_is_short_or_nobodys_secret_stays_as_it_came(
    context: Context, team: Team, target: Target
) -> None:
    target.answer_with(200, b"on, 7 and acme-of-berlin")

    job = await done(context, team, target, {"X-Key": "on", "Cookie": "a=7", "X-Tenant": "acme-of-berlin"})

    assert run_of(job).response_body == "on, 7 and acme-of-berlin"


async def test_an_idempotency_key_is_no_secret(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    target.echo("/", 200)
    asked = CronCreate(name="ping", url=target.url, cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(redis, team), asked)

    run = await executions.create(call_of(redis, team), cron.id)
    await run_all(context)

    sent = target.received[0].headers["Idempotency-Key"]
    ended = await executions.get(redis, team, cron.id, run.id)
    assert ended.run
    assert sent in (ended.run.response_body or "")


async def test_a_signing_secret_that_somebody_echoes_is_masked(
    context: Context, team: Team, target: Target
) -> None:
    made = await signatures.rotate(call_of(context.redis, team), 24)
    target.answer_with(200, f"verified with {made.secret}".encode())

    job = await done(context, team, target, {})

    assert run_of(job).response_body == f"verified with {MASK}"


async def test_alerts_callbacks_and_last_responses_are_told_without_it(
    context: Context, team: Team, target: Target
) -> None:
    target.answer_with(500, b"no: Bearer canary-of-a-token")
    hook = Notifications.model_validate({"webhook": {"url": f"{target.url}/alerts"}})
    await notifications.put(call_of(context.redis, team), hook)
    asked = CronCreate(
        name="ping",
        url=f"{target.url}/work",
        cron_expression="0 0 1 1 *",
        callback_url=f"{target.url}/told",
        alert_threshold=1,
        headers={"Authorization": "Bearer canary-of-a-token"},
    )
    cron = await crons.create(call_of(context.redis, team), ADMISSION.admit(team, asked))
    await executions.create(call_of(context.redis, team), cron.id)

    await run_all(context)

    (alert,) = (await alerts.page(context.redis, team, AlertQuery())).data
    told = [request.body.decode() for request in target.received if request.path != "/work"]
    assert len(told) == 2
    assert [MASK in text and "canary" not in text for text in (*told, str(alert))] == [True] * 3
    assert (await crons.get(context.redis, team, cron.id)).last_response == f"no: Bearer {MASK}"
    assert "canary-of-a-token" not in await everything(context.redis)


async def test_a_channels_url_is_not_told_by_a_redirect_of_the_channel(
    context: Context, team: Team, target: Target
) -> None:
    target.answer("/hooks/canary-of-a-channel", 302, location="https://b.example/canary-of-a-channel")
    hook = Notifications.model_validate({"slack": {"url": f"{target.url}/hooks/canary-of-a-channel"}})
    await notifications.put(call_of(context.redis, team), hook)
    test = await alerts.test(call_of(context.redis, team), Channel.SLACK)

    await run_all(context)

    error = (await alerts.outcome(context.redis, team, test, Channel.SLACK)).error
    assert f"https://b.example/{MASK}" in (error or "")
