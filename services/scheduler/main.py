"""The scheduler: fires crons, promotes due work, rescues lost work, prunes what was deleted.

Every step is conditional in Redis, so any number of schedulers may run, and any of them can stop.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
import uvloop
from redis.asyncio import Redis

from services.scheduler.alarm import Alarm, listen
from services.scheduler.fire import keep_firing
from services.scheduler.forget import keep_forgetting, keep_rolling
from services.scheduler.memory import keep_weighing
from services.scheduler.metrics import keep_measuring, keep_showing
from services.scheduler.patrol import keep_patrolling
from services.scheduler.promote import keep_promoting
from services.scheduler.prune import keep_ending_trails, keep_pruning, keep_pruning_teams
from services.scheduler.releases import keep_forgetting_releases
from services.scheduler.renew import keep_announcing, keep_renewing
from services.scheduler.replay import keep_backfilling, keep_changing_many, keep_replaying
from services.scheduler.reschedule import keep_rescheduling
from services.scheduler.rescue import keep_rescuing
from services.scheduler.retire import keep_retiring
from services.scheduler.sound import keep_sound, keep_teams_sound
from services.scheduler.watch import Watch, keep_watching
from shared.errors import Damaged
from shared.runtime import health, preflight, start
from shared.runtime.serving.metrics import serving_metrics
from shared.runtime.steadily import Troubles, steadily
from shared.schedule import zone_data
from shared.settings import Settings
from shared.store import connection, keyspace
from shared.store.connection import AWAY
from shared.store.streams import READ_MILLISECONDS

log = structlog.get_logger()


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Run every duty in every shard until `stopping` is set, whatever errors they meet."""
    redis = connection.connect(settings)
    blocking = connection.connect(settings, blocking_seconds=READ_MILLISECONDS / 1000)
    async with redis, blocking, serving_metrics(settings), asyncio.TaskGroup() as tasks:
        troubles = Troubles()
        check = partial(preflight.keep_fit, redis, fit=troubles.over)
        forget = partial(keep_forgetting_releases, redis)
        duties = [
            tasks.create_task(steadily("the sign of life", lambda: _say_alive(redis, troubles), troubles)),
            tasks.create_task(steadily(preflight.CHECKING, check, troubles)),
            tasks.create_task(steadily("forgetting releases", forget, troubles)),
            tasks.create_task(
                steadily("forgetting", partial(keep_forgetting, redis, keyspace.GLOBAL), troubles)
            ),
            tasks.create_task(steadily("removing teams", partial(keep_pruning_teams, redis), troubles)),
            tasks.create_task(
                steadily("ending trails", partial(keep_ending_trails, redis, settings), troubles)
            ),
            tasks.create_task(steadily("measuring", lambda: keep_showing(troubles), troubles)),
        ]
        for shard in keyspace.SHARDS:
            for name, work in _duties(redis, blocking, shard, settings, troubles).items():
                duties.append(tasks.create_task(steadily(name, work, troubles)))
        log.info("scheduler_ready")
        await stopping.wait()
        for duty in duties:
            duty.cancel()
        await _leave(redis)


Duty = Callable[[], Awaitable[None]]


def _duties(
    redis: Redis, blocking: Redis, shard: str, settings: Settings, troubles: Troubles
) -> dict[str, Duty]:
    """The duties by the names under which their troubles are reported."""
    firing, promoting, watch = Alarm(), Alarm(), Watch(redis, shard)
    return {
        "listening to the clock": lambda: listen(blocking, shard, (firing, promoting)),
        "firing crons": lambda: keep_firing(redis, shard, firing, watch),
        "announcing time zones": lambda: keep_announcing(redis, shard),
        "renewing crons": lambda: keep_renewing(redis, shard),
        "promoting jobs": lambda: keep_promoting(redis, shard, promoting),
        "vouching for the clock": lambda: keep_watching(watch, troubles),
        "watching crons": lambda: keep_rescheduling(redis, shard, watch, troubles),
        "pruning": lambda: keep_pruning(redis, shard),
        "forgetting": lambda: keep_forgetting(redis, shard),
        "adding figures up": lambda: keep_rolling(redis, shard),
        "replaying": lambda: keep_replaying(redis, shard),
        "backfilling crons": lambda: keep_backfilling(redis, shard),
        "changing many": lambda: keep_changing_many(redis, shard),
        "retiring history": lambda: keep_retiring(redis, shard, settings),
        "keeping sound": lambda: keep_sound(redis, shard),
        "keeping teams sound": lambda: keep_teams_sound(redis, shard),
        "patrolling": lambda: keep_patrolling(redis, shard),
        "measuring lateness": lambda: keep_measuring(redis, shard),
        "watching the memory": lambda: keep_weighing(redis, shard),
        "rescuing": lambda: keep_rescuing(redis, shard),
    }


async def _say_alive(redis: Redis, troubles: Troubles) -> None:
    while True:
        await health.beat(redis, "scheduler", troubles.sentences)
        await asyncio.sleep(health.HEALTH_SECONDS)


async def _leave(redis: Redis) -> None:
    try:
        await health.leave(redis, "scheduler")
    except (Damaged, *AWAY) as error:
        log.warning("redis_away", error=repr(error))


async def _until_stopped(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(settings, stopping)


def main() -> None:
    settings = start.begin("scheduler", opens_secrets=False)
    zone_data.announce()
    uvloop.run(_until_stopped(settings))
