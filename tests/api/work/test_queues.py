"""/api/queues"""

from typing import Any

import pytest
from httpx import AsyncClient

DEFAULTS = {
    "is_active": True,
    "timeout_seconds": 30,
    "retries_enabled": True,
    "retry_delays": [60, 1800, 10800],
    "max_parallelism": None,
}


async def test_a_new_queue_has_the_defaults_and_is_empty(client: AsyncClient) -> None:
    answer = await client.post("/api/queues", json={"name": "mail"})

    body = answer.json()
    assert answer.status_code == 201
    assert (body["id"], body["name"]) == (1, "mail")
    assert {name: body[name] for name in DEFAULTS} == DEFAULTS
    assert body["counts"]["pending"] == 0
    assert (await client.get("/api/queues/1")).json() == body


async def test_a_job_makes_its_queue_and_is_counted(client: AsyncClient) -> None:
    await client.post("/api/jobs", json={"queue": "made", "url": "https://example.com"})

    page = (await client.get("/api/queues")).json()

    assert page["total"] == 1
    assert page["data"][0]["name"] == "made"
    assert page["data"][0]["counts"]["pending"] == 1


async def test_a_name_is_taken_once(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail"})

    answer = await client.post("/api/queues", json={"name": "mail"})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["name"]
    assert answer.json()["message"] == "The name field must be unique: another queue of the team has it."


async def test_only_given_fields_change(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail", "timeout_seconds": 5, "max_parallelism": 2})

    answer = await client.patch("/api/queues/1", json={"is_active": False, "max_parallelism": None})

    assert answer.status_code == 200
    changed = {"name": "mail", "timeout_seconds": 5, "max_parallelism": None, "is_active": False}
    assert {name: answer.json()[name] for name in changed} == changed
    warnings = {"warnings": ["The queue is paused: its jobs wait until is_active is true."]}
    assert (await client.get("/api/queues/1")).json() | warnings == answer.json()


async def test_a_deleted_queue_is_gone(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail"})

    answer = await client.delete("/api/queues/1")

    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "id": 1})
    assert (await client.get("/api/queues/1")).json() == {"error": "Queue not found"}
    assert (await client.patch("/api/queues/1", json={"name": "x"})).status_code == 404


async def test_queues_are_searched_by_name(client: AsyncClient) -> None:
    for name in ("Mail", "orders"):
        await client.post("/api/queues", json={"name": name})

    page = (await client.get("/api/queues", params={"search": "mai"})).json()

    assert [queue["name"] for queue in page["data"]] == ["Mail"]
    assert (await client.get("/api/queues", params={"filter": "all"})).status_code == 422


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timeout_seconds": 0}, "timeout_seconds"),
    ({"timeout_seconds": 301}, "timeout_seconds"),
    ({"retry_delays": [0]}, "retry_delays.0"),
    ({"retry_delays": [60] * 11}, "retry_delays"),
    ({"retry_delays": 60}, "retry_delays"),
    ({"retry_delays": None}, "retry_delays"),
    ({"max_parallelism": 0}, "max_parallelism"),
    ({"is_active": "perhaps"}, "is_active"),
    ({"name": ""}, "name"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
async def test_a_wrong_field_is_named_at_creation_and_at_change(
    client: AsyncClient, change: dict[str, Any], field: str
) -> None:
    await client.post("/api/queues", json={"name": "mail"})

    creation = await client.post("/api/queues", json={"name": "other", **change})
    update = await client.patch("/api/queues/1", json=change)

    assert (creation.status_code, update.status_code) == (422, 422)
    assert list(creation.json()["errors"]) == list(update.json()["errors"]) == [field]


async def test_a_change_names_a_field_at_least(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail"})

    answer = await client.patch("/api/queues/1", json={})

    assert answer.status_code == 422
    assert answer.json()["message"].startswith("At least one field is required: ")
    assert list(answer.json()["errors"]) == ["body"]


@pytest.mark.parametrize(
    ("change", "field", "meant"),
    [
        ({"rate_limit": {"count": 1, "perSecond": 1}}, "rate_limit.perSecond", "per_seconds"),
        (
            {"success_assertions": [{"type": "header_equals", "Name": "X-A", "value": "1"}]},
            "success_assertions.0.Name",
            "name",
        ),
        ({"parallelism": 2}, "parallelism", "max_parallelism"),
    ],
)
async def test_an_unknown_field_is_told_which_was_meant_however_deep(
    client: AsyncClient, change: dict[str, Any], field: str, meant: str
) -> None:
    answer = await client.post("/api/queues", json={"name": "mail", **change})

    assert answer.json()["errors"][field] == [f"The {field} field is not known here; did you mean {meant}?"]
