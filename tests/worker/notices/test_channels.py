"""Alerts on their way to people: real mail, real webhooks, retries and failures that can be seen."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import standardwebhooks
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.notices.channels import RENDERINGS
from services.worker.notices.mail import Mailer
from services.worker.processor import process
from services.worker.retry import OF_NOTICES
from services.worker.work import Work
from shared.actions import (
    alerts,
    crons,
    dead_letters,
    executions,
    jobs,
    limits,
    notifications,
    queues,
    signatures,
)
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.notifications import Channel, Notifications
from shared.schemas.queues import QueueCreate
from shared.schemas.teams import MonthlyLimits
from shared.security.addresses import Policy
from shared.settings import Settings
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.channels import given_for
from tests.conftest import LOOPBACK, VAULT
from tests.mailbox import Mailbox
from tests.target import Received, Target

LATER = 10_000_000
CHANNELS = tuple(channel.value for channel in Channel)
HOOKS = tuple(notifications.HOOKS)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@dataclass(frozen=True, slots=True)
class Stage:
    """A team with all its channels at hand, and the worker's one function."""

    redis: Redis
    team: Team
    context: Context
    target: Target
    mailbox: Mailbox

    async def run(self, after_ms: int = 0) -> list[Work]:
        """Do all that is ready `after_ms` from now."""
        worker, (seconds, _) = Claims(self.redis, keyspace.SHARDS[0], "w"), await self.redis.time()
        now, done = seconds * 1000 + 1000 + after_ms, []
        while works := await worker.claim(10, now):
            await worker.finish([await process(work, self.context) for work in works], now)
            done += works
        return done

    async def tell(self, *channels: str) -> None:
        given: dict[str, object] = {}
        for name in channels:
            given |= given_for(name, f"{self.target.url}/{name}?key=canary")
        email = {"email": {"to": ["ops@example.com", "night@example.com"]}} if "email" in channels else {}
        asked = Notifications.model_validate({**given, **email})
        await notifications.put(call_of(self.redis, self.team), asked)

    async def fail_a_cron(self) -> Alert:
        self.target.answer("/work", 503, b"<b>busy</b>, try *later*")
        asked = CronCreate(
            name="Nightly <report>",
            url=f"{self.target.url}/work",
            cron_expression="0 0 1 1 *",
            alert_threshold=1,
        )
        cron = await crons.create(call_of(self.redis, self.team), asked)
        await executions.create(call_of(self.redis, self.team), cron.id)
        await self.run()
        return await self.last()

    async def last(self) -> Alert:
        return (await alerts.page(self.redis, self.team, AlertQuery())).data[0]

    def told(self, channel: str) -> list[Received]:
        return [request for request in self.target.received if request.path.startswith(f"/{channel}?")]


@pytest.fixture
async def stage(redis: Redis, team: Team, target: Target, mailbox: Mailbox) -> AsyncIterator[Stage]:
    settings = Settings(
        smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_from="recuro@example.com", smtp_security="none"
    )
    async with Sender(Policy(LOOPBACK)) as sender:
        context = Context(redis, sender, VAULT, Mailer(settings), public_url="https://recuro.example.com")
        yield Stage(redis, team, context, target, mailbox)


async def test_every_channel_hears_of_a_failure_once(stage: Stage) -> None:
    await stage.tell(*CHANNELS)

    alert = await stage.fail_a_cron()

    assert {one.channel: one.status for one in alert.deliveries} == dict.fromkeys(Channel, "delivered")
    assert alert.notified_at is not None
    assert [len(stage.told(channel)) for channel in HOOKS] == [1] * len(HOOKS)
    (letter,) = stage.mailbox.letters
    assert stage.mailbox.recipients == [("ops@example.com", "night@example.com")]
    assert letter["subject"] == "[Recuro] Nightly <report> is failing"
    assert "status 503" in letter.get_content()
    link = f"https://recuro.example.com/t/{stage.team.id}/alerts/{alert.id}"
    assert letter.get_content().splitlines()[-1] == f"More: {link}"


async def test_a_letter_has_the_fields_that_mail_needs(stage: Stage) -> None:
    await stage.tell("email")

    await stage.fail_a_cron()

    (letter,) = stage.mailbox.letters
    sent = letter["date"].datetime
    assert sent.tzinfo is not None
    assert abs(datetime.now(UTC) - sent) < timedelta(minutes=1)
    names = ("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted")
    assert {name: len(letter.get_all(name, [])) for name in names} == dict.fromkeys(names, 1)
    assert letter["from"] == "recuro@example.com"
    assert letter["to"] == "ops@example.com, night@example.com"
    assert (letter.get_content_type(), letter.get_content_charset()) == ("text/plain", "utf-8")


async def test_every_kind_of_alert_that_is_told_reaches_every_channel(stage: Stage) -> None:
    await stage.tell(*CHANNELS)
    await limits.put(call_of(stage.redis, stage.team), MonthlyLimits(soft_limit=2))
    await queues.create(
        call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True, retries_enabled=False)
    )

    await stage.fail_a_cron()
    await jobs.create(
        call_of(stage.redis, stage.team), JobCreate(queue="mail", url=f"{stage.target.url}/work")
    )
    await stage.run()
    stage.target.answer("/work", 200)
    await executions.create(call_of(stage.redis, stage.team), 1)
    await stage.run()

    titles = [
        "Jobs of the queue mail are failing",
        "Nightly <report> is failing",
        "Nightly <report> works again",
        "The soft limit of this month is passed",
    ]
    assert sorted(letter["subject"].removeprefix("[Recuro] ") for letter in stage.mailbox.letters) == titles
    discord = [
        json.loads(request.body)["embeds"][0]["description"].partition("**\n")[0][2:]
        for request in stage.told("discord")
    ]
    slack = [json.loads(request.body)["text"].partition("\n")[0] for request in stage.told("slack")]
    assert sorted(title.replace("\\", "") for title in discord) == sorted(map(unescape, slack)) == titles
    events = sorted(json.loads(request.body)["event"] for request in stage.told("webhook"))
    assert events == ["alert.failure", "alert.failure", "alert.limit_warning", "alert.recovery"]


async def test_slack_and_discord_take_a_name_for_no_more_than_text(stage: Stage) -> None:
    await stage.tell("slack", "discord")

    await stage.fail_a_cron()

    slack, discord = [json.loads(stage.told(channel)[0].body) for channel in ("slack", "discord")]
    assert slack["text"].startswith("Nightly &lt;report&gt; is failing\n")
    assert slack["mrkdwn"] is False
    assert "<" not in slack["text"]
    assert discord["embeds"][0]["description"].startswith("**Nightly \\<report> is failing**\n")
    assert r"“\<b>busy\</b>, try \*later\*”" in discord["embeds"][0]["description"]
    assert discord["allowed_mentions"] == {"parse": []}
    assert "X-Recuro-Signature" not in stage.told("slack")[0].headers


async def test_a_webhook_gets_the_alert_as_rest_shows_it_and_signed(stage: Stage) -> None:
    secret = (await signatures.rotate(call_of(stage.redis, stage.team), 24)).secret
    await stage.tell("webhook")

    alert = await stage.fail_a_cron()

    (told,) = stage.told("webhook")
    said = json.loads(told.body)
    standardwebhooks.Webhook(secret).verify(told.body, dict(told.headers))
    assert (said["event"], told.headers["Recuro-Event"]) == ("alert.failure", "alert.failure")
    shown = alert.model_dump(mode="json")
    moving = ("deliveries", "notified_at", "event")
    assert {name: value for name, value in said.items() if name not in moving} == {
        name: value for name, value in shown.items() if name not in moving
    }


async def test_a_channel_that_is_down_is_tried_again_and_then_its_failure_is_shown(stage: Stage) -> None:
    await stage.tell("slack", "webhook")
    stage.target.answer("/slack", 500)

    alert = await stage.fail_a_cron()
    seen = [alert.deliveries]
    for step in range(len(OF_NOTICES.retry_delays)):
        await stage.run((step + 1) * LATER)
        seen.append((await stage.last()).deliveries)

    assert [slack.status for slack, _ in seen] == ["retrying", "retrying", "retrying", "failed"]
    assert seen[-1][0].error == "The target answered with status 500."
    assert {webhook.status for _, webhook in seen} == {"delivered"}
    assert len(stage.told("slack")) == 4
    assert len({request.headers["Idempotency-Key"] for request in stage.told("webhook")}) == 1


async def test_mail_that_is_refused_is_tried_again_as_the_same_letter(stage: Stage) -> None:
    await stage.tell("email")
    stage.mailbox.refusal = "451 try later"

    alert = await stage.fail_a_cron()
    stage.mailbox.refusal = ""
    await stage.run(LATER)

    assert (alert.deliveries[0].status, alert.deliveries[0].error) == (
        "retrying",
        "The mail server answered with code 451.",
    )
    assert (await stage.last()).deliveries[0].status == "delivered"
    tried = {mail["message-id"] for mail in (*stage.mailbox.refused, *stage.mailbox.letters)}
    assert len(tried) == 1
    assert re.fullmatch(r"<[\w-]{16}-\d+@recuro\.invalid>", tried.pop())


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (Settings(), "RECURO_SMTP_HOST is not set"),
        (Settings(smtp_host="127.0.0.1"), "RECURO_SMTP_FROM is not set"),
        (
            Settings(smtp_host="127.0.0.1", smtp_port=1, smtp_from="a@example.com"),
            "No connection to the mail server",
        ),
    ],
)
async def test_mail_that_cannot_be_sent_says_what_is_missing(stage: Stage, own: Settings, said: str) -> None:
    await stage.tell("email")
    context = Context(stage.redis, stage.context.sender, VAULT, Mailer(own))

    alert = await Stage(stage.redis, stage.team, context, stage.target, stage.mailbox).fail_a_cron()

    assert said in (alert.deliveries[0].error or "")


async def test_a_test_call_arrives_and_is_no_alert(stage: Stage) -> None:
    await stage.tell(*CHANNELS)

    ids = {channel: await alerts.test(call_of(stage.redis, stage.team), channel) for channel in Channel}
    await stage.run()

    for channel, test_id in ids.items():
        outcome = await alerts.outcome(stage.redis, stage.team, test_id, channel)
        assert (outcome.status, outcome.error) == ("delivered", None)
    assert [len(stage.told(channel)) for channel in HOOKS] == [1] * len(HOOKS)
    assert json.loads(stage.told("webhook")[0].body)["event"] == "alert.test"
    assert stage.mailbox.letters[0]["subject"] == "[Recuro] Recuro can reach you here"
    assert (await alerts.page(stage.redis, stage.team, AlertQuery())).total == 0


async def test_a_test_call_that_fails_is_not_tried_again(stage: Stage) -> None:
    await stage.tell("slack")
    stage.target.answer("/slack", 404)

    test_id = await alerts.test(call_of(stage.redis, stage.team), Channel.SLACK)
    await stage.run()
    await stage.run(LATER)

    outcome = await alerts.outcome(stage.redis, stage.team, test_id, Channel.SLACK)
    assert (outcome.status, outcome.error) == ("failed", "The target answered with status 404.")
    assert len(stage.told("slack")) == 1


async def test_no_channel_reaches_what_the_egress_policy_refuses(stage: Stage) -> None:
    asked = Notifications.model_validate({"webhook": {"url": "http://169.254.169.254/latest/"}})
    await notifications.put(call_of(stage.redis, stage.team), asked)

    test_id = await alerts.test(call_of(stage.redis, stage.team), Channel.WEBHOOK)
    await stage.run()

    outcome = await alerts.outcome(stage.redis, stage.team, test_id, Channel.WEBHOOK)
    assert "egress policy" in (outcome.error or "")


async def test_a_channel_that_was_removed_is_told_nothing_more(stage: Stage) -> None:
    await stage.tell("slack")
    stage.target.answer("/slack", 500)
    await stage.fail_a_cron()

    await stage.tell("discord")
    await stage.run(LATER)

    assert len(stage.told("slack")) == 1
    assert await stage.run(LATER) == []
    (alert,) = (await alerts.page(stage.redis, stage.team, AlertQuery())).data
    (slack,) = alert.deliveries
    assert (slack.status, slack.error) == ("failed", "The channel was removed before the message was sent.")


async def test_the_job_that_a_message_names_can_be_replayed(stage: Stage) -> None:
    await stage.tell(*CHANNELS)
    await queues.create(
        call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True, retry_delays=(1,))
    )
    stage.target.answer("/work", 500)
    await jobs.create(
        call_of(stage.redis, stage.team), JobCreate(queue="mail", url=f"{stage.target.url}/work")
    )

    await stage.run()
    await stage.run(5000)

    said = "Job 1 failed for good after 2 attempts"
    assert said in stage.mailbox.letters[0].get_content()
    assert said in json.loads(stage.told("slack")[0].body)["text"]
    assert said in json.loads(stage.told("discord")[0].body)["embeds"][0]["description"]
    named = json.loads(stage.told("webhook")[0].body)["job_id"]
    assert named == 1
    assert (await dead_letters.replay_now(call_of(stage.redis, stage.team), [named])).skipped == []


def test_every_channel_stands_in_every_table() -> None:
    names = [channel.value for channel in Channel]

    assert list(Notifications.model_fields) == names
    assert list(RENDERINGS) == names
    assert [*HOOKS, "email"] == [*names[1:], names[0]]


@pytest.mark.parametrize("missing", CHANNELS)
async def test_a_team_that_was_stored_before_a_channel_was_known_has_none_of_it(
    stage: Stage, missing: str
) -> None:
    await stage.tell(*CHANNELS)
    place = (keyspace.team_settings(stage.team), "notifications")
    stored = json.loads(await stage.redis.hget(*place) or "")  # type: ignore[misc]
    del stored[missing]
    stored["pager_of_tomorrow"] = {"enabled": True, "url": "sealed", "level": 3}
    stored = {name: {**of, "since": 1} if of else None for name, of in stored.items()}
    await stage.redis.hset(*place, json.dumps(stored))  # type: ignore[misc]

    await stage.fail_a_cron()

    shown = await notifications.get(stage.redis, VAULT, stage.team)
    assert [name for name in CHANNELS if getattr(shown, name) is None] == [missing]
    assert [name for name in HOOKS if stage.told(name)] == [name for name in HOOKS if name != missing]
    assert len(stage.mailbox.letters) == (missing != "email")
    again = await notifications.put(call_of(stage.redis, stage.team), shown)
    assert again == shown


async def test_a_flood_is_told_once(stage: Stage) -> None:
    await stage.tell("webhook")
    await queues.create(
        call_of(stage.redis, stage.team), QueueCreate(name="mail", alerts_enabled=True, retries_enabled=False)
    )
    stage.target.answer("/work", 500)
    asked = [JobCreate(queue="mail", url=f"{stage.target.url}/work")] * 50
    await jobs.create_many(call_of(stage.redis, stage.team), asked)

    await stage.run()

    assert len(stage.told("webhook")) == 1
    assert (await stage.last()).count == 50
