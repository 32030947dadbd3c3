"""The API goes by the installation's clock, whatever the clock of its host says."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.store import keyspace

SHARD = keyspace.SHARDS[0]
CRON = {"name": "ping", "url": "https://example.com/", "cron_expression": "* * * * *"}
JOB = {"queue": "mail", "url": "https://example.com/send"}
WRONG = [timedelta(hours=1), timedelta(hours=-1)]
SLACK = timedelta(seconds=61)


def after(hours: float, wrong: timedelta) -> str:
    """So long from now by the installation's clock."""
    return (datetime.now(UTC) - wrong + timedelta(hours=hours)).isoformat(timespec="seconds")


@pytest.fixture(params=WRONG, ids=["ahead", "behind"])
async def wrong(request: pytest.FixtureRequest, redis: Redis, token: str) -> timedelta:
    """How far the host is from the installation's clock: as the schedulers correct that of Redis."""
    by: timedelta = request.param
    await redis.set(keyspace.correction(SHARD), -round(by.total_seconds() * 1000))
    return by


async def test_next_fires_are_reckoned_by_it(client: AsyncClient, wrong: timedelta) -> None:
    now = datetime.now(UTC) - wrong

    made = (await client.post("/api/crons", json=CRON)).json()
    paused = (await client.patch("/api/crons/1", json={"is_active": False})).json()
    resumed = (await client.patch("/api/crons/1", json={"is_active": True})).json()
    explained = (await client.post("/api/crons/explain", json={"cron_expression": "* * * * *"})).json()

    assert paused["next_run_at"] is None
    firsts = (made["next_run_at"], resumed["next_run_at"], explained["next_runs"][0]["utc"])
    for first in map(datetime.fromisoformat, firsts):
        assert timedelta(0) < first - now < SLACK
    assert abs(datetime.fromisoformat(made["created_at"]) - now) < SLACK


async def test_a_cron_must_have_a_fire_left_by_it(client: AsyncClient, wrong: timedelta) -> None:
    bounds = [after(hours, wrong) for hours in (-0.5, 0.5)]

    answers = [await client.post("/api/crons", json={**CRON, "ends_at": end}) for end in bounds]

    assert [answer.status_code for answer in answers] == [422, 201]


async def test_warnings_go_by_it(client: AsyncClient, wrong: timedelta) -> None:
    starts = [after(366 * 24 + hours, wrong) for hours in (-0.5, 0.5)]

    made = [(await client.post("/api/crons", json={**CRON, "starts_at": start})).json() for start in starts]

    far = [any("more than a year from now" in said for said in cron.get("warnings", [])) for cron in made]
    assert far == [False, True]


async def test_why_goes_by_it(client: AsyncClient, wrong: timedelta) -> None:
    await client.post("/api/crons", json=CRON)

    reasons = (
        await client.get("/api/crons/1/why", params={"from": after(0, wrong), "to": after(0.1, wrong)})
    ).json()
    said = {reason["verdict"] for reason in reasons["reasons"]}

    assert said <= {"due", "overdue"}
    assert "due" in said


async def test_a_job_of_a_batch_that_expires_too_soon_by_it_stops_no_other(
    client: AsyncClient, wrong: timedelta
) -> None:
    jobs = [{**JOB, "expires_at": after(hours, wrong)} for hours in (-0.5, 0.5)]
    keyed = {"Idempotency-Key": "a-batch"}

    answer = await client.post("/api/jobs/batch", json={"jobs": [*jobs, JOB]}, headers=keyed)
    again = await client.post("/api/jobs/batch", json={"jobs": [*jobs, JOB]}, headers=keyed)

    results = answer.json()["results"]
    assert [result["success"] for result in results] == [False, True, True]
    assert list(results[0]["errors"]) == ["expires_at"]
    assert again.json() == answer.json()


async def test_a_batch_of_jobs_that_are_all_too_late_makes_nothing(
    client: AsyncClient, wrong: timedelta
) -> None:
    late = {**JOB, "expires_at": after(-0.5, wrong)}

    results = (await client.post("/api/jobs/batch", json={"jobs": [late, late]})).json()["results"]

    assert [result["success"] for result in results] == [False, False]
    assert (await client.get("/api/queues")).json()["total"] == 0
