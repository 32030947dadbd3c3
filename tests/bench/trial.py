"""The trials of one contender in one round: each on a fresh Redis, each with the figures it yields."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contenders import Contender
from tests.bench.readings import COMMANDS
from tests.bench.stage import Stage, Target, stage

PACED_JOBS = 300
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Full:
    """A full queue, processed as fast as possible; CPU times, counts and bytes are per job."""

    jobs_per_second: float
    worker_us: float
    redis_us: float
    commands: float
    reads: float
    sink_busy: float
    """The share of one core that the sink used: near 1 the sink would be the bottleneck."""
    made_per_second: float | None
    """How fast the jobs were made; None if it has no such way."""
    waiting_bytes: float
    finished_bytes: float


@dataclass(frozen=True, slots=True)
class Idle:
    """One idle second."""

    worker_ms: float
    commands: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one contender in one round."""

    http: Full
    dispatch_ms: tuple[float, ...]
    counting: Full
    pair: Full | None = None
    idle: Idle | None = None


async def run(contender: Contender, target: Target, folder: Path, jobs: int, *, is_first: bool) -> Figures:
    """Raises AssertionError if a job is not done."""
    n, idle, pair = contender.jobs(jobs), None, None
    async with stage(contender, target, folder / "http") as up:
        http = await _full(up, n, "single")
        dispatch = await _dispatch(up)
        if is_first:
            idle = await _idle(up)
    async with stage(contender, target, folder / "counting", job="count") as up:
        counting = await _full(
            up, 2 * n, "batch"
        )  # twice as many: they are quick, and CPU comes in steps of 10 ms
    if contender.in_pairs:
        async with stage(contender, target, folder / "pair", workers=2) as up:
            pair = await _full(up, n, "single")
    return Figures(http, dispatch, counting, pair, idle)


async def _full(up: Stage, n: int, how: str) -> Full:
    up.hold()
    empty = await up.read()
    seconds = await up.feed(how, n, float | None)  # type: ignore[arg-type]
    if seconds is None:
        await up.feed("single", n, float)
    up.target.board.clear()
    before, own_commands = await up.read(), up.own_commands
    up.let_go()
    await up.arrived(n)
    await up.recorded()
    after, own_commands = await up.read(), up.own_commands - own_commands
    took, ran = up.target.board.seconds, up.target.board.count
    assert ran == n, f"{ran} jobs ran of {n}"
    return Full(
        jobs_per_second=(n - 1) / took,
        worker_us=(after.worker_cpu - before.worker_cpu) / n * 1e6,
        redis_us=(after.redis_cpu - before.redis_cpu) / n * 1e6,
        commands=(after.redis_commands - before.redis_commands - own_commands) / n,
        reads=(after.redis_reads - before.redis_reads - own_commands) / n,
        sink_busy=(after.sink_cpu - before.sink_cpu) / took,
        made_per_second=seconds and n / seconds,
        waiting_bytes=(before.bytes - empty.bytes) / n,
        finished_bytes=(after.bytes - empty.bytes) / n,
    )


async def _dispatch(up: Stage) -> tuple[float, ...]:
    """For jobs made at a steady pace: ms from the call that makes one to the request at the target."""
    up.target.board.clear()
    made_ns = await up.feed("pace", PACED_JOBS, list[int])
    await up.arrived(PACED_JOBS)
    await up.recorded()
    return tuple((up.target.board.arrived_ns(number) - made) / 1e6 for number, made in enumerate(made_ns))


async def _idle(up: Stage) -> Idle:
    before = await up.read()
    await asyncio.sleep(IDLE_SECONDS)  # this idle time is measured; it waits for no condition
    after = await up.read()
    return Idle(
        worker_ms=(after.worker_cpu - before.worker_cpu) / IDLE_SECONDS * 1000,
        commands=(after.redis_commands - before.redis_commands - COMMANDS) / IDLE_SECONDS,
    )
