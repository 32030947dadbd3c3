import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result
from shared.actions import alerts, crons, executions
from shared.schemas.crons import CronCreate
from shared.schemas.notifications import Notifications
from shared.security.vault import MASK
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.poll import until

PATH = "/api/settings/notifications"
SLACK = "https://hooks.slack.example/services/T1/B2/canary"
ALL: dict[str, object] = {
    **dict.fromkeys(Notifications.model_fields),
    "email": {"enabled": True, "to": ["ops@example.com"]},
    "slack": {"enabled": True, "url": SLACK},
    "discord": {"enabled": False, "url": "https://discord.example/api/webhooks/1/canary"},
}


async def test_channels_are_kept_and_their_addresses_hidden(client: httpx.AsyncClient, redis: Redis) -> None:
    put = await client.put(PATH, json=ALL)

    assert put.json() == (await client.get(PATH)).json()
    assert put.json() == {
        **ALL,
        "slack": {"enabled": True, "url": f"https://hooks.slack.example/{MASK}"},
        "discord": {"enabled": False, "url": f"https://discord.example/{MASK}"},
    }
    stored = await redis.hgetall("r:{s0}:t:1")  # type: ignore[misc]
    assert "canary" not in str(stored)
    assert stored["channels"] == "email slack"


async def test_what_was_shown_can_be_given_back(client: httpx.AsyncClient, redis: Redis) -> None:
    shown = (await client.put(PATH, json=ALL)).json()
    before = await redis.hget("r:{s0}:t:1", "notifications")  # type: ignore[misc]

    await client.put(PATH, json=shown)

    assert await redis.hget("r:{s0}:t:1", "notifications") == before  # type: ignore[misc]


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/{MASK}",
        f"http://hooks.slack.example/{MASK}",
        f"https://hooks.slack.example:8443/{MASK}",
        f"https://hooks.slack.example/{MASK}/more",
        f"https://evil.example/?of=https://hooks.slack.example/{MASK}",
    ],
)
async def test_a_masked_url_stands_for_nothing_at_another_host(
    client: httpx.AsyncClient, redis: Redis, url: str
) -> None:
    await client.put(PATH, json=ALL)
    before = await redis.hget("r:{s0}:t:1", "notifications")  # type: ignore[misc]

    answer = await client.put(PATH, json={**ALL, "slack": {"url": url}})

    assert list(answer.json()["errors"]) == ["slack.url"]
    assert await redis.hget("r:{s0}:t:1", "notifications") == before  # type: ignore[misc]


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"email": {"to": []}}, "email.to", "at least 1"),
        ({"email": {"to": ["ops@example.com\r\nBcc: x@example.com"]}}, "email.to.0", "e-mail address"),
        ({"email": {"to": ["ops, more@example.com"]}}, "email.to.0", "e-mail address"),
        ({"slack": {"url": "ftp://a.example"}}, "slack.url", "http"),
        ({"slack": {"url": f"https://hooks.slack.example/{MASK}"}}, "slack.url", MASK),
        ({"pager": {"url": SLACK}}, "pager", "not known"),
    ],
)
async def test_a_wrong_channel_is_named(
    client: httpx.AsyncClient, asked: dict[str, object], field: str, said: str
) -> None:
    answer = await client.put(PATH, json=asked)

    assert answer.status_code == 422
    assert said in answer.json()["errors"][field][0]


async def test_a_test_call_needs_a_channel(client: httpx.AsyncClient) -> None:
    await client.put(PATH, json={"email": ALL["email"]})

    answers = [await client.post(f"{PATH}/test", json={"channel": name}) for name in ("slack", "pager")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert "PUT its settings first" in answers[0].json()["message"]


async def test_a_test_call_answers_with_what_became_of_it(client: httpx.AsyncClient, redis: Redis) -> None:
    await client.put(PATH, json=ALL)
    worker = Claims(redis, keyspace.SHARDS[0], "w")

    async def work() -> bool:
        works = await worker.claim(1)
        await worker.finish([Result(each, Dead(), "", "", "timeout", "It took too long.") for each in works])
        return bool(works)

    answer, _ = await asyncio.gather(client.post(f"{PATH}/test", json={"channel": "slack"}), until(work))

    assert answer.status_code == 200
    outcome = {"id": 1, "channel": "slack", "status": "failed", "error": "It took too long."}
    assert answer.json() == outcome


async def test_alerts_are_shown_with_what_became_of_them(client: httpx.AsyncClient, redis: Redis) -> None:
    await client.put(PATH, json=ALL)
    team, worker = Team(1), Claims(redis, keyspace.SHARDS[0], "w")
    asked = CronCreate(
        name="Nightly", url="https://a.example/", cron_expression="0 0 1 1 *", alert_threshold=1
    )
    await executions.create(call_of(redis, team), (await crons.create(call_of(redis, team), asked)).id)
    facts = '{"url":"https://a.example/","response_status":500,"failure_reason":"http_server_error"}'

    await worker.finish(
        [
            Result(work, Dead(), "[1,500,1,1]", "", "http_server_error 500", facts)
            for work in await worker.claim(1)
        ]
    )
    await worker.finish([Result(work, Complete()) for work in await worker.claim(1)])

    page = (await client.get("/api/alerts?filter=failure")).json()
    (alert,) = page["data"]
    assert (await client.get("/api/alerts/1")).json() == alert
    assert alert["message"] == "Nightly failed once: http server error"
    assert alert["data"]["failure_reason"] == "http_server_error"
    assert sorted(each["status"] for each in alert["deliveries"]) == ["delivered", "pending"]
    assert alert["notified_at"] is not None
    assert (await alerts.get(redis, team, 1)).id == 1


async def test_an_alert_of_another_team_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/alerts/1")).json() == {"error": "Alert not found"}
