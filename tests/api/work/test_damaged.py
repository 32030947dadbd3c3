"""What is stored in a way that this host or version cannot use is shown, with what is wrong, and can be mended."""

import json

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler import patrol
from shared.store.care import damage

P = "r:{s0}:"
CRON = {"name": "nightly", "url": "https://a.example/", "cron_expression": "0 3 * * *"}
JOB = {"queue": "mail", "url": "https://a.example/"}


async def unknown_zone(redis: Redis, zone: str = "Mars/Olympus") -> None:
    """As a host with newer tzdata would have stored it."""
    spec = json.loads(await redis.hget(f"{P}c:1:1", "spec"))  # type: ignore[misc]
    stored = {"spec": json.dumps({**spec, "timezone": zone}), "timezone": zone}
    await redis.hset(f"{P}c:1:1", mapping=stored)  # type: ignore[misc]


@pytest.mark.writes_records
async def test_a_cron_in_a_zone_that_this_host_does_not_know_is_shown_with_the_fault(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons", json=CRON)
    await unknown_zone(redis)

    answers = {
        path: await client.get(path)
        for path in (
            "/api/crons",
            "/api/crons/1",
            "/api/crons/1/executions",
            "/api/crons/1/why",
            "/api/crons/1/why?at=2026-01-01T03:00:00Z",
        )
    }

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    shown = answers["/api/crons/1"].json()
    assert (shown["timezone"], shown["next_runs"]) == ("Mars/Olympus", [])
    assert "timezone" in shown["problem"]
    assert ["problem" in cron for cron in answers["/api/crons"].json()["data"]] == [False, True]


async def test_such_a_cron_runs_by_hand_and_a_patch_mends_it(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/crons", json=CRON)
    await unknown_zone(redis)

    ran = await client.post("/api/crons/1/run")
    renamed = await client.patch("/api/crons/1", json={"name": "renamed"})
    wrong = await client.patch("/api/crons/1", json={"cron_expression": "0 4 * * *"})
    mended = await client.patch("/api/crons/1", json={"timezone": "Europe/Berlin"})

    assert [ran.status_code, renamed.status_code, wrong.status_code] == [202, 200, 422]
    assert wrong.json()["message"].startswith("The timezone field must be a zone that is known here")
    assert (mended.status_code, mended.json()["name"], "problem" in mended.json()) == (200, "renamed", False)
    assert mended.json()["next_run_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec", "{spoiled"),
        ("spec", "[]"),
        (
            "spec",
            '{"name": "x", "url": "https://a.example/", "cron_expression": "0 3 * * *", "method": "QUERY"}',
        ),
        ("spec", '{"name": "x", "url": "https://a.example/", "cron_expression": "@moonrise"}'),
        (
            "spec",
            '{"name": "x", "cron_expression": "0 3 * * *", "misfire_policy": "ask", "timeout_seconds": 9999}',
        ),
        ("spec", '{"name": "x", "cron_expression": "0 3 * * *", "success_assertions": [{"type": "sings"}]}'),
        ("failures", "many"),
        ("next", "soon"),
        ("created", "then"),
        ("last_failure", "none"),
        ("runs", "-"),
        ("phase", "x"),
    ],
)
async def test_any_part_of_a_cron_may_be_spoiled(
    client: AsyncClient, redis: Redis, field: str, value: str
) -> None:
    await client.post("/api/crons", json=CRON)
    await redis.hset(f"{P}c:1:1", field, value)  # type: ignore[misc]

    shown = await client.get("/api/crons/1")
    listed = await client.get("/api/crons")
    mended = await client.patch("/api/crons/1", json={**CRON, "timezone": "UTC"})

    assert (shown.status_code, listed.status_code, mended.status_code) == (200, 200, 200), mended.text
    assert field == "phase" or shown.json()["problem"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expression", None),
        ("expression", "never"),
        ("timezone", None),
        ("timing", "{spoiled"),
        ("offset", "some"),
    ],
)
@pytest.mark.parametrize("is_due", [False, True])
async def test_a_plan_that_schedulers_cannot_read_is_shown_and_a_patch_mends_it(
    client: AsyncClient, redis: Redis, field: str, value: str | None, is_due: bool
) -> None:
    await client.post("/api/crons", json=CRON)
    if is_due:
        await redis.hset(f"{P}c:1:1", "next", "1790000000000")  # type: ignore[misc]
    await spoil(redis, f"{P}c:1:1", field, value)

    shown = await client.get("/api/crons/1")
    paused = await client.patch("/api/crons/1", json={"is_active": False})
    mended = await client.patch("/api/crons/1", json={"is_active": True})

    assert "cron_expression" in shown.json()["problem"]
    assert (paused.status_code, mended.status_code, "problem" in mended.json()) == (200, 200, False)
    assert mended.json()["next_run_at"]
    fires = (await client.get("/api/crons/1/executions")).json()["data"]
    assert [one["skip_reason"] for one in fires] == ["missed"] * is_due


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("b:1:1", None, "{spoiled"),
        ("b:1:1", None, None),
        ("b:1:1", None, '{"url": "https://a.example/", "method": "QUERY"}'),
        ("j:1:1", "state", "dreaming"),
        ("j:1:1", "attempt", "many"),
        ("j:1:1", "due", None),
        ("j:1:1", "created", "then"),
        ("j:1:1", "expires", "never"),
    ],
)
async def test_any_part_of_a_job_may_be_spoiled(
    client: AsyncClient, redis: Redis, key: str, field: str | None, value: str | None
) -> None:
    for _ in range(2):
        await client.post("/api/jobs", json=JOB)
    await spoil(redis, P + key, field, value)

    shown = await client.get("/api/jobs/1")
    listed = await client.get("/api/jobs?filter=pending")
    deleted = await client.delete("/api/jobs/1")

    assert (shown.status_code, listed.status_code, deleted.status_code) == (200, 200, 200)
    assert shown.json()["problem"]
    assert [("problem" in job, job["id"]) for job in listed.json()["data"]] == [(False, 2), (True, 1)]


async def spoil(redis: Redis, key: str, field: str | None, value: str | None) -> None:
    if field is None:
        await redis.delete(key)
        if value is not None:
            await redis.set(key, value)
    elif value is None:
        await redis.hdel(key, field)  # type: ignore[misc]
    else:
        await redis.hset(key, field, value)  # type: ignore[misc]


async def test_a_queue_whose_settings_are_spoiled_is_shown_and_mended(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/queues", json={"name": "mail"})
    await redis.hset(f"{P}q:1:1", "spec", '{"timeout_seconds": 0, "retry_delays": "often"}')  # type: ignore[misc]

    shown = await client.get("/api/queues/1")
    listed = await client.get("/api/queues")
    mended = await client.patch("/api/queues/1", json={"timeout_seconds": 5, "retry_delays": [1]})

    assert (shown.status_code, listed.status_code, mended.status_code) == (200, 200, 200)
    assert "timeout_seconds" in shown.json()["problem"]
    assert "problem" not in mended.json()


async def test_a_new_job_makes_the_lost_record_of_its_queue_anew(client: AsyncClient, redis: Redis) -> None:
    first = (await client.post("/api/jobs", json=JOB)).json()
    await redis.delete(f"{P}q:1:1")

    second = (await client.post("/api/jobs", json=JOB)).json()

    queue = (await client.get("/api/queues/1")).json()
    assert (first["queue_id"], second["queue_id"]) == (1, 1)
    assert (queue["name"], queue["counts"]["pending"], queue["is_active"]) == ("mail", 2, True)
    assert "record was lost" in queue["problem"]
    assert "problem" not in (await client.patch("/api/queues/1", json={"weight": 2})).json()


async def test_a_cron_whose_record_is_lost_can_be_deleted_as_the_doctor_says(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/crons", json=CRON)
    await redis.delete(f"{P}c:1:1")
    await patrol.patrol(redis, "s0")
    (damaged,) = await damage.found(redis, "s0")

    answers = [(await client.delete("/api/crons/1")).status_code for _ in range(2)]
    await patrol.patrol(redis, "s0")

    assert damaged.said == "its record is lost; delete the cron"
    assert answers == [200, 404]
    assert await damage.found(redis, "s0") == []
    assert (await client.get("/api/crons")).json()["total"] == 0


async def test_ids_go_on_where_their_count_was_lost(client: AsyncClient, redis: Redis) -> None:
    for _ in range(3):
        await client.post("/api/jobs", json=JOB)
        await client.post("/api/crons", json=CRON)
    await redis.delete(f"{P}ids:1")

    job = (await client.post("/api/jobs", json=JOB)).json()
    cron = (await client.post("/api/crons", json=CRON)).json()

    assert (job["job_id"], cron["id"]) == (4, 4)


async def test_a_record_that_nobody_can_read_is_named_and_its_neighbours_are_listed(
    client: AsyncClient, redis: Redis
) -> None:
    await client.post("/api/crons", json=CRON)
    for _ in range(2):
        await client.post("/api/crons/1/run")
    await redis.hset(f"{P}e:1:1", "state", "dreaming")  # type: ignore[misc]

    shown = await client.get("/api/crons/1/executions/1")
    listed = await client.get("/api/crons/1/executions")

    assert (shown.status_code, shown.json()["error"]) == (409, "Record damaged")
    assert shown.json()["message"].startswith("The record of execution 1 is damaged:")
    assert [execution["id"] for execution in listed.json()["data"]] == [2]


async def test_a_token_whose_record_is_damaged_is_no_500(
    client: AsyncClient, redis: Redis, token: str
) -> None:
    async for key in redis.scan_iter("r:{global}:token:*"):
        await redis.hdel(key, "team")  # type: ignore[misc]

    answer = await client.get("/api/jobs")

    assert (answer.status_code, answer.json()["error"]) == (409, "Record damaged")
