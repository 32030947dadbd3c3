"""The message of an alert is sent again by a channel that could not deliver it, or was never asked to."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Notice, Result, Retry, Verdict
from shared.actions import alerts, crons, executions
from shared.schemas.crons import CronCreate
from shared.schemas.notifications import Channel
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.writes import CHANNELS

HOOK = {"url": "https://hooks.example/x"}
RESEND = "/api/alerts/1/resend"


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, keyspace.SHARDS[0], "a-worker")


async def tried(worker: Claims, **outcomes: Verdict) -> list[str]:
    """End each notice that waits by the outcome of its channel; the channels, in order of their names."""
    works = [work for work in await worker.claim(50) if isinstance(work, Notice)]
    said = {
        type(verdict): "" if isinstance(verdict, Complete) else "404 no_service"
        for verdict in outcomes.values()
    }
    ends = [Result(work, outcomes[work.spec], facts=said[type(outcomes[work.spec])]) for work in works]
    await worker.finish(ends)
    return sorted(work.spec for work in works)


async def told_of(client: AsyncClient, redis: Redis, team: Team, worker: Claims, **channels: Verdict) -> None:
    """A cron fails, and each of the channels does with its message what it is said to."""
    await client.put(CHANNELS, json={channel: HOOK for channel in channels})
    asked = CronCreate(
        name="Nightly", url="https://a.example/", cron_expression="0 0 1 1 *", alert_threshold=1
    )
    cron = await crons.create(call_of(redis, team), asked)
    await executions.create(call_of(redis, team), cron.id)
    failed = [
        Result(work, Dead(), "[1,503,1,1]", "", "http_server_error 503", "{}")
        for work in await worker.claim(1)
    ]
    await worker.finish(failed)
    assert await tried(worker, **channels) == sorted(channels)


async def delivered(client: AsyncClient) -> dict[str, tuple[str, str | None]]:
    alert = (await client.get("/api/alerts/1")).json()
    return {one["channel"]: (one["status"], one["error"]) for one in alert["deliveries"]}


async def refused(client: AsyncClient, **body: Any) -> tuple[int, str]:
    answer = await client.post(RESEND, json=body)
    return answer.status_code, answer.text


async def test_all_that_failed_send_it_again_and_no_other(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await told_of(client, redis, team, worker, slack=Dead(), discord=Complete(), webhook=Dead())

    answer = await client.post(RESEND, json={})
    on_its_way = await delivered(client)
    again = await tried(worker, slack=Complete(), webhook=Dead())

    assert answer.status_code == 200
    assert {one["channel"]: one["status"] for one in answer.json()["deliveries"]} == {
        "slack": "pending",
        "discord": "delivered",
        "webhook": "pending",
    }
    assert on_its_way["slack"] == ("pending", None)  # the error of before says nothing of this try
    assert again == ["slack", "webhook"]
    assert await delivered(client) == {
        "slack": ("delivered", None),
        "discord": ("delivered", None),
        "webhook": ("failed", "404 no_service"),
    }
    assert await tried(worker) == []


async def test_a_channel_that_is_named_sends_it_alone(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await told_of(client, redis, team, worker, slack=Dead(), webhook=Dead())

    await client.post(RESEND, json={"channel": "slack"})

    assert await tried(worker, slack=Complete()) == ["slack"]
    assert (await delivered(client))["webhook"] == ("failed", "404 no_service")


async def test_a_channel_that_was_set_up_later_can_send_it(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await told_of(client, redis, team, worker, slack=Complete())
    await client.put(CHANNELS, json={"slack": HOOK, "webhook": HOOK})

    await client.post(RESEND, json={"channel": "webhook"})

    assert await tried(worker, webhook=Complete()) == ["webhook"]
    assert (await delivered(client))["webhook"] == ("delivered", None)


async def test_what_arrived_or_is_on_its_way_is_not_sent_again(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await told_of(client, redis, team, worker, slack=Complete(), webhook=Retry(60))

    assert (await refused(client))[0] == 409
    assert "slack has delivered this alert" in (await refused(client, channel="slack"))[1]
    assert "webhook is still trying to deliver this alert" in (await refused(client, channel="webhook"))[1]
    assert (await refused(client, channel="discord"))[0] == 422
    assert "discord, which is not set up" in (await refused(client, channel="discord"))[1]
    assert await tried(worker) == []


async def test_a_channel_that_is_not_set_up_any_more_sends_nothing(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await told_of(client, redis, team, worker, slack=Dead())
    await client.put(CHANNELS, json={})

    assert (await refused(client))[0] == 409
    assert (await refused(client, channel="slack"))[0] == 422


async def test_a_test_of_a_channel_is_no_alert_to_send_again(
    client: AsyncClient, redis: Redis, team: Team, worker: Claims
) -> None:
    await client.put(CHANNELS, json={"slack": HOOK})
    test_id = await alerts.test(call_of(redis, team), Channel.SLACK)
    await tried(worker, slack=Dead())

    asked = [(number, body) for number in (test_id, 999) for body in ({}, {"channel": "slack"})]
    answers = [await client.post(f"/api/alerts/{number}/resend", json=body) for number, body in asked]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert await tried(worker) == []
