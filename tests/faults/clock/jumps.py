"""The clock of Redis jumps and is corrected: nothing is early, ended, deleted, doubled, dropped or silent."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.cli import doctor
from shared.store import moments
from tests.faults.clock.clocks import HOUR, faked, fooled, set_clock
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.installation import free_port
from tests.poll import until

DAY = 24 * HOUR
SHIFTS = {"+2 h": 2 * HOUR, "+25 h": 25 * HOUR, "+40 d": 40 * DAY, "-1 h": -HOUR}
AFTER_SECONDS = 8.0
DELAY_SECONDS = 2
DEAD = 4
"""Two dead letters and the retries before them."""
LATE_SECONDS = 10.0
"""Of what was made in the moment in which the clock jumped; the machine is busy, too."""
SEEN_SECONDS, SAID_SECONDS = 3.0, 15.0
"""By when doctor and metrics show a jump, and by when they do so on a busy machine: half of what is doubted."""


@dataclass(slots=True)
class Trial:
    """Everything that a wrong clock could affect, in one installation."""

    stage: Stage
    clock: Path
    metrics_port: int
    crons: dict[str, int] = field(default_factory=dict)
    made_at: dict[str, float] = field(default_factory=dict)
    ping_key: str = ""
    first_of_key: int = 0
    waiting: int = 0

    @property
    def api(self) -> httpx.Client:
        return self.stage.installation.client

    async def prepare(self) -> None:
        stage = self.stage
        stage.target.answer("/broken", 500)
        stage.queue("still", is_active=False)
        stage.queue("broken", retry_delays=[1], alerts_enabled=True)
        soon = datetime.now(UTC) + timedelta(hours=1)
        (self.waiting,) = stage.create(1, "/still", "still", expires_at=soon.isoformat())
        stage.create(1, "/much-later", delay=2 * HOUR - 60)
        stage.create(5)
        stage.create(2, "/broken", "broken")
        self.first_of_key = self._repeat()
        for path, zone in (("/ticks", "UTC"), ("/zoned", "Europe/Berlin")):
            self.crons[path] = self._cron(path, "*/2 * * * * *", zone)
        minute = datetime.now(UTC) + timedelta(seconds=70)
        self.crons["/hourly"] = self._cron("/hourly", f"{minute.minute} * * * *", "UTC")
        self.crons["/daily"] = self._cron("/daily", f"{minute.minute} {minute.hour} * * *", "UTC")
        self.ping_key = self._heartbeat()
        await stage.arrives(4, "/broken")
        await stage.arrives(5)

        async def are_dead() -> bool:
            return (await stage.counts()).failed == DEAD

        await until(are_dead, 20)

    async def suffer(self, name: str, shift: int, seconds: float) -> None:
        """Let the clock jump, and correct it after so long."""
        stage = self.stage
        with stage.story.during(f"the clock of Redis jumps by {name} for {seconds:.0f} s"):
            set_clock(self.clock, shift)
            await self.live(min(SEEN_SECONDS, seconds))
            await self.is_said(-shift)
            await self.live(seconds - SEEN_SECONDS)
        set_clock(self.clock, 0)
        await self.live(SEEN_SECONDS)
        await self.is_said(0)
        await self.live(AFTER_SECONDS - SEEN_SECONDS)

    async def live(self, seconds: float) -> None:
        """Callers go on, and nothing wrong happens."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            path = f"/delayed/{len(self.made_at)}"
            self.stage.create(1, path, delay=DELAY_SECONDS)
            self.made_at[path] = time.monotonic()
            assert self._repeat() == self.first_of_key, "a second job was made under one idempotency key"
            self._edit("/zoned")
            assert self.api.post(f"/ping/{self.ping_key}").status_code == 200
            assert self.stage.arrived("/much-later") == 0, "a job started hours early"
            await asyncio.sleep(0.4)  # a round at a time

    async def is_said(self, correction: int) -> None:
        """Doctor, metrics and the clock itself are correct."""
        ends = time.monotonic() + SAID_SECONDS
        while wrong := await self._wrong_about(correction):
            assert time.monotonic() < ends, wrong
            await asyncio.sleep(0.2)  # a poller, slower than usual
        await self._why_is_true()

    async def _wrong_about(self, correction: int) -> str:
        """What is not correct yet; nothing if all is."""
        now = await moments.read(self.stage.redis, TEAM.shard)
        if abs(now.correction_ms / 1000 - correction) >= 2 or abs(now.now_ms / 1000 - time.time()) >= 2:
            return f"the installation's clock: {now}"
        found = await doctor.examine(self.stage.redis)
        bad = [finding.text for finding in found if not finding.good]
        if bool(bad) != bool(correction) or not all("clock: that of Redis is" in text for text in bad):
            return f"doctor: {found}"
        async with httpx.AsyncClient(trust_env=False) as client:
            said = (await client.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text
        gauge = next(
            line for line in said.splitlines() if line.startswith("recuro_clock_correction_seconds{")
        )
        return "" if abs(float(gauge.rpartition(" ")[2]) - correction) < 2 else f"metrics: {gauge}"

    async def _why_is_true(self) -> None:
        at = datetime.fromtimestamp(int(time.time()) // 2 * 2 - 2, UTC).isoformat()
        for path in ("/ticks", "/zoned"):
            shown = self.api.get(f"/api/crons/{self.crons[path]}/why", params={"at": at}).json()
            verdicts = [reason["verdict"] for reason in shown["reasons"]]
            assert set(verdicts) <= {"completed", "pending", "processing", "overdue", "collapsed"}, shown

    async def check(self) -> None:
        """After all jumps: everything is there, once, in time."""
        stage, ends = self.stage, time.monotonic() + 90
        while not (stage.arrived("/hourly") and stage.arrived("/daily")):
            assert time.monotonic() < ends, "a cron that was about to fire did not"
            await self.live(1)
        queue = next(one for one in self.api.get("/api/queues").json()["data"] if one["name"] == "still")
        assert self.api.patch(f"/api/queues/{queue['id']}", json={"is_active": True}).status_code == 200
        await stage.arrives(1, "/still")
        await self._all_delayed_came()
        much_later = next(
            one
            for one in self.api.get("/api/jobs?filter=pending").json()["data"]
            if "/much-later" in one["url"]
        )
        assert self.api.delete(f"/api/jobs/{much_later['id']}").status_code == 200
        stage.created.discard(much_later["id"])
        stage.stop_crons()
        await stage.settle()
        self._late_and_early()
        await self._crons_were_not_silent()
        counts = await stage.counts()
        assert (counts.failed, counts.deleted) == (DEAD, 1), counts
        types = [one["type"] for one in self.api.get("/api/alerts").json()["data"]]
        assert Counter(types) == {"warning": 1, "failure": 1}, types
        assert stage.story.figures["repeats"] == 0
        stage.no_process_ended()

    async def _all_delayed_came(self) -> None:
        async def came() -> bool:
            paths = {request.path for request in self.stage.target.received}
            return self.made_at.keys() <= paths

        await until(came, 30)

    def _late_and_early(self) -> None:
        took = [
            (request.at - self.made_at[request.path], request.path)
            for request in self.stage.target.received
            if request.path in self.made_at
        ]
        least, most = min(took), max(took)
        self.stage.story.figures |= {"delayed": len(took), "after at least": round(least[0], 2)}
        self.stage.story.figures["after at most"] = round(most[0], 2)
        assert least[0] > DELAY_SECONDS - 0.5, f"a job started early: {least}"
        assert most[0] < DELAY_SECONDS + LATE_SECONDS, f"a job started late: {most}"

    async def _crons_were_not_silent(self) -> None:
        ticks = await _ticks(self.stage)
        for path in ("/ticks", "/zoned"):
            wrong = _fault_of(ticks[str(self.crons[path])])
            assert not wrong, f"{path}: {wrong}"
            late = self.api.get(f"/api/crons/{self.crons[path]}").json()["lateness"]
            assert (late["60000"], late["more"]) == (0, 0), f"{path} was silent: {late}"
            self.stage.story.figures[f"{path} late by 1-10 s"] = late["10000"]
        for path in ("/hourly", "/daily"):
            assert self.stage.arrived(path) == 1, f"{path} came {self.stage.arrived(path)} times"

    def _edit(self, path: str) -> None:
        """Edit the cron as its target might: its due fires are made first, and none that is still to come."""
        changes = {"max_runs": 1_000_000 + len(self.made_at)}
        answer = self.api.patch(f"/api/crons/{self.crons[path]}", json=changes)
        assert answer.status_code == 200, answer.text

    def _repeat(self) -> int:
        job = {"queue": "work", "url": self.stage.url("/once"), "payload": {"n": 1}}
        answer = self.api.post("/api/jobs", json=job, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201, answer.text
        job_id = int(answer.json()["job_id"])
        self.stage.created.add(job_id)
        return job_id

    def _cron(self, path: str, expression: str, zone: str) -> int:
        made = self._made(name=path, url=self.stage.url(path), cron_expression=expression, timezone=zone)
        return int(made["id"])

    def _heartbeat(self) -> str:
        made = self._made(name="beat", mode="heartbeat", cron_expression="*/2 * * * * *", grace_seconds=10)
        return str(made["ping_key"])

    def _made(self, **fields: object) -> Any:
        answer = self.api.post("/api/crons", json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()


async def _ticks(stage: Stage) -> dict[str, Counter[int]]:
    """For each cron, how many records there are for each second from its first to its last."""
    ticks: dict[str, Counter[int]] = defaultdict(Counter)
    async for key in stage.redis.scan_iter(f"{TEAM.prefix}e:{TEAM.id}:*", count=1000):
        cron, due, first = await stage.redis.hmget(key, ["cron", "due", "first"])  # type: ignore[misc]
        ticks[cron or ""].update(range(int(first or due or 0) // 1000, int(due or 0) // 1000 + 1, 2))
    return ticks


def _fault_of(ticks: Counter[int]) -> str:
    twice = [second for second, times in ticks.items() if times > 1]
    lost = set(range(min(ticks), max(ticks) + 1, 2)) - ticks.keys()
    return f"twice {sorted(twice)}, lost {sorted(lost)}" if twice or lost else ""


async def _play(scene: Scene, seconds: float, names: Iterator[str]) -> None:
    port = free_port()
    async with fooled(scene, {"scheduler": {"RECURO_METRICS_PORT": str(port)}}) as (stage, clock):
        trial = Trial(stage, clock, port)
        await trial.prepare()
        for name in names:
            await trial.suffer(name, SHIFTS[name], seconds)
        await trial.check()


async def redis_jumps_for_5_s(scene: Scene) -> None:
    """Every shift, for less time than a jump is doubted; only one shift in a bounded run."""
    names = list(SHIFTS)
    await _play(scene, 5, iter([scene.rng.choice(names)] if scene.is_small else names))


async def redis_jumps_for_29_s(scene: Scene) -> None:
    """Every shift, for nearly as long as a jump is doubted."""
    await _play(scene, 29, iter(SHIFTS))


async def redis_jumps_for_75_s(scene: Scene) -> None:
    """Every shift, for longer than a jump is doubted."""
    await _play(scene, 75, iter(SHIFTS))


async def hosts_that_are_off(scene: Scene) -> None:
    """The clocks of API and worker are wrong by a little, a second, an hour: only that of Redis counts."""
    port, clocks = free_port(), {name: scene.folder / f"clock-{name}" for name in ("api", "worker")}
    for clock in clocks.values():
        set_clock(clock, 0)
    environments = {name: faked(clock) for name, clock in clocks.items()}
    environments["scheduler"] = {"RECURO_METRICS_PORT": str(port)}
    async with playing(scene, Options(environments=environments)) as stage:
        trial = Trial(stage, scene.folder, port)
        await trial.prepare()
        for seconds in (0.02, -0.02, 1.0, -1.0, float(HOUR), float(-HOUR)):
            with stage.story.during(f"the API is {seconds:+g} s ahead, the worker {-seconds:+g} s"):
                set_clock(clocks["api"], seconds)
                set_clock(clocks["worker"], -seconds)
                await trial.live(AFTER_SECONDS)
                await trial.is_said(0)
        await trial.check()


BOUNDED: tuple[Callable[[Scene], Any], ...] = (redis_jumps_for_5_s,)
LONG: tuple[Callable[[Scene], Any], ...] = (
    redis_jumps_for_29_s,
    redis_jumps_for_75_s,
    hosts_that_are_off,
)
