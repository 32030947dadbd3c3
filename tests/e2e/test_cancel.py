"""Cancelling reaches a running request, and a full worker still serves a quiet queue."""

from pathlib import Path

from tests.house import House
from tests.poll import until
from tests.target import Target


def create(house: House, url: str, queue: str) -> int:
    return int(house.client.post("/api/jobs", json={"queue": queue, "url": url}).json()["job_id"])


async def test_a_running_request_is_broken_off_within_moments(tmp_path: Path, target: Target) -> None:
    target.answer("/slow", 200, delay=30.0)
    with House(tmp_path) as house:
        job_id = create(house, f"{target.url}/slow", "work")

        async def arrived() -> bool:
            return len(target.received) == 1

        await until(arrived)
        assert house.client.post(f"/api/jobs/{job_id}/cancel").status_code == 200

        async def ended() -> bool:
            return bool(house.client.get(f"/api/jobs/{job_id}").json()["status"] == "failed")

        await until(ended, seconds=5)
        job = house.client.get(f"/api/jobs/{job_id}").json()
        assert job["run"]["failure_reason"] == "cancelled"
        assert len(target.received) == 1


async def test_slow_jobs_in_every_place_do_not_delay_a_quiet_queue(tmp_path: Path, target: Target) -> None:
    target.answer("/slow", 200, delay=20.0)
    with House(tmp_path, concurrency=32, grace_seconds=1) as house:
        for _ in range(60):
            create(house, f"{target.url}/slow", "flood")

        async def full() -> bool:
            return len(target.received) == 30  # two of the 32 places are kept for quiet queues

        await until(full)
        create(house, f"{target.url}/quick", "quiet")

        async def served() -> bool:
            return target.received[-1].path == "/quick"

        await until(served, seconds=3)
