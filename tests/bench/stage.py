"""The processes of one trial: a new Redis, a feeder, workers that can be stopped, and the sink they call."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter
from redis.asyncio import Redis

from services.cli import embedded
from services.cli.leash import leashed
from tests.bench import readings
from tests.bench.board import Board
from tests.bench.contenders import Contender
from tests.poll import until

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90.0
WARM_UP_JOBS = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The running sink."""

    board: Board
    pid: int
    path: Path
    """The board's file, for programs that write to it themselves."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.board.port}/"


@contextmanager
def process(
    argv: list[str], environment: dict[str, str], log: Path, *, piped: bool = False, root: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends, with its children, at the end of the block or of this process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    with log.open("ab") as said:
        running = subprocess.Popen(
            leashed(argv, death_signal=signal.SIGKILL),
            cwd=root,
            env=inherited | environment,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else said,
            stderr=said,
        )
    try:
        yield running
    finally:
        for pid in reversed(readings.tree([running.pid])):
            _signal(pid, signal.SIGKILL)
        running.communicate()


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@dataclass(slots=True)
class Stage:
    """The processes of one trial; `made` counts the jobs so far, `own_commands` our own commands to Redis."""

    contender: Contender
    target: Target
    redis: Redis
    feeder: subprocess.Popen[bytes]
    workers: list[int]
    job: str
    made: int = 0
    own_commands: int = 0
    _stopped: list[int] = field(default_factory=list)

    async def signed(self) -> None:
        """Wait until the worker reports that it is up, if it does so."""
        if sign := self.contender.sign:
            await until(lambda: self.redis.exists(sign), PATIENCE_SECONDS)

    async def feed(self, how: str, n: int, answer: type[T]) -> T:
        """Let the feeder make `n` jobs; return its report."""
        assert self.feeder.stdin is not None
        assert self.feeder.stdout is not None
        order = {"how": how, "job": self.job, "url": self.target.url, "n": n}
        self.feeder.stdin.write(json.dumps(order).encode() + b"\n")
        self.feeder.stdin.flush()
        async with asyncio.timeout(PATIENCE_SECONDS):
            said = await asyncio.to_thread(self.feeder.stdout.readline)
        assert said, "the feeder ended"
        found = TypeAdapter(answer).validate_json(said)
        self.made += n if found is not None else 0
        return found

    def hold(self) -> None:
        """Stop the workers' processes, so that they cannot begin before all jobs are there."""
        self._stopped = readings.tree(self.workers)
        for pid in self._stopped:
            _signal(pid, signal.SIGSTOP)

    def let_go(self) -> None:
        for pid in self._stopped:
            _signal(pid, signal.SIGCONT)

    async def read(self) -> readings.Reading:
        self.own_commands += readings.COMMANDS
        return await readings.read(self.redis, self.workers, self.target.pid)

    async def arrived(self, n: int) -> None:
        """Wait until the board has seen `n`."""

        async def all_there() -> bool:
            return self.target.board.count >= n

        await until(all_there, PATIENCE_SECONDS)

    async def recorded(self) -> None:
        """Wait until Redis has the result of every job that was made."""

        async def none_left() -> bool:
            self.own_commands += 1
            return await self.contender.left(self.redis, self.made) <= 0

        await until(none_left, PATIENCE_SECONDS)


@asynccontextmanager
async def stage(
    contender: Contender, target: Target, folder: Path, *, job: str = "deliver", workers: int = 1
) -> AsyncIterator[Stage]:
    """A trial that is up, warmed up and idle. Raises AssertionError with the last output of its programs."""
    server = embedded.start(folder / "redis")
    log = folder / "programs.log"
    environment = contender.environment | {
        "BENCH_REDIS_URL": server.url,
        "RECURO_REDIS_URL": server.url,
        "BENCH_BOARD": str(target.path),
        "PYTHONPATH": str(ROOT),
    }
    argv = contender.counting_worker or contender.worker if job == "count" else contender.worker
    try:
        async with AsyncExitStack() as stack:
            pids = [stack.enter_context(process(argv, environment, log)).pid for _ in range(workers)]
            feeder = stack.enter_context(process(contender.feeder, environment, log, piped=True))
            redis = await stack.enter_async_context(Redis.from_url(server.url, decode_responses=True))
            up = Stage(contender, target, redis, feeder, pids, job)
            await _warm_up(up)
            yield up
    except (AssertionError, TimeoutError) as error:
        raise AssertionError(f"{contender.name}: {error!r}\n{log.read_text()[-2500:]}") from error
    finally:
        server.stop()


async def _warm_up(up: Stage) -> None:
    """Run the first jobs, which open connections and load scripts; they also show that everything works."""
    await up.signed()
    up.target.board.clear()
    await up.feed("single", WARM_UP_JOBS, float)
    await up.arrived(WARM_UP_JOBS)
    await up.recorded()
