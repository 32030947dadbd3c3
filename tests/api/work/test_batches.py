"""/api/jobs/batch, idempotency keys and cancelling."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient

from tests.poll import until

JOB = {"queue": "mail", "url": "https://example.com/send"}
PAST = "2020-01-01T00:00:00Z"


def key(text: str = "order-7") -> dict[str, str]:
    return {"Idempotency-Key": text}


async def total(client: AsyncClient) -> int:
    return int((await client.get("/api/jobs")).json()["total"])


async def test_a_batch_is_answered_one_by_one_and_a_wrong_job_stops_no_other(client: AsyncClient) -> None:
    jobs = [{**JOB, "payload": {"n": 1}}, {"queue": "mail"}, "no job", {**JOB, "expires_at": PAST}, JOB]

    answer = await client.post("/api/jobs/batch", json={"jobs": jobs})

    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [result["success"] for result in results] == [True, False, False, False, True]
    assert [result.get("job_id") for result in results] == [1, None, None, None, 2]
    assert results[1]["errors"] == {"url": ["The url field is required."]}
    assert results[2]["message"] == "The body must be an object."
    assert list(results[3]["errors"]) == ["expires_at"]
    assert (await client.get("/api/jobs/1")).json()["payload"] == {"n": 1}


async def test_a_batch_of_a_thousand_keeps_its_order(client: AsyncClient) -> None:
    jobs = [{"queue": f"q{n % 3}", "url": f"https://example.com/{n}"} for n in range(1000)]

    results = (await client.post("/api/jobs/batch", json={"jobs": jobs})).json()["results"]

    assert [result["job_id"] for result in results] == list(range(1, 1001))
    assert (await client.get("/api/jobs/777")).json()["url"] == "https://example.com/776"


@pytest.mark.parametrize("jobs", [[], [JOB] * 1001, None, {"0": JOB}])
async def test_a_batch_of_the_wrong_size_or_kind_is_refused(client: AsyncClient, jobs: object) -> None:
    answer = await client.post("/api/jobs/batch", json={"jobs": jobs})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["jobs"]


async def test_a_repeat_under_a_key_gets_the_same_answer_and_makes_nothing(client: AsyncClient) -> None:
    first = await client.post("/api/jobs", json=JOB, headers=key())

    again = await client.post("/api/jobs", json=JOB, headers=key())

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert await total(client) == 1


async def test_a_key_used_for_something_else_is_a_conflict(client: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB, headers=key())

    answer = await client.post("/api/jobs", json={**JOB, "delay": 5}, headers=key())

    assert answer.status_code == 409
    assert "idempotency key" in answer.json()["error"]
    assert await total(client) == 1


async def test_a_key_holds_for_a_whole_batch(client: AsyncClient) -> None:
    batch = {"jobs": [{**JOB, "payload": {"n": n}} for n in range(600)]}
    first = await client.post("/api/jobs/batch", json=batch, headers=key())

    again = await client.post("/api/jobs/batch", json=batch, headers=key())
    other = await client.post("/api/jobs/batch", json={"jobs": [*batch["jobs"], JOB]}, headers=key())

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert await total(client) == 600


async def test_a_repeat_gets_its_answer_even_after_the_job_expired(client: AsyncClient) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=4)
    job = {**JOB, "expires_at": moment.isoformat()}
    first = await client.post("/api/jobs", json=job, headers=key())

    async def past() -> bool:
        return datetime.now(UTC) > moment

    await until(past)
    again = await client.post("/api/jobs", json=job, headers=key())

    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_key_is_free_again_when_the_job_came_too_late(client: AsyncClient) -> None:
    late = await client.post("/api/jobs", json={**JOB, "expires_at": PAST}, headers=key())

    answer = await client.post("/api/jobs", json=JOB, headers=key())

    assert (late.status_code, answer.status_code) == (422, 201)


async def test_keys_are_a_teams_own(client: AsyncClient, stranger: AsyncClient) -> None:
    await client.post("/api/jobs", json=JOB, headers=key())

    answer = await stranger.post("/api/jobs", json={**JOB, "delay": 5}, headers=key())

    assert answer.status_code == 201


@pytest.mark.parametrize("text", ["", "x" * 256, "two words", "caf\xe9"])
async def test_a_header_that_is_no_key_is_refused(client: AsyncClient, text: str) -> None:
    answer = await client.post("/api/jobs", json=JOB, headers=[(b"Idempotency-Key", text.encode("latin-1"))])

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]


async def test_a_moment_of_expiry_is_kept_and_shown(client: AsyncClient) -> None:
    moment = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)

    made = await client.post("/api/jobs", json={**JOB, "expires_at": moment.isoformat()})

    assert made.status_code == 201
    assert (await client.get("/api/jobs/1")).json()["expires_at"] == moment.isoformat()


@pytest.mark.parametrize("moment", [PAST, "2031-01-01T00:00:00", "soon", True])
async def test_a_moment_that_is_past_or_unclear_is_refused(client: AsyncClient, moment: object) -> None:
    answer = await client.post("/api/jobs", json={**JOB, "expires_at": moment})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["expires_at"]


async def test_a_cancelled_job_says_so_and_cannot_be_cancelled_again(
    client: AsyncClient, stranger: AsyncClient
) -> None:
    await client.post("/api/jobs", json={**JOB, "delay": 60})

    assert (await stranger.post("/api/jobs/1/cancel")).status_code == 404
    answer = await client.post("/api/jobs/1/cancel")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["run"]["failure_reason"]) == ("failed", "cancelled")
    assert (await client.post("/api/jobs/1/cancel")).status_code == 409
    assert (await client.post("/api/jobs/2/cancel")).status_code == 404


async def test_a_rate_limit_and_a_weight_are_kept_and_checked(client: AsyncClient) -> None:
    limits = {"rate_limit": {"count": 10, "per_seconds": 1}, "weight": 3}

    made = await client.post("/api/queues", json={"name": "mail", **limits})
    wrong = await client.patch("/api/queues/1", json={"rate_limit": {"count": 0, "per_seconds": 1}})
    lifted = await client.patch("/api/queues/1", json={"rate_limit": None})

    assert {name: made.json()[name] for name in limits} == limits
    assert list(wrong.json()["errors"]) == ["rate_limit.count"]
    assert (lifted.json()["rate_limit"], lifted.json()["weight"]) == (None, 3)
