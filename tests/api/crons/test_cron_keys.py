"""Crons that callers keep by keys of their own."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.store.keyspace import Team

PATH = "/api/crons/by-key/nightly"
CRON = {"name": "Nightly", "url": "https://example.com/a", "cron_expression": "0 3 * * *"}


async def put(client: AsyncClient, status: int = 200, path: str = PATH, **fields: Any) -> dict[str, Any]:
    answer = await client.put(path, json=CRON | fields)
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_first_put_makes_the_cron_and_the_next_ones_change_all_its_fields(
    client: AsyncClient,
) -> None:
    made = await put(client, 201, timeout_seconds=60, headers={"Authorization": "Bearer a", "X-A": "1"})
    changed = await put(client, name="Nightly report", url="https://example.com/b")

    assert made["key"] == changed["key"] == "nightly"
    assert changed["id"] == made["id"]
    assert (changed["name"], changed["url"]) == ("Nightly report", "https://example.com/b")
    assert (changed["timeout_seconds"], changed["headers"]) == (30, None)
    assert (await client.get("/api/crons")).json()["total"] == 1


async def test_a_cron_without_a_key_has_none(client: AsyncClient) -> None:
    assert (await client.post("/api/crons", json=CRON)).json()["key"] is None


async def test_a_schedule_that_stays_goes_on_from_where_it_is(client: AsyncClient) -> None:
    made = await put(client, 201, spread_seconds=3600)

    assert (await put(client, spread_seconds=3600))["next_run_at"] == made["next_run_at"]


async def test_a_secret_is_kept_and_shown_masked(client: AsyncClient) -> None:
    await put(client, 201)

    changed = await put(client, headers={"Authorization": "Bearer a"})

    assert changed["headers"] == {"Authorization": "********"} != {"Authorization": "Bearer a"}


async def test_the_mask_of_a_secret_is_no_value(client: AsyncClient) -> None:
    mask = (await put(client, 201, headers={"Authorization": "Bearer a"}))["headers"]

    assert "Authorization" in (await put(client, 422, headers=mask))["message"]


async def test_the_key_of_a_deleted_cron_is_free(client: AsyncClient) -> None:
    made = await put(client, 201)
    await client.delete(f"/api/crons/{made['id']}")

    assert (await put(client, 201))["id"] != made["id"]


async def test_many_at_once_make_one(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.put(PATH, json=CRON) for _ in range(10)))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code < 300}) == 1
    assert (await client.get("/api/crons")).json()["total"] == 1


async def test_keys_that_were_lost_are_read_from_the_crons(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    made = await put(client, 201)
    await redis.delete(f"{team.prefix}cron_keys:{team.id}")

    assert (await put(client))["id"] == made["id"]


async def test_a_heartbeat_stays_one_and_reports_silence(client: AsyncClient) -> None:
    beat: dict[str, Any] = {"mode": "heartbeat", "url": ""}
    made = await put(client, 201, **beat)

    again = await put(client, **beat, grace_seconds=60)
    refused = await put(client, 422)

    assert (again["ping_key"], again["alert_threshold"], again["grace_seconds"]) == (made["ping_key"], 1, 60)
    assert refused["errors"] == {
        "mode": ["The mode field must stay heartbeat; delete the cron of this key first."]
    }


@pytest.mark.parametrize("key", ["a%20b", "%C3%BC", "x" * 256])
async def test_what_is_no_key_is_refused(client: AsyncClient, key: str) -> None:
    answer = await put(client, 422, f"/api/crons/by-key/{key}")

    assert "255" in answer["errors"]["cron_key"][0]


async def test_a_write_that_is_repeated_answers_as_it_did(client: AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await client.put(PATH, json=CRON, headers=headers) for _ in range(2)]
    other = await client.put(PATH, json=CRON | {"name": "other"}, headers=headers)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_teams_have_keys_of_their_own(client: AsyncClient, stranger: AsyncClient) -> None:
    await put(client, 201)

    assert (await put(stranger, 201))["key"] == "nightly"
