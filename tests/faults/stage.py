"""What a row works with: an installation, a target, a watch on the ledger, callers, and the final check."""

import random
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis

from shared.store import connection, ledger
from shared.store.keyspace import Team
from tests.faults.parts import account, figures
from tests.faults.parts.callers import CANARY, Callers, Wanted
from tests.faults.parts.installation import FaultInstallation, Options
from tests.faults.parts.targets import CountingTarget
from tests.faults.parts.watch import Watch
from tests.faults.story import Fault, Story
from tests.poll import until
from tests.processes import catches
from tests.truth.planned import planned_agree

TEAM, OTHER_TEAM = Team(1), Team(2)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the runner gives a row; with `is_small` the row should be quick, not heavy."""

    folder: Path
    rng: random.Random
    story: Story
    is_small: bool


@dataclass(slots=True)
class Stage:
    """A running installation and all that belongs to its row."""

    scene: Scene
    installation: FaultInstallation
    target: CountingTarget
    watch: Watch
    redis: Redis
    """Our own client, which bypasses the proxy."""
    callers: list[Callers] = field(default_factory=list)
    created: set[int] = field(default_factory=set)
    """Job ids that were acknowledged to `create`."""
    stopped: dict[int, int] = field(default_factory=dict)
    """Ids of the processes that got a SIGTERM, with the exit code that they should have."""

    @property
    def story(self) -> Story:
        return self.scene.story

    def url(self, path: str = "/work") -> str:
        return f"{self.target.url}{path}"

    def calling(self, *wanted: Wanted, clients: int = 4, per_second: float = 40.0) -> Callers:
        """Callers, to be used as a context; by default each creates jobs for /work."""
        one = Callers(
            self.installation,
            wanted or (Wanted(self.url()),),
            self.scene.rng,
            clients=clients,
            per_second=per_second,
        )
        self.callers.append(one)
        return one

    def create(self, jobs: int, path: str = "/work", queue: str = "work", **fields: object) -> list[int]:
        """Create so many jobs in batches of a thousand; return their ids."""
        job = {"queue": queue, "url": self.url(path), "payload": {"n": 1}, "headers": {"X-Canary": CANARY}}
        ids: list[int] = []
        for start in range(0, jobs, 1000):
            batch = [{**job, **fields}] * min(1000, jobs - start)
            answer = self.installation.client.post("/api/jobs/batch", json={"jobs": batch})
            assert answer.status_code == 200, answer.text
            ids += [result["job_id"] for result in answer.json()["results"]]
        self.created.update(ids)
        return ids

    def queue(self, name: str, **settings: object) -> int:
        answer = self.installation.client.post("/api/queues", json={"name": name, **settings})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def cron(self, expression: str, path: str = "/cron") -> int:
        cron = {"name": path, "url": self.url(path), "cron_expression": expression}
        answer = self.installation.client.post("/api/crons", json=cron)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def stop_crons(self) -> None:
        """Pause every cron, so that all work can end."""
        listed = self.installation.client.get("/api/crons", params={"per_page": 100})
        assert listed.status_code == 200, listed.text
        for cron in listed.json()["data"]:
            answer = self.installation.client.patch(f"/api/crons/{cron['id']}", json={"is_active": False})
            assert answer.status_code == 200, answer.text

    def kill(self, process: subprocess.Popen[bytes]) -> Fault:
        """kill -9; the loss of a worker may cause deliveries."""
        service = self.installation.service_of(process)
        fault = self.story.note(f"kill -9 {service} {process.pid}", repeats=service == "worker")
        self.installation.kill(process)
        return fault

    def signal(
        self, process: subprocess.Popen[bytes], number: signal.Signals, *, repeats: bool = False
    ) -> Fault:
        service = self.installation.service_of(process)
        fault = self.story.note(f"{number.name} {service} {process.pid}", repeats=repeats)
        if number == signal.SIGTERM:
            # One that still imports its modules has no handler yet, and has begun nothing.
            self.stopped[process.pid] = 0 if catches(process.pid, number) else -number
        process.send_signal(number)
        return fault

    async def arrives(self, jobs: int, path: str = "/work", seconds: float = 60.0) -> None:
        """Wait until the target saw so many requests at the path."""

        async def there() -> bool:
            return self.arrived(path) >= jobs

        await until(there, seconds)

    def arrived(self, path: str = "/work") -> int:
        return sum(request.path == path for request in self.target.received)

    async def counts(self, noun: str = "job", team: Team = TEAM) -> ledger.Ledger:
        return await ledger.read(self.redis, team, noun)

    async def holds(self, look: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> float:
        """Wait until the condition is true; return how many seconds that took."""
        began = self.story.now
        await until(look, seconds)
        return self.story.now - began

    async def settle(self, seconds: float = 60.0, teams: Sequence[Team] = (TEAM,)) -> None:
        """Wait until all work has ended, and check the first team; AssertionError says what is wrong."""
        strange = {status for one in self.callers for status in one.answers} - {0, 201, 503}
        assert not strange, f"callers got {strange}; only 503 may report trouble"
        for team in teams:
            await account.all_ended(self.redis, team, seconds)
            await account.indexes_agree(self.redis, team)
            await account.lists_agree(self.redis, team)
            await figures.figures_agree(self.redis, team)
        await self.holds(self._is_planned)
        seen = account.deliveries(self.target.received, self.story.began)
        acknowledged = self.created.union(*(one.accepted for one in self.callers))
        keyed = {tag for one in self.callers for tag in one.keyed}
        await account.check(self.redis, TEAM, acknowledged, keyed, seen, self.story)
        done = {tag for one in self.callers for tag in one.undone} & set(seen.jobs_of_tag)
        assert not done, f"jobs were made of which nothing was said to be done: {sorted(done)[:10]}"

    async def _is_planned(self) -> bool:
        """What is damaged is mended by the patrol."""
        try:
            await planned_agree(self.redis)
        except AssertionError:
            return False
        return True

    def no_process_ended(self) -> None:
        """Only killed processes have ended, and those that got SIGTERM ended without an error."""
        for process in self.installation.running:
            allowed = (None, -signal.SIGKILL, *self._code_of(process.pid))
            service, code = self.installation.service_of(process), process.poll()
            assert code in allowed, f"{service} {process.pid} ended with {code}"

    def _code_of(self, pid: int) -> tuple[int, ...]:
        return (self.stopped[pid], 0) if pid in self.stopped else ()


@asynccontextmanager
async def playing(
    scene: Scene, options: Options | None = None, teams: tuple[Team, ...] = (TEAM,)
) -> AsyncIterator[Stage]:
    """A ready installation; the conditions that hold after every row are checked at the end."""
    with ExitStack() as stack:
        target = CountingTarget()
        stack.enter_context(target)
        installation = stack.enter_context(FaultInstallation(scene.folder, options or Options()))
        async with connection.connect(installation.settings) as redis:
            with Watch(installation.settings, teams) as watch:
                yield Stage(scene, installation, target, watch, redis)
            assert watch.samples, "the ledger was never read"
            assert not watch.broken, f"the ledger law was broken {len(watch.broken)} times: {watch.broken[0]}"
            scene.story.figures["samples"] = watch.samples
        account.no_secrets(scene.folder)
