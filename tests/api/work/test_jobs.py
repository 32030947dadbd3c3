"""/api/jobs"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

JOB = {"queue": "mail", "url": "https://example.com/send"}


async def test_a_new_job_is_answered_as_documented(client: AsyncClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    answer = await client.post("/api/jobs", json=JOB)

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert list(body) == ["success", "queue_id", "job_id", "scheduled_at", "message"]
    assert (body["success"], body["queue_id"], body["job_id"]) == (True, 1, 1)
    assert body["message"] == "Scheduled successfully"
    assert body["scheduled_at"].endswith("+00:00")
    assert before <= datetime.fromisoformat(body["scheduled_at"]) <= before + timedelta(seconds=5)


async def test_a_delay_moves_the_moment(client: AsyncClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    answer = await client.post("/api/jobs", json={**JOB, "delay": 600})

    moment = datetime.fromisoformat(answer.json()["scheduled_at"])
    assert timedelta(seconds=600) <= moment - before <= timedelta(seconds=605)


async def test_a_job_is_shown_as_it_was_asked_for(client: AsyncClient) -> None:
    asked: dict[str, Any] = {
        **JOB,
        "method": "PUT",
        "headers": {"X-Shop": "7"},
        "payload": {"to": ["ä@example.com"], "n": 1.5, "deep": {"null": None}},
        "callback_url": "https://example.com/done",
    }
    made = (await client.post("/api/jobs", json={**asked, "delay": 60})).json()

    shown = (await client.get(f"/api/jobs/{made['job_id']}")).json()

    assert {name: shown[name] for name in asked} == asked
    assert (shown["id"], shown["queue_id"], shown["delay_seconds"]) == (1, 1, 60)
    assert (shown["status"], shown["final_status"], shown["run"]) == ("pending", None, None)
    assert (shown["attempt_number"], shown["is_retry"], shown["original_job_id"]) == (1, False, 1)
    assert shown["scheduled_at"] == made["scheduled_at"]


async def test_jobs_are_listed_newest_first_in_pages(client: AsyncClient) -> None:
    for _ in range(3):
        await client.post("/api/jobs", json=JOB)

    page = (await client.get("/api/jobs", params={"per_page": 2})).json()

    assert [job["id"] for job in page.pop("data")] == [3, 2]
    assert page == {"current_page": 1, "last_page": 2, "per_page": 2, "total": 3}


async def test_jobs_are_listed_by_queue_status_and_search(client: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB)
    await client.post("/api/jobs", json={"queue": "other", "url": "https://example.com/ORDER"})

    async def listed(**params: str | int) -> list[int]:
        return [job["id"] for job in (await client.get("/api/jobs", params=params)).json()["data"]]

    assert await listed(queue_id=2) == [2]
    assert await listed(filter="pending", queue_id=1) == [1]
    assert await listed(filter="completed") == []
    assert await listed(filter="all") == [2, 1]
    assert await listed(search="order") == [2]


async def test_a_deleted_job_is_gone(client: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB)

    answer = await client.delete("/api/jobs/1")
    again = await client.delete("/api/jobs/1")

    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "id": 1})
    assert (again.status_code, again.json()) == (404, {"error": "Job not found"})
    assert (await client.get("/api/jobs")).json()["total"] == 0


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"url": None}, "url", "The url field must be a string."),
        ({"url": "ftp://example.com"}, "url", "must start with http:// or https://."),
        ({"url": "https://me:secret@example.com"}, "url", "must not carry a user name or password"),
        ({"url": "https://example.com/" + "a" * 2048}, "url", "must have at most 2048 characters."),
        ({"queue": ""}, "queue", "must not be empty."),
        ({"queue": "q" * 256}, "queue", "must have at most 255 characters."),
        ({"queue": "a\nb"}, "queue", "must not contain control characters."),
        ({"method": "TRACE"}, "method", "must be one of"),
        ({"headers": {"Host": "evil"}}, "headers", "must not set Host"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "headers", "line break"),
        ({"headers": {"X-A": 1}}, "headers.X-A", "must be a string."),
        ({"headers": [["X-A", "b"]]}, "headers", "must be an object."),
        ({"payload": "text"}, "payload", "must be an object."),
        ({"payload": [1]}, "payload", "must be an object."),
        ({"callback_url": "no"}, "callback_url", "must start with http:// or https://."),
        ({"delay": -1}, "delay", "must be at least 0."),
        ({"delay": 86_401}, "delay", "must be at most 86400."),
        ({"delay": 1.5}, "delay", "must be an integer."),
        ({"delay": "soon"}, "delay", "must be an integer."),
        ({"priority": 1}, "priority", "is not known here; remove it."),
        ({"header": {}}, "header", "is not known here; did you mean headers?"),
        ({"headers": '{"X-A": "1"}'}, "headers", "must be an object."),
        ({"method": "post"}, "method", "must be one of"),
    ],
)
async def test_a_wrong_field_is_named(
    client: AsyncClient, change: dict[str, Any], field: str, sentence: str
) -> None:
    answer = await client.post("/api/jobs", json={**JOB, **change})

    body = answer.json()
    assert answer.status_code == 422
    assert list(body) == ["message", "errors"]
    assert list(body["errors"]) == [field]
    assert sentence in body["message"]
    assert body["message"] == body["errors"][field][0]


async def test_every_missing_field_is_named_the_first_in_the_message(client: AsyncClient) -> None:
    answer = await client.post("/api/jobs", json={})

    assert answer.status_code == 422
    assert answer.json() == {
        "message": "The queue field is required.",
        "errors": {"queue": ["The queue field is required."], "url": ["The url field is required."]},
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=two", "page"),
        ("per_page=101", "per_page"),
        ("filter=lost", "filter"),
        ("filter=", "filter"),
        ("queue_id=-1", "queue_id"),
        ("queue_id=99999999999999999999", "queue_id"),
        ("search=" + "a" * 201, "search"),
        ("queue=mail", "queue"),
        ("page=1&page=2", "page"),
    ],
)
async def test_a_wrong_query_parameter_is_named(client: AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/api/jobs?{query}")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


async def test_a_raw_body_is_taken_instead_of_a_payload(client: AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = {**JOB, "headers": form, "body": "a=1&b=2", "timeout_seconds": 5, "retry_delays": [1, 2]}

    made = (await client.post("/api/jobs", json=asked)).json()
    shown = (await client.get(f"/api/jobs/{made['job_id']}")).json()

    assert {name: shown[name] for name in asked} == asked
    assert shown["payload"] is None


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"payload": {}, "body": ""}, "body", "beside payload"),
        (
            {"payload": {}, "headers": {"content-type": "multipart/form-data; boundary=x"}},
            "payload",
            "as body instead",
        ),
        ({"payload": {}, "headers": {"Content-Type": "text/xml"}}, "payload", "text/xml"),
        ({"headers": {"Idempotency-Key": "two words"}}, "headers", "1 to 255 visible ASCII characters"),
        ({"headers": {"traceparent": "00-1-2-3"}}, "headers", "W3C Trace Context"),
        ({"timeout_seconds": 301}, "timeout_seconds", "at most 300"),
        ({"retry_delays": [0]}, "retry_delays.0", "at least 1"),
    ],
)
async def test_what_would_arrive_as_something_else_is_refused(
    client: AsyncClient, wrong: dict[str, Any], field: str, said: str
) -> None:
    answer = await client.post("/api/jobs", json={**JOB, **wrong})

    assert answer.status_code == 422
    assert said in answer.json()["errors"][field][0]


@pytest.mark.parametrize(
    "types", ["application/json", "text/plain", "application/ld+json; charset=utf-8", "x/y"]
)
async def test_a_payload_goes_with_types_that_may_be_json(client: AsyncClient, types: str) -> None:
    answer = await client.post("/api/jobs", json={**JOB, "payload": {}, "headers": {"Content-Type": types}})

    assert answer.status_code == 201


async def test_the_key_that_its_receiver_will_see_is_shown(client: AsyncClient) -> None:
    own = await client.post("/api/jobs", json={**JOB, "headers": {"idempotency-key": "order-7"}})
    drawn = await client.post("/api/jobs", json=JOB)

    shown = [
        (await client.get(f"/api/jobs/{made.json()['job_id']}")).json()["idempotency_key"]
        for made in (own, drawn)
    ]

    assert shown[0] == "order-7"
    assert len(shown[1]) > 16
