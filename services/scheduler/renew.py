"""What other rules of time zones would have reckoned otherwise is reckoned anew when a scheduler starts.

A cron's next fire is stored; a release of tzdata may move it. Schedulers with two releases side by side fire
each moment once all the same: who fires first has it, and reckons the next.
"""

import asyncio
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from services.scheduler.fire import BATCH, Due, look
from shared import clock, keyspace, owing, scripts

FAR_MS = 400 * 366 * 86_400_000
SOON = timedelta(seconds=10)
"""What fires so soon is left as it is."""
PAUSE_SECONDS = 0.05

log = structlog.get_logger()


async def renew(redis: Redis, shard: str) -> int:
    """Look once at every cron that has a time zone; return how many were given another next fire."""
    renewed, skip = 0, 0
    while True:
        found = await look(redis, shard, ahead_ms=FAR_MS, skip=skip)
        arguments = [part for due in found.crons for part in _renewed(due, found.now_ms)]
        if arguments:
            renewed += int(await scripts.renew_crons(redis, keyspace.prefix(shard), "", *arguments))
        if len(found.crons) < BATCH:
            break
        skip += BATCH
        await asyncio.sleep(PAUSE_SECONDS)
    if renewed:
        log.warning("crons_reckoned_anew", shard=shard, crons=renewed, why="the rules of their zones changed")
    return renewed


def _renewed(due: Due, now_ms: int) -> list[str | int]:
    """Nothing if its next fire is what we reckon too, or not for us to judge."""
    now = clock.moment(now_ms)
    if due.timezone == "UTC" or due.due <= now + SOON:
        return []
    try:
        following = owing.renewed(due.plan, due.due, now, int(due.fired_until))
    except (ValueError, LookupError):  # what this version cannot read; said when it is due
        return []
    if following is None or following == due.due:
        return []
    return [due.team, due.cron, due.version, clock.milliseconds(due.due), clock.milliseconds(following)]
