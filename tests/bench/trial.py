"""One trial: a contender on a fresh Redis, first a full queue as fast as it goes, then one job at a time."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from services.cli import embedded
from services.cli.leash import leashed
from tests.bench import readings
from tests.bench.board import Board
from tests.bench.contenders import Contender, enqueue_many
from tests.poll import until

ROOT = Path(__file__).parents[2]
PACE_SECONDS = 0.02
PACED_JOBS = 150
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one trial showed; CPU times and counts are per job of the full queue."""

    jobs_per_second: float
    worker_us: float
    redis_us: float
    commands: float
    reads: float
    sink_busy: float
    """The share of one core that the sink used: near 1 it would be the sink that is measured."""
    dispatch_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The running sink."""

    board: Board
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.board.port}"


@contextmanager
def process(argv: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block, nor us."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    with log.open("wb") as said:
        running = subprocess.Popen(
            leashed(argv, death_signal=signal.SIGKILL),
            cwd=ROOT,
            env=inherited | environment,
            stdout=said,
            stderr=said,
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def run(contender: Contender, target: Target, folder: Path, n: int) -> Figures:
    """Raises AssertionError, with the last of what the worker said, if a job is not done."""
    server = embedded.start(folder / "redis")
    log = folder / "worker.log"
    try:
        await contender.open(server.url)
        redis: Redis = Redis.from_url(server.url)
        with process(contender.argv, contender.environment(server.url), log) as worker:
            await until(contender.is_ready, PATIENCE_SECONDS)
            figures = await _measure(contender, target, redis, worker.pid, n)
        await redis.aclose()
        await contender.close()
    except AssertionError as error:
        raise AssertionError(f"{contender.name}: {error}\n{log.read_text()[-1500:]}") from error
    finally:
        server.stop()
    return figures


async def _measure(contender: Contender, target: Target, redis: Redis, worker: int, n: int) -> Figures:
    # A stopped worker cannot begin before all jobs are there, whatever its queue calls a pause.
    os.kill(worker, signal.SIGSTOP)
    await enqueue_many(contender, f"{target.url}/", n)
    target.board.clear()
    before = await readings.read(redis, worker, target.pid)
    os.kill(worker, signal.SIGCONT)
    await _arrived(target.board, n)
    await until(lambda: contender.has_recorded(n), PATIENCE_SECONDS)
    after = await readings.read(redis, worker, target.pid)
    seconds, sent = target.board.seconds, target.board.count
    assert sent == n, f"{sent} requests for {n} jobs"
    return Figures(
        jobs_per_second=(n - 1) / seconds,
        worker_us=(after.worker_cpu - before.worker_cpu) / n * 1e6,
        redis_us=(after.redis_cpu - before.redis_cpu) / n * 1e6,
        commands=(after.redis_commands - before.redis_commands) / n,
        reads=(after.redis_reads - before.redis_reads) / n,
        sink_busy=(after.sink_cpu - before.sink_cpu) / seconds,
        dispatch_ms=await _dispatch(contender, target),
    )


async def _dispatch(contender: Contender, target: Target) -> tuple[float, ...]:
    """For jobs made at a steady pace: ms from the call that makes one to the request at the target."""
    target.board.clear()
    made_ns: list[int] = []
    start = time.monotonic()
    async with asyncio.TaskGroup() as making:
        for number in range(PACED_JOBS):
            # The pace is part of what is measured; nothing is waited for here.
            await asyncio.sleep(start + number * PACE_SECONDS - time.monotonic())
            made_ns.append(time.monotonic_ns())
            making.create_task(contender.enqueue(f"{target.url}/{number}"))
    await _arrived(target.board, PACED_JOBS)
    return tuple((target.board.arrived_ns(number) - made) / 1e6 for number, made in enumerate(made_ns))


async def _arrived(board: Board, n: int) -> None:
    async def all_there() -> bool:
        return board.count >= n

    await until(all_there, PATIENCE_SECONDS)
