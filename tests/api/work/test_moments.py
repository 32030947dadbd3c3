"""Jobs that start at a moment, and jobs that are moved to another."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

JOB = {"queue": "mail", "url": "https://a.example/"}


def in_hours(hours: float) -> str:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


async def made(client: httpx.AsyncClient, **fields: object) -> httpx.Response:
    return await client.post("/api/jobs", json={**JOB, **fields})


async def job(client: httpx.AsyncClient, answer: httpx.Response) -> dict[str, object]:
    shown: dict[str, object] = (await client.get(f"/api/jobs/{answer.json()['job_id']}")).json()
    return shown


def as_moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


async def test_a_job_starts_at_its_moment(client: httpx.AsyncClient) -> None:
    at = in_hours(24 * 300)

    answer = await made(client, at=at)

    assert answer.status_code == 201
    assert as_moment(answer.json()["scheduled_at"]) == as_moment(at)
    assert as_moment((await job(client, answer))["scheduled_at"]) == as_moment(at)


async def test_a_moment_that_has_passed_is_now_with_a_warning(client: httpx.AsyncClient) -> None:
    answer = await made(client, at=in_hours(-1))

    assert as_moment(answer.json()["scheduled_at"]) > as_moment(in_hours(-0.1))
    assert answer.json()["warnings"] == ["The moment of the at field has passed: the job starts at once."]


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"at": in_hours(1), "delay": 5}, "at", "cannot be combined with delay"),
        ({"at": in_hours(24 * 400)}, "at", "The at field must be at most a year ahead."),
        ({"at": "tomorrow"}, "at", "must be a moment with its offset"),
        ({"at": 1_800_000_000}, "at", "not a number"),
        ({"at": in_hours(3), "expires_at": in_hours(2)}, "expires_at", "must be later than now"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, fields: dict[str, object], field: str, sentence: str
) -> None:
    alone = await made(client, **fields)
    in_batch = await client.post("/api/jobs/batch", json={"jobs": [{**JOB, **fields}, JOB]})

    assert alone.status_code == 422
    assert sentence in str(alone.json()["errors"])
    bad, good = in_batch.json()["results"]
    assert sentence in str(bad["errors"])
    assert good["success"]
    assert field in alone.json()["errors"] or "at" in str(alone.json()["errors"])


@pytest.mark.parametrize("first", [{}, {"delay": 600}, {"at": in_hours(5)}], ids=["ready", "delayed", "at"])
async def test_a_job_that_waits_is_moved_forth_and_back(
    client: httpx.AsyncClient, first: dict[str, object]
) -> None:
    path = f"/api/jobs/{(await made(client, **first)).json()['job_id']}"
    later = in_hours(48)

    moved = await client.patch(path, json={"at": later})
    at_once = await client.patch(path, json={"at": in_hours(-1)})

    assert as_moment(moved.json()["scheduled_at"]) == as_moment(later)
    assert moved.json()["status"] == at_once.json()["status"] == "pending"
    assert as_moment(at_once.json()["scheduled_at"]) < as_moment(in_hours(0.1))


async def test_what_cannot_be_moved_says_why(client: httpx.AsyncClient) -> None:
    ended = (await made(client)).json()["job_id"]
    await client.post(f"/api/jobs/{ended}/cancel")
    expiring = (await made(client, expires_at=in_hours(1))).json()["job_id"]

    answers = [
        await client.patch(f"/api/jobs/{which}", json={"at": in_hours(2)}) for which in (ended, expiring, 999)
    ]

    assert [answer.status_code for answer in answers] == [409, 422, 404]
    assert "only one that waits can be moved" in answers[0].json()["error"]
    assert "earlier than the job's expires_at" in answers[1].json()["message"]
