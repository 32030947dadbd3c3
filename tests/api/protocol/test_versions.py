"""ETag and If-Match: nobody overwrites what somebody else changed meanwhile."""

from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from shared.settings import Settings
from tests import lost
from tests.api.serving import serving
from tests.writes import CRON, HOOK, QUEUE, SIGNING, Made, ask

MADE = {
    "/api/crons/1": Made("POST", "/api/crons", CRON),
    "/api/queues/1": Made("POST", "/api/queues", QUEUE),
    "/api/settings/limits": Made("PUT", "/api/settings/limits", {"soft_limit": 3}),
    "/api/settings/notifications": Made("PUT", "/api/settings/notifications", HOOK),
    "/api/settings/redaction": Made("PUT", "/api/settings/redaction", {"redact": ["body.pin"]}),
    SIGNING: Made("POST", SIGNING),
}
BODIES: dict[str, Any] = {
    "/api/crons/1": {"name": "pong"},
    "/api/queues/1": {"weight": 7},
    "/api/settings/limits": {"soft_limit": 7},
    "/api/settings/notifications": {},
    "/api/settings/redaction": {"redact": ["body.code"]},
}
CHANGES = [
    (one.method, one.path.replace("{cron_id}", "1").replace("{queue_id}", "1"))
    for one in OPERATIONS
    if one.takes_version
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_change_is_done_only_to_the_version_that_was_read(
    client: AsyncClient, redis: Redis, method: str, path: str
) -> None:
    made = MADE[path]
    await ask(client, made.method, made.path, made.body)
    read = await client.get(path)
    body = BODIES.get(path) if method != "DELETE" else None
    others = await client.get(path)
    assert read.headers["ETag"] == others.headers["ETag"]
    stale = '"0"' if read.headers["ETag"] != '"0"' else '"99"'
    before = await lost.everything(redis)

    refused = await ask(client, method, path, body, If_Match=stale)
    untouched = await lost.everything(redis)
    # Proxies that compress make an ETag weak.
    done = await ask(client, method, path, body, If_Match=f'"12345", W/{read.headers["ETag"]}')

    assert (refused.status_code, refused.json()["error"]) == (412, "Precondition failed")
    assert "read it again" in refused.json()["message"]
    assert untouched == before
    assert done.status_code == 200, done.text
    if method != "DELETE":
        again = await client.get(path)
        assert done.headers["ETag"] == again.headers["ETag"] != read.headers["ETag"]


async def test_who_was_slower_is_told_and_changes_nothing(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    first, second = [(await client.get("/api/crons/1")).headers["ETag"] for _ in range(2)]

    one = await client.patch("/api/crons/1", json={"name": "one"}, headers={"If-Match": first})
    two = await client.patch("/api/crons/1", json={"name": "two"}, headers={"If-Match": second})

    assert (one.status_code, two.status_code) == (200, 412)
    assert (await client.get("/api/crons/1")).json()["name"] == "one"


async def test_a_fire_is_no_change(client: AsyncClient) -> None:
    made = await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")

    assert (await client.get("/api/crons/1")).headers["ETag"] == made.headers["ETag"]


async def test_a_repeat_under_a_key_is_answered_though_the_version_is_another_by_now(
    client: AsyncClient,
) -> None:
    await client.post("/api/queues", json=QUEUE)
    headers = {"If-Match": (await client.get("/api/queues/1")).headers["ETag"], "Idempotency-Key": "k"}

    first = await client.patch("/api/queues/1", json={"weight": 3}, headers=headers)
    again = await client.patch("/api/queues/1", json={"weight": 3}, headers=headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("value", ["7", '"7', "", '"7" "8"', "W/7"])
async def test_what_is_no_etag_is_refused(client: AsyncClient, value: str) -> None:
    await client.post("/api/queues", json=QUEUE)

    answer = await client.patch("/api/queues/1", json={"weight": 3}, headers={"If-Match": value})

    assert answer.status_code == 422
    assert "If-Match" in answer.json()["errors"]


async def test_an_installation_may_want_if_match_of_every_change(settings: Settings, token: str) -> None:
    strict = settings.model_copy(update={"api_require_if_match": True})
    with serving(strict) as api:
        async with AsyncClient(
            base_url=api, headers={"Authorization": f"Bearer {token}"}, verify=False
        ) as client:
            await client.post("/api/queues", json=QUEUE)
            without = await client.delete("/api/queues/1")
            whatever = await client.delete("/api/queues/1", headers={"If-Match": "*"})

    assert (without.status_code, without.json()["error"]) == (428, "Precondition required")
    assert whatever.status_code == 200
