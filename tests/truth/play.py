"""Jobs and crons whose outcomes are known, done by a real worker against three hosts in minutes that a test sets."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDict
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.forget import roll
from services.worker.circuits import Circuits
from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared import clock
from shared.actions import crons, jobs, queues
from shared.schedule.policy import MisfirePolicy
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import MAILER, VAULT
from tests.installation import free_port
from tests.target import Received, Target

STEP = timedelta(minutes=1)
RETRIES = {"mail": (20,), "sync": (), "reports": (20, 20)}
ENDINGS = ("ok", "ok", "ok", "slow", "slower", "flaky", "error", "gone", "wrong")
STATUSES = {"error": 500, "gone": 404, "flaky": 503}
DELAYS = {"slow": 0.03, "slower": 0.12}
DONE = b"done"
CRONS, OFTEN = 40, 4
LEFT_OUT = (31, 32, 33)
"""Minutes in which no scheduler runs."""
UNREACHABLE = 5


class Seen(NamedTuple):
    """A request that a target got, in which minute of the play, and whether what it was answered is a success."""

    minute: int
    host: str
    request: Received
    status: int
    is_good: bool

    @property
    def of(self) -> str:
        """Its queue, or `cron`."""
        return self.request.path.split("/")[1]

    @property
    def cron(self) -> str:
        return self.request.headers.get("Recuro-Cron-Id", "")

    @property
    def original(self) -> str:
        return self.request.headers.get("Recuro-Original-Job-Id", "")

    @property
    def attempt(self) -> int:
        return int(self.request.headers["Recuro-Attempt"])


class KnowingTarget(Target):
    """Answers by the path, /queue/ending/number, and what is flaky by the attempt."""

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        at = time.monotonic()
        self.received.append(
            Received(request.method, request.path, CIMultiDict(request.headers), await request.read(), at)
        )
        ending = request.path.split("/")[2]
        if delay := DELAYS.get(ending):
            await asyncio.sleep(delay)
        status, body = answer_to(ending, request.headers["Recuro-Attempt"])
        return web.Response(status=status, body=body)


def answer_to(ending: str, attempt: str) -> tuple[int, bytes]:
    """The status and body that a target answers."""
    is_over = ending == "flaky" and attempt != "1"
    return 200 if is_over else STATUSES.get(ending, 200), b"no" if ending == "wrong" else DONE


@dataclass(slots=True)
class Play:
    """A team whose clock is set: minute by minute jobs are made, done and added up."""

    redis: Redis
    team: Team
    sender: Sender
    hosts: Sequence[Target]
    starts: datetime
    rng: random.Random
    nobody: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    """A host that does not listen."""
    seen: list[Seen] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    """The minutes in which a job was cancelled; and below those in which one could not be reached, or expired."""
    unreachable: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    minute: int = -1
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _circuits: Circuits = field(default_factory=Circuits)
    _doomed: list[int] = field(default_factory=list)

    async def _begin(self) -> None:
        await self._set_clock(0, 0)
        call = call_of(self.redis, self.team)
        for name, delays in RETRIES.items():
            expected = [{"type": "body_contains", "value": DONE.decode()}]
            asked = {"name": name, "retries_enabled": bool(delays), "success_assertions": expected}
            await queues.create(
                call, QueueCreate.model_validate({**asked, **({"retry_delays": delays} if delays else {})})
            )
        idle = await queues.create(call, QueueCreate(name="idle"))
        await queues.update(call, idle.id, QueueUpdate(is_active=False))
        for number in range(CRONS):
            ending = ("ok", "error", "gone", "slow")[number % 4]
            url = self._url(f"/cron/{ending}/{number}", number)
            expression = "* * * * *" if number < OFTEN else f"{number % 10}/10 * * * *"
            missed = MisfirePolicy.SKIP if number == OFTEN - 1 else MisfirePolicy.RUN_ONCE
            cron = CronCreate(
                name=f"cron {number}", url=url, cron_expression=expression, misfire_policy=missed
            )
            await crons.create(call, cron, self.starts)

    async def play(self, jobs: int, minutes: int) -> None:
        """So many jobs, in so many minutes, and as many more as it takes until all have ended."""
        await self._begin()
        for _ in range(minutes):
            await self._step(jobs // minutes)
        while await self.redis.zcard(f"{self.team.prefix}x:{self.team.id}:pending"):
            await self._step(0)

    async def _step(self, count: int) -> None:
        """A minute: its jobs, the crons that are due, and what was left of the minutes before."""
        self.minute += 1
        await self._set_clock(self.minute, self.rng.choice((0.3, 3, 12, 28)))
        call, before = call_of(self.redis, self.team), [len(host.received) for host in self.hosts]
        await jobs.create_many(call, [self._job() for _ in range(count)])
        for doomed in self._doomed:
            await jobs.cancel(call, doomed)
            self.cancelled.append(self.minute)
        self._doomed = []
        if count:
            await self._make_the_odd()
        if self.minute not in LEFT_OUT:
            await fire_due(self.redis, self.team.shard)
        await self._work()
        for host, known in zip(self.hosts, before, strict=True):
            self.seen += [self._judged(host, request) for request in host.received[known:]]
        await roll(self.redis, self.team.shard)

    async def _work(self) -> None:
        context = Context(self.redis, self.sender, VAULT, MAILER, self._circuits, tells_runs=False)
        worker = Claims(self.redis, self.team.shard, "w")
        while works := await worker.claim(64):
            await worker.finish(await asyncio.gather(*(process(work, context) for work in works)))

    async def _make_the_odd(self) -> None:
        """One that is cancelled a minute later, one that expires then, and a few for a host that nobody reaches."""
        call, now = call_of(self.redis, self.team), self._moment(self.minute, 30)
        waiting = JobCreate(queue="sync", url=self._url("/sync/ok/0"), delay=3600)
        self._doomed = [(await jobs.create(call, waiting)).id]
        expires = JobCreate(queue="idle", url=self._url("/idle/ok/0"), expires_at=now + STEP / 2)
        await jobs.create(call, expires)
        self.expired.append(self.minute + 1)
        if self.minute < UNREACHABLE:
            await jobs.create(call, JobCreate(queue="sync", url=f"http://{self.nobody}/sync/nobody/7"))
            self.unreachable.append(self.minute)

    def _job(self) -> JobCreate:
        number, queue = next(self._numbers), self.rng.choice(tuple(RETRIES))
        path = f"/{queue}/{self.rng.choice(ENDINGS)}/{number}"
        return JobCreate(queue=queue, url=self._url(path, number), payload={"n": number})

    def _url(self, path: str, number: int = 0) -> str:
        return f"{self.hosts[number % len(self.hosts)].url}{path}"

    def _moment(self, minute: int, seconds: float) -> datetime:
        return self.starts + minute * STEP + timedelta(seconds=seconds)

    async def later(self, minutes: int) -> None:
        """So many minutes after the last, when all figures were added up that are to be by then."""
        await self._set_clock(self.minute + minutes, 30)
        while await roll(self.redis, self.team.shard):
            pass

    async def periods(self) -> set[str]:
        """The letters of the lengths of those that are stored."""
        stored = await self.redis.keys(f"{self.team.prefix}figures:*")
        return {name.rpartition(":")[2][0] for name in stored}

    async def _set_clock(self, minute: int, seconds: float) -> None:
        """The clock of the installation goes on from there."""
        now = await self.redis.time()
        ahead = clock.milliseconds(self._moment(minute, seconds)) - now[0] * 1000 - now[1] // 1000
        await self.redis.set(keyspace.correction(self.team.shard), ahead)

    def _judged(self, host: Target, request: Received) -> Seen:
        ending, attempt = request.path.split("/")[2], request.headers["Recuro-Attempt"]
        status, body = answer_to(ending, attempt)
        is_good = status == 200 and (body == DONE or "Recuro-Cron-Id" in request.headers)
        return Seen(self.minute, f"127.0.0.1:{host.port}", request, status, is_good)
