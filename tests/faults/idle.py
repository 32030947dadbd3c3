"""Idle cost: what very many queues and crons cost while none of them has work."""

import asyncio

from shared.actions import crons, queues
from shared.schemas.crons import CronCreate
from shared.schemas.queues import QueueCreate
from tests.bench.readings import cpu_seconds, tree
from tests.calls import call_of
from tests.faults.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing

MOST_SHARE = 0.05
"""The share of one core for Redis and one of each service together."""
SETTLING_SECONDS = 15.0
"""From the start of the services until what is done once is done."""
AT_ONCE = 50
FAR = "0 0 29 2 *"


async def many_idle_queues_and_crons(scene: Scene) -> None:
    """10,000 queues and 20,000 crons that fire in years; also what the start costs that finds them there."""
    scale, seconds = (10, 20.0) if scene.is_small else (1, 60.0)
    async with playing(scene, Options(services=("api",))) as stage:
        await _fill(stage, 10_000 // scale, 20_000 // scale)
        before = _cpu_seconds(stage)
        for service in ("scheduler", "worker", "mcp"):
            stage.installation.start(service)
        await asyncio.to_thread(stage.installation.wait_until_ready)
        await asyncio.sleep(SETTLING_SECONDS)
        started = _cpu_seconds(stage)
        await asyncio.sleep(seconds)
        share = (_cpu_seconds(stage) - started) / seconds
        stage.story.figures["CPU seconds of the start"] = round(started - before, 2)
        stage.story.figures["share of a core"] = round(share, 4)
        await stage.settle()
        assert share < MOST_SHARE, f"an idle installation takes {share:.1%} of a core"


def _cpu_seconds(stage: Stage) -> float:
    roots = (stage.installation.server.pid, *(process.pid for process in stage.installation.running))
    used = {pid: cpu_seconds(pid) for pid in tree(roots)}
    for process in stage.installation.running:
        stage.story.figures[f"CPU seconds of {stage.installation.service_of(process)}"] = round(
            used[process.pid], 2
        )
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
