"""/ping/{key}: what a shell script says with curl, without a token."""

import asyncio
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from shared import clock
from shared.store.keyspace import Team
from tests.fires import SHARD

BACKUP = {"name": "Backup", "mode": "heartbeat", "cron_expression": "0 3 1 1 *", "grace_seconds": 300}


async def a_key(client: AsyncClient) -> str:
    return str((await client.post("/api/crons", json=BACKUP)).json()["ping_key"])


async def fire(redis: Redis, team: Team) -> None:
    """Make the heartbeat's fire due now."""
    due, record = clock.milliseconds(clock.now()) - 1000, f"{team.prefix}c:{team.id}:1"
    await redis.zadd(f"{team.prefix}crons", {f"{team.id}:1": due})
    await redis.hset(record, "next", str(due))  # type: ignore[misc]
    await fire_due(redis, SHARD)


async def last(client: AsyncClient) -> dict[str, Any]:
    execution: dict[str, Any] = (await client.get("/api/crons/1/executions")).json()["data"][0]
    return execution


@pytest.mark.parametrize(
    ("status", "state", "error"),
    [
        (0, "completed", None),
        (1, "failed", "The ping said that it failed, with exit status 1."),
        (255, "failed", "The ping said that it failed, with exit status 255."),
    ],
)
async def test_the_exit_status_of_a_program_says_how_it_went(
    client: AsyncClient, redis: Redis, team: Team, status: int, state: str, error: str | None
) -> None:
    key = await a_key(client)
    await fire(redis, team)

    answer = await client.post(f"/ping/{key}/{status}", content=b"the last lines of a log")

    execution = await last(client)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert (execution["status"], execution["run"]["error_message"]) == (state, error)
    assert execution["run"]["response_body"] == "the last lines of a log"


@pytest.mark.parametrize(
    "path", ["/256", "/-1", "/1.5", "/999999999999999999999", "/0x1", "/ok", "/start/1", "/"]
)
async def test_what_is_no_exit_status_is_no_ping(
    client: AsyncClient, redis: Redis, team: Team, path: str
) -> None:
    key = await a_key(client)
    await fire(redis, team)

    answer = await client.post(f"/ping/{key}{path}")

    assert answer.status_code == 404
    assert (await last(client))["status"] == "pending"


async def test_curl_in_a_script_says_start_a_note_and_the_end(
    api: str, client: AsyncClient, redis: Redis, team: Team
) -> None:
    key = await a_key(client)
    await fire(redis, team)
    script = f"""
        set -e
        ping={api}/ping/{key}
        curl -fsS -m 10 $ping/start
        curl -fsS -m 10 --data-raw 'half of it' $ping/log
        sh -c 'exit 7' && status=0 || status=$?
        curl -fsS -m 10 --data-raw 'disk full' $ping/$status
        curl -fsSI -m 10 $ping >/dev/null
    """

    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", script], capture_output=True, text=True, check=False
    )

    execution = await last(client)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == '{"ok":true}' * 3
    assert (execution["status"], execution["run"]["response_body"]) == ("failed", "disk full")
    assert 0 <= execution["run"]["duration_ms"] < 10_000
    assert (await client.get("/api/crons/1")).json()["last_status"] == "completed"  # the last one was a ping


@pytest.mark.parametrize("signal", ["start", "log"])
async def test_a_start_or_a_note_ends_nothing(
    client: AsyncClient, redis: Redis, team: Team, signal: str
) -> None:
    key = await a_key(client)
    await fire(redis, team)

    answers = [await client.request(method, f"/ping/{key}/{signal}") for method in ("HEAD", "GET", "POST")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert (await last(client))["status"] == "pending"


async def test_a_ping_that_ends_nothing_is_told_when_the_next_one_counts(client: AsyncClient) -> None:
    key = await a_key(client)
    due = (await client.get("/api/crons/1")).json()["next_run_at"]

    answer = (await client.post(f"/ping/{key}")).json()

    assert answer["ok"] is True
    assert answer["note"].startswith(f"No fire waits for it. The next one is due at {due}, and a ping counts")


@pytest.mark.writes_records
async def test_a_ping_shortly_before_its_time_is_told_for_what_it_counts(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    key = await a_key(client)
    soon = clock.now().replace(microsecond=0) + timedelta(seconds=60)
    record = f"{team.prefix}c:{team.id}:1"
    ago = clock.milliseconds(soon - timedelta(hours=1))
    await redis.hset(record, mapping={"next": clock.milliseconds(soon), "fired_until": ago})  # type: ignore[misc]

    answer = (await client.post(f"/ping/{key}")).json()

    told = soon.isoformat(timespec="seconds")
    assert answer == {"ok": True, "note": f"It came early, and counts for the fire of {told}."}


@pytest.mark.parametrize("path", ["", "/start", "/fail", "/log", "/0"])
async def test_a_wrong_key_opens_nothing(client: AsyncClient, path: str) -> None:
    key = await a_key(client)

    answer = await client.post(f"/ping/{key}x{path}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Ping key not found"})


async def test_what_differs_beyond_the_text_that_is_kept_is_another_ping(client: AsyncClient) -> None:
    key, once, log = await a_key(client), {"Idempotency-Key": "run-7"}, b"a" * 100_000

    first = await client.post(f"/ping/{key}", content=log, headers=once)
    again = await client.post(f"/ping/{key}", content=log, headers=once)
    another = await client.post(f"/ping/{key}", content=log + b"b", headers=once)

    assert (first.status_code, again.status_code, another.status_code) == (200, 200, 409)
    assert again.headers["idempotent-replayed"] == "true"
