"""Every door takes instants of the same years, says which, and shows what was stored before there were bounds."""

import json
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.store.keyspace import Team
from tests.fires import NOON, SHARD

CRON = {"name": "a", "url": "https://a.example/", "cron_expression": "0 * * * *"}
JOB = {"queue": "mail", "url": "https://a.example/"}
BOUNDS = "must be a moment from 1970-01-01T00:00:00Z to 2999-12-31T23:59:59Z"
OUT = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59Z",
    "3000-01-01T00:00:00Z",
    "9998-12-31T23:59:59-12:00",
]
NUMBERS = [-1e300, -1, 0, 1_795_770_000, 1_795_770_000_000, "1795770000", "1.8e9"]
"""Seconds or milliseconds since 1970: nobody could say which."""
IN_BOUNDS = (BOUNDS, "must be a moment with its offset")
"""The second of what Python cannot read as a moment at all."""
NO_NUMBER = ("must be a moment with its offset, as in 2026-11-27T09:00:00Z, not a number",)
NEVER = [
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59-12:00",
    "9999-01-01T00:00:00Z",
]
DOORS = [
    ("POST", "/api/crons", CRON, "starts_at"),
    ("POST", "/api/crons", CRON, "ends_at"),
    ("PATCH", "/api/crons/1", {}, "starts_at"),
    ("PATCH", "/api/crons/1", {}, "ends_at"),
    ("POST", "/api/crons/explain", {"cron_expression": "0 9 * * *"}, "after"),
    ("POST", "/api/crons/explain", {"cron_expression": "0 9 * * *"}, "starts_at"),
    ("POST", "/api/crons/explain", {"cron_expression": "0 9 * * *"}, "ends_at"),
    ("GET", "/api/crons/1/why", {}, "at"),
    ("GET", "/api/crons/1/why", {}, "from"),
    ("GET", "/api/crons/1/why", {"from": "2026-11-27T09:00:00Z"}, "to"),
    ("POST", "/api/jobs", JOB, "expires_at"),
    ("POST", "/api/dead-letters/replay", {}, "dead_lettered_before"),
    ("POST", "/api/dead-letters/purge", {}, "dead_lettered_before"),
]


async def ask(client: AsyncClient, method: str, path: str, fields: dict[str, Any]) -> Response:
    if method == "GET":
        return await client.get(path, params=fields)
    return await client.request(method, path, json=fields)


@pytest.mark.parametrize(
    ("moment", "said"), [*((one, IN_BOUNDS) for one in OUT), *((one, NO_NUMBER) for one in NUMBERS)], ids=str
)
@pytest.mark.parametrize(("method", "path", "fields", "field"), DOORS)
async def test_what_is_no_instant_within_the_bounds_is_refused_with_what_is_one(
    client: AsyncClient,
    method: str,
    path: str,
    fields: dict[str, Any],
    field: str,
    moment: str | float,
    said: tuple[str, ...],
) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await ask(client, method, path, {**fields, field: moment})

    assert answer.status_code == 422
    (sentence,) = answer.json()["errors"][field]
    assert any(one in sentence for one in said)


@pytest.mark.parametrize(
    "moment", ["1970-01-01T00:00:00Z", "2999-12-31T23:59:59Z", "2999-12-31T23:59:59+14:00"]
)
@pytest.mark.parametrize(("method", "path", "fields", "field"), DOORS)
async def test_no_instant_within_the_bounds_is_a_fault_of_ours(
    client: AsyncClient, method: str, path: str, fields: dict[str, Any], field: str, moment: str
) -> None:
    zoned = {**fields, "timezone": "Pacific/Kiritimati"} if "cron_expression" in fields else fields
    await client.post("/api/crons", json=CRON)

    answer = await ask(client, method, path, {**zoned, field: moment})
    lists = [await client.get(path) for path in ("/api/crons", "/api/jobs", "/readyz")]

    assert answer.status_code in (200, 201, 202, 422)
    assert BOUNDS not in answer.text
    assert [each.status_code for each in lists] == [200, 200, 200]


@pytest.mark.parametrize("moment", NEVER)
async def test_the_last_year_that_there_is_means_never(
    client: AsyncClient, redis: Redis, moment: str
) -> None:
    cron = await client.post("/api/crons", json={**CRON, "ends_at": moment})
    job = await client.post("/api/jobs", json={**JOB, "expires_at": moment})
    explained = await client.post(
        "/api/crons/explain", json={"cron_expression": "0 9 * * *", "ends_at": moment}
    )
    changed = await client.patch("/api/crons/1", json={"ends_at": moment})

    assert (cron.status_code, cron.json()["ends_at"]) == (201, None)
    assert cron.json()["next_run_at"]
    assert (await client.get(f"/api/jobs/{job.json()['job_id']}")).json()["expires_at"] is None
    assert "until" not in explained.json()["description"]
    assert (changed.status_code, changed.json()["ends_at"]) == (200, None)


async def test_who_gives_another_far_end_is_told_how_to_say_never(client: AsyncClient) -> None:
    answer = await client.post("/api/crons", json={**CRON, "ends_at": "5000-01-01T00:00:00Z"})

    assert answer.json()["message"] == f"The ends_at field {BOUNDS}; leave it out, or give null, for never."


@pytest.mark.parametrize(
    ("ends_at", "shown"),
    [("9999-12-31T23:59:59+00:00", None), ("5000-01-01T00:00:00+00:00", "2999-12-31T23:59:59+00:00")],
)
async def test_an_end_that_was_stored_before_is_shown_and_its_cron_fires(
    client: AsyncClient, redis: Redis, team: Team, ends_at: str, shown: str | None
) -> None:
    cron = (await client.post("/api/crons", json=CRON)).json()["id"]
    record, due = f"{team.prefix}c:{team.id}:{cron}", str(clock.milliseconds(NOON))
    spec = json.loads(await redis.hget(record, "spec") or "{}") | {"ends_at": ends_at}  # type: ignore[misc]
    timing = json.dumps({"ends_at": ends_at})
    await redis.hset(record, mapping={"spec": json.dumps(spec), "timing": timing, "next": due})  # type: ignore[misc]
    await redis.zadd(f"{team.prefix}crons", {f"{team.id}:{cron}": due})

    await fire_due(redis, SHARD, NOON)
    answers = [await client.get(f"/api/crons{path}") for path in ("", f"/{cron}", f"/{cron}/why")]
    renamed = await client.patch(f"/api/crons/{cron}", json={"name": "b"})

    assert [answer.status_code for answer in (*answers, renamed)] == [200] * 4
    assert answers[1].json()["ends_at"] == shown
    assert (await redis.zscore(f"{team.prefix}crons", f"{team.id}:{cron}") or 0) > clock.milliseconds(NOON)


@pytest.mark.parametrize("expires", ["253402318799000", "1e300"])
async def test_a_job_that_was_stored_with_an_expiry_beyond_all_years_is_shown(
    client: AsyncClient, redis: Redis, team: Team, expires: str
) -> None:
    job = (await client.post("/api/jobs", json={**JOB, "expires_at": "2999-01-01T00:00:00Z"})).json()[
        "job_id"
    ]
    await redis.hset(f"{team.prefix}j:{team.id}:{job}", "expires", expires)  # type: ignore[misc]

    answers = [await client.get(path) for path in ("/api/jobs", f"/api/jobs/{job}")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["expires_at"] == "9999-12-31T23:59:59+00:00"
