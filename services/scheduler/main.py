"""The scheduler: fires crons, promotes what is due, rescues what was lost, prunes what may go.

Every step is conditional in Redis, so any number of schedulers may run and none is needed in particular.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine

import structlog
import uvloop
from redis.asyncio import Redis

from services.scheduler import metrics
from services.scheduler.alarm import Alarm, listen
from services.scheduler.fire import keep_firing
from services.scheduler.metrics import keep_measuring
from services.scheduler.patrol import keep_patrolling
from services.scheduler.promote import keep_promoting
from services.scheduler.prune import keep_pruning
from services.scheduler.renew import renew
from services.scheduler.replay import keep_replaying
from services.scheduler.rescue import keep_rescuing
from services.scheduler.retire import keep_retiring
from services.scheduler.steadiness import Steadiness, keep_watching
from shared import durability, health, keyspace, logs, store, zone_data
from shared.follow import READ_MILLISECONDS
from shared.settings import Settings, load
from shared.store import AWAY

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 2.0

log = structlog.get_logger()


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Run every duty in every shard until `stopping` is set; an error that is ours ends the process."""
    redis = store.connect(settings)
    blocking = store.connect(settings, blocking_seconds=READ_MILLISECONDS / 1000)
    async with redis, blocking, asyncio.TaskGroup() as tasks:
        duties = [tasks.create_task(_steadily(lambda: _say_alive(redis)))]
        for shard in keyspace.SHARDS:
            duties += [tasks.create_task(duty) for duty in _duties(redis, blocking, shard, settings)]
        log.info("scheduler_ready")
        await stopping.wait()
        for duty in duties:
            duty.cancel()
        await _leave(redis)


def _duties(
    redis: Redis, blocking: Redis, shard: str, settings: Settings
) -> list[Coroutine[None, None, None]]:
    firing, promoting, steadiness = Alarm(), Alarm(), Steadiness()
    return [
        listen(blocking, shard, (firing, promoting)),
        _steadily(lambda: keep_firing(redis, shard, firing, steadiness)),
        _steadily(lambda: _once(renew(redis, shard))),
        _steadily(lambda: keep_promoting(redis, shard, promoting)),
        _steadily(lambda: keep_watching(redis, shard, steadiness)),
        _steadily(lambda: keep_pruning(redis, shard)),
        _steadily(lambda: keep_replaying(redis, shard)),
        _steadily(lambda: keep_retiring(redis, shard, settings)),
        _steadily(lambda: keep_patrolling(redis, shard)),
        _steadily(lambda: keep_measuring(redis, shard)),
        keep_rescuing(redis, shard),
    ]


async def _once(work: Coroutine[None, None, int]) -> None:
    await work
    await asyncio.Event().wait()  # done for the life of this process


async def _steadily(duty: Callable[[], Coroutine[None, None, None]]) -> None:
    """Go on with a duty whenever Redis is back, asking ever less often."""
    pause = PAUSE_SECONDS
    while True:
        began = time.monotonic()
        try:
            await duty()
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
            lasted = time.monotonic() - began
            pause = PAUSE_SECONDS if lasted > LONGEST_PAUSE_SECONDS else min(2 * pause, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(pause)


async def _say_alive(redis: Redis) -> None:
    while True:
        await health.beat(redis, "scheduler")
        await asyncio.sleep(health.HEALTH_SECONDS)


async def _leave(redis: Redis) -> None:
    try:
        await health.leave(redis, "scheduler")
    except AWAY as error:
        log.warning("redis_away", error=repr(error))


async def _until_told(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(settings, stopping)


def main() -> None:
    settings = load()
    logs.configure(settings, "scheduler")
    durability.require_fit(settings)
    zone_data.announce()
    metrics.serve(settings)
    uvloop.run(_until_told(settings))
