"""Real deliveries of one broken target that somebody wants to hear no more of, until it works again."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import alerts, crons, executions, jobs, notifications, queues
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.notifications import Channel, Notifications
from shared.schemas.queues import QueueCreate
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.channels import given_for
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

CRONS, DELIVERIES = 40, 10
MINUTE, HOUR = 60_000, 3_600_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A team that hears of its alerts by a webhook, a target, and the worker's one function."""

    redis: Redis
    team: Team
    context: Context
    target: Target

    async def run(self, after_ms: int = 0) -> None:
        """Do all that is ready so long from now."""
        worker, (seconds, _) = Claims(self.redis, keyspace.SHARDS[0], "w"), await self.redis.time()
        now = seconds * 1000 + 1000 + after_ms
        while works := await worker.claim(10, now):
            await worker.finish([await process(work, self.context) for work in works], now)

    async def fire(self, *chosen: int, after_ms: int = 0) -> None:
        for cron in chosen:
            await executions.create(call_of(self.redis, self.team), cron)
        await self.run(after_ms)

    async def send(self, count: int, after_ms: int) -> None:
        for _ in range(count):
            asked = JobCreate(queue="mail", url=f"{self.target.url}/work/7")
            await jobs.create(call_of(self.redis, self.team), asked)
        await self.run(after_ms)

    def told(self) -> list[tuple[str, str, int | None]]:
        """The messages so far: event, who, and how many crons are affected."""
        bodies = [json.loads(one.body) for one in self.target.received if one.path == "/webhook"]
        return [(body["event"], body["name"], body["data"]["affected_crons"]) for body in bodies]


@pytest.fixture
async def stage(redis: Redis, team: Team, target: Target) -> AsyncIterator[Stage]:
    asked = Notifications.model_validate(given_for("webhook", f"{target.url}/webhook"))
    await notifications.put(call_of(redis, team), asked)
    async with Sender(Policy(LOOPBACK)) as sender:
        yield Stage(redis, team, Context(redis, sender, VAULT, MAILER), target)


async def test_forty_crons_of_a_broken_target_are_quiet_until_it_recovers(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    for number in range(1, CRONS + 1):
        fields = {"name": f"cron {number}", "url": f"{stage.target.url}/work", "alert_threshold": 1}
        asked = CronCreate.model_validate(fields | {"cron_expression": "0 0 1 1 *"})
        await crons.create(call_of(stage.redis, stage.team), asked)
    everyone = range(1, CRONS + 1)
    stage.target.answer("/work", 503)

    await stage.fire(1)
    first = [("alert.failure", "cron 1", 1)]
    assert stage.told() == first
    quieted = await client.post("/api/alerts/1/quiet", json={})
    assert (quieted.status_code, quieted.json()["state"], quieted.json()["until"]) == (200, "ignored", None)
    for hours in (1, 3, 5):
        await stage.fire(*everyone, after_ms=hours * HOUR)
    assert stage.told() == first

    stage.target.answer("/work", 200)
    await stage.fire(*reversed(everyone), after_ms=6 * HOUR)
    recovered = [("alert.recovery", "cron 40", CRONS)]
    assert stage.told() == first + recovered
    (last,) = [
        one
        for one in (await client.get("/api/alerts?filter=recovery&per_page=100")).json()["data"]
        if one["deliveries"]
    ]
    assert last["was_quiet"]
    assert last["message"].endswith("It was ignored until then, and is no more.")

    stage.target.answer("/work", 503)
    await stage.fire(*everyone, after_ms=7 * HOUR)
    assert [event for event, _, _ in stage.told()] == ["alert.failure", "alert.recovery", "alert.failure"]
    states = [one["state"] for one in (await client.get("/api/problems?per_page=100")).json()["data"]]
    assert states == ["open"] * CRONS


async def test_a_quiet_queue_tells_when_what_it_sends_goes_well_again(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    asked = QueueCreate(name="mail", alerts_enabled=True, retry_delays=())
    await queues.create(call_of(stage.redis, stage.team), asked)
    stage.target.answer("/work/7", 503)
    await stage.send(1, 0)
    first = [("alert.failure", "mail", None)]
    assert stage.told() == first
    alert = (await client.get("/api/alerts?filter=failure")).json()["data"][0]["id"]

    await client.post(f"/api/alerts/{alert}/quiet", json={"until": None})
    await stage.send(3, 3 * HOUR)
    assert stage.told() == first
    stage.target.answer("/work/7", 200)
    await stage.send(DELIVERIES - 1, 4 * HOUR)
    assert stage.told() == first
    await stage.send(1, 4 * HOUR)

    assert stage.told() == [*first, ("alert.recovery", "mail", None)]
    problem = (await client.get("/api/problems/1")).json()
    assert (problem["state"], problem["count"], bool(problem["recovered_at"])) == ("resolved", 4, True)
    stage.target.answer("/work/7", 503)
    await stage.send(1, 6 * HOUR)
    assert [event for event, _, _ in stage.told()] == ["alert.failure", "alert.recovery", "alert.failure"]


async def test_an_alert_without_a_problem_cannot_be_quiet(stage: Stage, client: httpx.AsyncClient) -> None:
    asked = QueueCreate(name="mail", alerts_enabled=True, retry_delays=())
    await queues.create(call_of(stage.redis, stage.team), asked)
    stage.target.answer("/work/7", 503)
    await stage.send(1, 0)
    await stage.redis.delete(f"{stage.team.prefix}problem:1:1")

    answer = await client.post("/api/alerts/1/quiet", json={})

    assert (answer.status_code, answer.json()["error"]) == (
        409,
        "This alert names no problem: there is nothing to be quiet about",
    )
    assert (await client.get("/api/alerts/1")).json()["data"]["problem_id"] is None


async def test_a_test_of_a_channel_is_no_alert_that_could_be_quiet(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    test_id = await alerts.test(call_of(stage.redis, stage.team), Channel.WEBHOOK)

    answer = await client.post(f"/api/alerts/{test_id}/quiet", json={})

    assert (answer.status_code, answer.json()["error"]) == (404, "Alert not found")


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
async def test_a_silence_ends_within_a_year(stage: Stage, client: httpx.AsyncClient, until: str) -> None:
    asked = QueueCreate(name="mail", alerts_enabled=True, retry_delays=())
    await queues.create(call_of(stage.redis, stage.team), asked)
    stage.target.answer("/work/7", 503)
    await stage.send(1, 0)

    answer = await client.post("/api/alerts/1/quiet", json={"until": until})

    assert answer.status_code == 422
    assert (await client.get("/api/problems/1")).json()["state"] == "open"
