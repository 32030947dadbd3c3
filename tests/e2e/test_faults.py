"""Processes die and Redis goes away in the middle of work; every acknowledged job still ends."""

import signal
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from shared.store import connection, ledger
from shared.store.keyspace import Team
from tests.installation import Installation
from tests.poll import until
from tests.target import Target

TEAM = Team(1)


def create(installation: Installation, target: Target, jobs: int, path: str = "/work") -> list[int]:
    asked = {"queue": "work", "url": f"{target.url}{path}", "payload": {"n": 1}}
    return [installation.client.post("/api/jobs", json=asked).json()["job_id"] for _ in range(jobs)]


def finished(installation: Installation) -> int:
    counts = installation.client.get("/api/queues").json()["data"][0]["counts"]
    return int(counts["completed"])


def deliveries(target: Target) -> Counter[str]:
    return Counter(request.headers["Recuro-Job-Id"] for request in target.received)


async def test_jobs_of_a_killed_worker_finish_through_another(tmp_path: Path, target: Target) -> None:
    target.answer_with(200, delay=1.0)
    with Installation(tmp_path, concurrency=8) as installation:
        (worker,) = installation.of("worker")
        create(installation, target, 12)

        async def some_arrived() -> bool:
            return len(target.received) >= 8

        await until(some_arrived)
        worker.send_signal(signal.SIGKILL)
        installation.start("worker")

        async def all_finished() -> bool:
            return finished(installation) == 12

        await until(all_finished, seconds=90)
        assert set(deliveries(target)) == {str(n) for n in range(1, 13)}
        assert max(deliveries(target).values()) <= 2


class Load:
    """Clients that create jobs as fast as they may until stopped; `accepted` are the ids they were given."""

    def __init__(self, installation: Installation, url: str, clients: int = 4) -> None:
        self.accepted: list[int] = []
        self._stop = threading.Event()
        self._installation, self._url = installation, url
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def _run(self) -> None:
        asked = {"queue": "work", "url": self._url, "payload": {"n": 1}}
        with httpx.Client(headers=self._installation.client.headers, trust_env=False, timeout=10) as client:
            while not self._stop.is_set():
                answer = client.post(f"{self._installation.api}/api/jobs", json=asked)
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    self.accepted.append(answer.json()["job_id"])

    async def reaches(self, jobs: int) -> None:
        async def there() -> bool:
            return len(self.accepted) >= jobs

        await until(there, seconds=90)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


async def test_a_crash_of_redis_under_load_loses_no_acknowledged_job(tmp_path: Path, target: Target) -> None:
    with Installation(tmp_path) as installation:
        with Load(installation, f"{target.url}/work") as load:
            await load.reaches(300)
            installation.restart_redis()
            await load.reaches(len(load.accepted) + 100)

        async def all_delivered() -> bool:
            return set(map(str, load.accepted)) <= set(deliveries(target))

        await until(all_delivered, seconds=90)
        assert [process.poll() for process in installation.running] == [None] * 4
        await until(lambda: settled(installation), seconds=90)


async def settled(installation: Installation) -> bool:
    async with connection.connect(installation.settings) as redis:
        books = await ledger.read(redis, TEAM)
    assert books.holds
    return books.pending == books.processing == 0


async def test_sigterm_lets_requests_end_and_uses_no_attempt(tmp_path: Path, target: Target) -> None:
    target.answer_with(200, delay=1.0)
    with Installation(tmp_path, concurrency=10) as installation:
        (worker,) = installation.of("worker")
        create(installation, target, 30)

        async def some_arrived() -> bool:
            return len(target.received) >= 10

        await until(some_arrived)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
        assert (
            finished(installation) == len(target.received) <= 20
        )  # what ended made room, and nothing came to fill it
        installation.start("worker")

        async def all_finished() -> bool:
            return finished(installation) == 30

        await until(all_finished, seconds=60)
        assert set(deliveries(target).values()) == {1}
        assert {request.headers["Recuro-Attempt"] for request in target.received} == {"1"}


async def test_sigterm_with_too_little_grace_hands_the_work_on(tmp_path: Path, target: Target) -> None:
    target.answer_with(200, delay=4.0)
    with Installation(tmp_path, concurrency=5, grace_seconds=1) as installation:
        (worker,) = installation.of("worker")
        create(installation, target, 5)

        async def all_arrived() -> bool:
            return len(target.received) == 5

        await until(all_arrived)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
        target.answer_with(200)
        installation.start("worker")

        async def all_finished() -> bool:
            return finished(installation) == 5

        await until(all_finished, seconds=60)
        assert {request.headers["Recuro-Attempt"] for request in target.received} == {"1"}


@pytest.mark.parametrize("jobs", [500])
async def test_a_calm_run_delivers_every_job_exactly_once(tmp_path: Path, target: Target, jobs: int) -> None:
    with Installation(tmp_path) as installation:
        create(installation, target, jobs)
        redis = connection.connect(installation.settings)

        async def all_finished() -> bool:
            books = await ledger.read(redis, TEAM)
            assert books.holds
            return books.completed == jobs

        async with redis:
            await until(all_finished, seconds=120)
        assert len(target.received) == jobs
        assert set(deliveries(target).values()) == {1}
