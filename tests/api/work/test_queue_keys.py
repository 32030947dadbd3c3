"""Keys of a queue over REST: jobs that have one, limits, lists and pauses."""

import pytest
from httpx import AsyncClient

JOB = {"queue": "mail", "url": "https://a.example/"}
KEYS = "/api/queues/1/keys"


async def made(client: AsyncClient, **fields: object) -> int:
    answer = await client.post("/api/jobs", json={**JOB, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["job_id"])


async def test_a_job_shows_its_key(client: AsyncClient) -> None:
    with_one, without = await made(client, key="customer-7"), await made(client)

    shown = [(await client.get(f"/api/jobs/{one}")).json()["key"] for one in (with_one, without)]

    assert shown == ["customer-7", None]


@pytest.mark.parametrize("key", ["", "a" * 256, "a\nb", 7])
async def test_a_key_has_1_to_255_characters_without_control_characters(
    client: AsyncClient, key: object
) -> None:
    answer = await client.post("/api/jobs", json={**JOB, "key": key})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["key"]


async def test_keys_are_listed_with_what_waits(client: AsyncClient) -> None:
    for key in ("b", "a", "b"):
        await made(client, key=key)
    await made(client)

    answer = await client.get(KEYS)

    row = {"is_paused": False, "in_flight": 0}
    assert answer.json() == {
        "data": [{"key": "a", "waiting": 1, **row}, {"key": "b", "waiting": 2, **row}],
        "current_page": 1,
        "last_page": 1,
        "per_page": 25,
        "total": 2,
    }


async def test_a_key_is_paused_and_resumed(client: AsyncClient) -> None:
    await made(client, key="a")

    paused = await client.post(f"{KEYS}/pause", json={"key": "a"})
    resumed = await client.post(f"{KEYS}/resume", json={"key": "a"})

    row = {"key": "a", "waiting": 1, "in_flight": 0}
    assert (paused.status_code, paused.json()) == (200, {**row, "is_paused": True})
    assert (resumed.status_code, resumed.json()) == (200, {**row, "is_paused": False})


async def test_a_pause_stands_in_the_audit_trail(client: AsyncClient) -> None:
    await made(client, key="a")

    await client.post(f"{KEYS}/pause", json={"key": "a"})
    (last, *_) = (await client.get("/api/audit")).json()["data"]

    assert (last["operation"], last["changes"]) == (
        "pause-queue-key",
        {"paused_key": {"before": None, "after": "a"}},
    )


@pytest.mark.parametrize("setting", [{"key_max_parallelism": 0}, {"key_rate_limit": {"count": 1}}])
async def test_limits_of_keys_are_checked_as_those_of_the_queue(
    client: AsyncClient, setting: dict[str, object]
) -> None:
    answer = await client.post("/api/queues", json={"name": "mail", **setting})

    assert answer.status_code == 422


async def test_limits_of_keys_are_shown_and_cleared(client: AsyncClient) -> None:
    limits = {"key_max_parallelism": 2, "key_rate_limit": {"count": 5, "per_seconds": 60}}
    made_with = (await client.post("/api/queues", json={"name": "mail", **limits})).json()

    cleared = (await client.patch("/api/queues/1", json=dict.fromkeys(limits))).json()

    assert {name: made_with[name] for name in limits} == limits
    assert {name: cleared[name] for name in limits} == dict.fromkeys(limits)
