"""Every process takes part: what is made at one door happens on the street and is read back at the other door."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.installation import TOKEN, Installation
from tests.poll import until
from tests.target import Target


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    with Installation(folder) as running:
        yield running


async def call(installation: Installation, tool: str, **arguments: Any) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(installation.mcp, http_client=http)) as client,
    ):
        result = await client.call_tool(tool, arguments)
    content, *_of_the_target = result.content
    assert not result.is_error, content
    return json.loads(content.text)  # type: ignore[union-attr]


def saw(target: Target, path: str, times: int = 1) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sum(request.path == path for request in target.received) >= times

    return look


async def test_a_cron_made_over_mcp_fires_on_its_target_and_is_read_over_rest(
    installation: Installation, target: Target
) -> None:
    made = await call(
        installation,
        "create-cron",
        name="Every second",
        url=f"{target.url}/health",
        cron_expression="* * * * * *",
        headers={"X-Key": "k"},
    )

    await until(saw(target, "/health", 3))
    installation.client.patch(f"/api/crons/{made['id']}", json={"is_active": False})

    sent = target.received[0]
    assert (sent.method, sent.headers["X-Key"], sent.headers["Recuro-Cron-Id"]) == (
        "GET",
        "k",
        str(made["id"]),
    )
    history = installation.client.get(
        f"/api/crons/{made['id']}/executions", params={"filter": "completed"}
    ).json()
    instants = [execution["scheduled_at"] for execution in history["data"]]
    assert len(instants) == len(set(instants)) >= 2
    assert history["data"][0]["run"]["response_status"] == 200
    cron = await call(installation, "get-cron", id=made["id"])
    assert (cron["is_active"], cron["next_run_at"], cron["last_status"]) == (False, None, "completed")


async def test_a_job_made_over_rest_fails_is_retried_and_dead_lettered_and_is_read_over_mcp(
    installation: Installation, target: Target
) -> None:
    target.answer_with(503, b"not now")
    installation.client.post("/api/queues", json={"name": "short", "retry_delays": [1]})
    asked = {"queue": "short", "url": f"{target.url}/sync", "payload": {"a": 1}, "headers": {"X-Shop": "42"}}

    job_id = installation.client.post("/api/jobs", json=asked).json()["job_id"]

    async def dead() -> Any:
        job = await call(installation, "get-job", id=job_id)
        return job if job["final_status"] == "dead_lettered" else None

    job = await until(dead)
    first, second = [request for request in target.received if request.path == "/sync"]
    assert (first.body, first.headers["X-Shop"]) == (b'{"a":1}', "42")
    assert first.headers["Content-Type"] == "application/json"
    assert [first.headers["Recuro-Attempt"], second.headers["Recuro-Attempt"]] == ["1", "2"]
    assert second.headers["Recuro-Original-Job-Id"] == str(job_id)
    assert second.at - first.at >= 0.95
    assert (job["status"], job["run"]["response_status"], job["run"]["response_body"]) == (
        "failed",
        503,
        "not now",
    )
    retry = installation.client.get(f"/api/jobs/{second.headers['Recuro-Job-Id']}").json()
    assert (retry["is_retry"], retry["final_status"]) == (True, "failed_with_retries")


async def test_a_delayed_job_starts_within_moments_of_its_time(
    installation: Installation, target: Target
) -> None:
    asked = {"queue": "later", "url": f"{target.url}/later", "delay": 1}

    job_id = installation.client.post("/api/jobs", json=asked).json()["job_id"]
    await until(saw(target, "/later"))

    job = installation.client.get(f"/api/jobs/{job_id}").json()
    assert job["delay_seconds"] == 1
    assert job["scheduled_at"] <= (await until(lambda: _run_of(installation, job_id)))["started_at"]


async def _run_of(installation: Installation, job_id: int) -> Any:
    return installation.client.get(f"/api/jobs/{job_id}").json()["run"]


async def test_a_private_address_is_refused_where_it_is_not_allowed(installation: Installation) -> None:
    asked = {"queue": "private", "url": "http://10.0.0.1/", "payload": {}}

    refused = installation.client.post("/api/jobs", json=asked)

    assert refused.status_code == 422
    assert "not public" in refused.json()["errors"]["url"][0]
    with pytest.raises(AssertionError, match="does not allow it"):
        await call(installation, "create-job", **asked)


async def test_a_callback_to_our_own_door_makes_no_job(installation: Installation, target: Target) -> None:
    """It carries no token; and if it did, what it says is no job."""
    own = f"{installation.api}/api/jobs"
    asked = {"queue": "loops", "url": target.url, "callback_url": own}
    before = installation.client.get("/api/jobs").json()["total"]

    job_id = installation.client.post("/api/jobs", json=asked).json()["job_id"]

    async def was_tried() -> bool:
        return bool(installation.client.get(f"/api/jobs/{job_id}").json()["callback_status"])

    await until(was_tried)
    told = {"event": "job.completed", **installation.client.get(f"/api/jobs/{job_id}").json()}
    assert installation.client.get("/api/jobs").json()["total"] == before + 1
    assert told["callback_status"] == "retrying"
    assert installation.client.post("/api/jobs", json=told).status_code == 422
