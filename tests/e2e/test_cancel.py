"""Cancelling reaches a running request, and a full worker still serves a quiet queue."""

from pathlib import Path

from tests.installation import Installation
from tests.poll import until
from tests.target import Target


def create(installation: Installation, url: str, queue: str) -> int:
    return int(installation.client.post("/api/jobs", json={"queue": queue, "url": url}).json()["job_id"])


async def test_a_running_request_is_broken_off_within_moments(tmp_path: Path, target: Target) -> None:
    target.answer("/slow", 200, delay=60.0)
    with Installation(tmp_path) as installation:
        job_id = create(installation, f"{target.url}/slow", "work")

        async def arrived() -> bool:
            return len(target.received) == 1

        await until(arrived)
        assert installation.client.post(f"/api/jobs/{job_id}/cancel").status_code == 200

        async def ended() -> bool:
            return bool(installation.client.get(f"/api/jobs/{job_id}").json()["status"] == "failed")

        await until(ended, seconds=25)
        job = installation.client.get(f"/api/jobs/{job_id}").json()
        assert job["run"]["failure_reason"] == "cancelled"
        assert len(target.received) == 1


async def test_slow_jobs_in_every_place_do_not_delay_a_quiet_queue(tmp_path: Path, target: Target) -> None:
    target.answer("/slow", 200, delay=60.0)
    with Installation(tmp_path, concurrency=32, grace_seconds=1) as installation:
        for _ in range(60):
            create(installation, f"{target.url}/slow", "flood")

        async def full() -> bool:
            return len(target.received) == 30  # two of the 32 places are kept for quiet queues

        await until(full)
        create(installation, f"{target.url}/quick", "quiet")

        async def served() -> bool:
            return target.received[-1].path == "/quick"

        await until(served, seconds=20)
