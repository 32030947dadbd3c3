"""Idle cost: what very many queues and crons cost while none of them has work."""

import asyncio

from shared.actions import crons, queues
from shared.schemas.crons import CronCreate
from shared.schemas.queues import QueueCreate
from tests.bench.readings import cpu_seconds, tree
from tests.calls import call_of
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing

MOST_SHARE = 0.05
"""The share of one core that Redis and one of each service take together for them, beyond what they take with nothing
stored: on a machine that others use, that alone is between 1 % and 8 %."""
SETTLING_SECONDS = 15.0
"""From the start of the services until what is done once is done."""
AT_ONCE = 50
FAR = "0 0 29 2 *"
OTHERS = ("scheduler", "worker", "mcp")


async def many_idle_queues_and_crons(scene: Scene) -> None:
    """10,000 queues and 20,000 crons that fire in years; also what the start costs that finds them there."""
    scale, seconds = (10, 15.0) if scene.is_small else (1, 60.0)
    async with playing(scene, Options(services=("api",))) as stage:
        await _start(stage)
        empty = await _share(stage, seconds)
        for service in OTHERS:
            stage.kill(stage.installation.of(service)[0])
        await _fill(stage, 10_000 // scale, 20_000 // scale)
        before = _cpu_seconds(stage)
        await _start(stage)
        stage.story.figures["CPU seconds of the start"] = round(_cpu_seconds(stage) - before, 2)
        full = await _share(stage, seconds)
        stage.story.figures |= {"share of a core": round(full, 4), "with nothing stored": round(empty, 4)}
        await stage.settle()
        assert full - empty < MOST_SHARE, f"idle queues and crons take {full - empty:.1%} of a core"


async def _start(stage: Stage) -> None:
    """Start the other services, and wait until what is done once is done."""
    for service in OTHERS:
        stage.installation.start(service)
    await asyncio.to_thread(stage.installation.wait_until_ready)
    await asyncio.sleep(SETTLING_SECONDS)


async def _share(stage: Stage, seconds: float) -> float:
    """Of one core, in the quieter of two windows of so many seconds: what others do here comes and goes."""
    shares = []
    for _ in range(2):
        started = _cpu_seconds(stage)
        await asyncio.sleep(seconds)
        shares.append((_cpu_seconds(stage) - started) / seconds)
    return min(shares)


def _cpu_seconds(stage: Stage) -> float:
    """Of Redis and of all that runs; what each service used so far goes to the figures."""
    running = [process for process in stage.installation.running if process.poll() is None]
    used = {
        pid: cpu_seconds(pid) for pid in tree((stage.installation.server.pid, *(one.pid for one in running)))
    }
    stage.story.figures["CPU seconds of Redis"] = round(used[stage.installation.server.pid], 2)
    for process in running:
        service = stage.installation.service_of(process)
        stage.story.figures[f"CPU seconds of {service}"] = round(used[process.pid], 2)
    return sum(used.values())


async def _fill(stage: Stage, queue_count: int, cron_count: int) -> None:
    names = iter(range(queue_count))
    asked = CronCreate(name="idle", url=stage.url(), cron_expression=FAR)
    crons_left = iter(range(cron_count))

    async def make() -> None:
        for number in names:
            await queues.create(call_of(stage.redis, TEAM), QueueCreate(name=f"queue-{number}"))
        for _ in crons_left:
            await crons.create(call_of(stage.redis, TEAM), asked)

    await asyncio.gather(*(make() for _ in range(AT_ONCE)))


BOUNDED = (many_idle_queues_and_crons,)
LONG = ()
