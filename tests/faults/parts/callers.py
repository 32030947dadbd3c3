"""Clients that create jobs while faults happen, and keep a list of what was acknowledged."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from tests.faults.parts.installation import FaultInstallation
from tests.installation import TOKEN
from tests.poll import until

CANARY = "canary-of-the-fault-rows-7b1d"
"""Sent as a header of every job; no log may show it."""
PAUSE_SECONDS = 0.2
CLIENT_SECONDS = 10.0

_tags = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that callers create; each time they choose one of several. `delay` is in seconds."""

    url: str
    queue: str = "work"
    delay: int = 0


class Callers:
    """`with Callers(installation, wanted, rng) as callers:`; a third of the requests carry an Idempotency-Key.

    Those are repeated with the same key until they are acknowledged; the others are dropped when they fail.
    """

    def __init__(
        self,
        installation: FaultInstallation,
        wanted: Sequence[Wanted],
        rng: random.Random,
        *,
        clients: int = 4,
        per_second: float = 40.0,
    ) -> None:
        self.accepted: dict[int, str] = {}
        """The acknowledged job ids, each with the tag of its request."""
        self.keyed: set[str] = set()
        self.undone: set[str] = set()
        """Tags of requests without a key that got the answer that nothing was done."""
        self.answers: Counter[int] = Counter()
        """Answers by status; 0 is "no answer"."""
        self.slowest = 0.0
        self._installation, self._wanted, self._clients = installation, wanted, clients
        self._pause = clients / per_second
        self._seeds = [rng.random() for _ in range(clients)]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in self._seeds]

    async def reach(self, jobs: int, seconds: float = 60.0) -> None:
        """Wait until so many are acknowledged."""

        async def there() -> bool:
            return len(self.accepted) >= jobs

        await until(there, seconds)

    async def gain(self, jobs: int, seconds: float = 60.0) -> None:
        """Wait until so many more are acknowledged."""
        await self.reach(len(self.accepted) + jobs, seconds)

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, seed: float) -> None:
        rng = random.Random(seed)
        with httpx.Client(
            base_url=self._installation.api,
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
            timeout=CLIENT_SECONDS,
        ) as client:
            while not self._stop.is_set():
                self._create(client, rng.choice(self._wanted), is_keyed=rng.random() < 1 / 3)
                self._stop.wait(self._pause * rng.uniform(0.5, 1.5))

    def _create(self, client: httpx.Client, wanted: Wanted, *, is_keyed: bool) -> None:
        tag = f"tag-{next(_tags)}"
        job = {
            "queue": wanted.queue,
            "url": wanted.url,
            "delay": wanted.delay,
            "headers": {"X-Tag": tag, "X-Canary": CANARY},
            "payload": {"tag": tag},
        }
        if is_keyed:
            self.keyed.add(tag)
        headers = {"Idempotency-Key": tag} if is_keyed else {}
        while not (job_id := self._tried(client, tag, job, headers)) and is_keyed and not self._stop.is_set():
            pass
        if job_id:
            self.accepted[job_id] = tag

    def _tried(self, client: httpx.Client, tag: str, job: dict[str, object], headers: dict[str, str]) -> int:
        """The id of the job, or 0 after a pause."""
        began = time.monotonic()
        try:
            answer = client.post("/api/jobs", json=job, headers=headers)
        except httpx.TransportError:
            self.answers[0] += 1
            self._stop.wait(PAUSE_SECONDS)
            return 0
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[answer.status_code] += 1
        if answer.status_code == 201:
            return int(answer.json()["job_id"])
        if not headers and "Storage unavailable" in answer.text:
            self.undone.add(tag)
        self._stop.wait(PAUSE_SECONDS)
        return 0
