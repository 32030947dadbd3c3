"""The faults of a soak: each injury is one fault, which is repaired at its end."""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Coroutine

from tests import lost
from tests.faults.stage import Stage

Injury = Callable[[Stage], Coroutine[None, None, None]]

LEASE_SECONDS = 30.0
CUTTABLE = (
    "claim",
    "finish",
    "create_jobs",
    "create_jobs_together",
    "promote",
    "fire_crons",
    "beat",
    "rescue",
)


async def kill_worker(stage: Stage) -> None:
    await _kill(stage, "worker")


async def kill_scheduler(stage: Stage) -> None:
    await _kill(stage, "scheduler")


async def kill_api(stage: Stage) -> None:
    await _kill(stage, "api")


async def _kill(stage: Stage, service: str) -> None:
    stage.kill(_one_of(stage, service))
    stage.installation.start(service)


def _one_of(stage: Stage, service: str) -> subprocess.Popen[bytes]:
    """Any living process; a new one if all have ended by themselves, which is reported at the end."""
    living = stage.installation.of(service)
    return stage.scene.rng.choice(living) if living else stage.installation.start(service)


async def end_worker(stage: Stage) -> None:
    await _end(stage, "worker")


async def end_scheduler(stage: Stage) -> None:
    await _end(stage, "scheduler")


async def _end(stage: Stage, service: str) -> None:
    """SIGTERM; the next one is there before it is gone."""
    process = _one_of(stage, service)
    # One that was stopped, or whose Redis is gone, may take longer than its grace: its work is then lost.
    stage.signal(process, signal.SIGTERM, repeats=service == "worker")
    stage.installation.start(service)


async def pause_worker(stage: Stage) -> None:
    await _pause(stage, "worker", stage.scene.rng.uniform(1, 6))


async def pause_scheduler(stage: Stage) -> None:
    await _pause(stage, "scheduler", stage.scene.rng.uniform(1, 6))


async def pause_worker_beyond_its_lease(stage: Stage) -> None:
    await _pause(stage, "worker", LEASE_SECONDS + 6)


async def _pause(stage: Stage, service: str, seconds: float) -> None:
    process = _one_of(stage, service)
    with stage.story.during(f"SIGSTOP {service} {process.pid}", repeats=seconds > LEASE_SECONDS):
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)  # the fault
        process.send_signal(signal.SIGCONT)


async def restart_redis(stage: Stage) -> None:
    with stage.story.during("kill -9 Redis, restart", repeats=True):
        stage.installation.restart_redis()


async def flush_functions(stage: Stage) -> None:
    stage.story.note("FUNCTION FLUSH")
    await stage.redis.function_flush()  # type: ignore[misc]


async def kill_clients(stage: Stage) -> None:
    stage.story.note("CLIENT KILL TYPE normal")
    await stage.redis.client_kill_filter(_type="normal", skipme=True)


async def lose_reply(stage: Stage) -> None:
    script = stage.scene.rng.choice(CUTTABLE)
    stage.story.note(f"lost reply of {script}")
    stage.installation.proxy.cut_after(lost.on_the_wire(script))


async def reset_links(stage: Stage) -> None:
    stage.story.note("every connection reset")
    stage.installation.proxy.reset_all()


async def hold_everything(stage: Stage) -> None:
    seconds = stage.scene.rng.uniform(1, 3)
    with stage.story.during(f"black hole for {seconds:.1f} s"), stage.installation.proxy.black_hole():
        await asyncio.sleep(seconds)  # the fault


INJURIES: tuple[tuple[Injury, int], ...] = (
    (kill_worker, 4),
    (kill_scheduler, 2),
    (kill_api, 2),
    (end_worker, 3),
    (end_scheduler, 1),
    (pause_worker, 2),
    (pause_scheduler, 2),
    (pause_worker_beyond_its_lease, 1),
    (restart_redis, 3),
    (flush_functions, 2),
    (kill_clients, 2),
    (lose_reply, 4),
    (reset_links, 2),
    (hold_everything, 2),
)
"""The injuries with their weights."""
