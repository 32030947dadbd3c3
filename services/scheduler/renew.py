"""Reschedule crons whose next fire a new release of the time zone rules moves.

A cron's next fire is stored; a new release of the rules may move it. Of schedulers with two releases side by
side, only those with the newer one reschedule and fire crons that have a time zone, while one of them lives.
After that the others fire what is due, and still move nothing: a release never goes backwards.
"""

import asyncio
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from services.scheduler.fire import BATCH, UTC_ZONE, Due, look
from shared import clock
from shared.actions import owing
from shared.schedule import policy, zone_data
from shared.store import transitions
from shared.store.transitions import Renewal

FAR_MS = 400 * 366 * 86_400_000
SOON = timedelta(seconds=10)
"""A fire this near stays as it is."""
PAUSE_SECONDS = 0.05
ANEW_SECONDS = 600.0
"""How often all are checked: other processes may have written by older rules."""
SPEAK_SECONDS = 5.0

log = structlog.get_logger()


async def keep_renewing(redis: Redis, shard: str) -> None:
    while True:
        await renew(redis, shard)
        await asyncio.sleep(ANEW_SECONDS)


async def keep_announcing(redis: Redis, shard: str) -> None:
    """Announce the release of this scheduler, and log when another scheduler has a newer one."""
    was_outdated = False
    while True:
        newest, _ = await announce(redis, shard)
        is_outdated = zone_data.release().version < newest
        if is_outdated and not was_outdated:
            log.warning(
                "zone_data_outdated",
                release=str(zone_data.release()),
                newest=newest,
                remedy="update this host; crons with a time zone are left to schedulers with the newest",
            )
        was_outdated = is_outdated
        await asyncio.sleep(SPEAK_SECONDS)


async def announce(redis: Redis, shard: str, now_ms: int | None = None) -> tuple[str, bool]:
    """Announce it once; return the newest release ever announced, and whether a living scheduler has it."""
    return await transitions.announce_zones(redis, shard, release=zone_data.release().version, now_ms=now_ms)


async def renew(redis: Redis, shard: str) -> int:
    """Check every cron with a time zone once; return how many were rescheduled."""
    await announce(redis, shard)  # first, so that no older scheduler moves back what is moved here
    renewed, skip, release = 0, 0, zone_data.release().version
    while True:
        found = await look(redis, shard, ahead_ms=FAR_MS, skip=skip)
        renewals = [one for due in found.crons if (one := _renewed(due, found.now_ms))]
        if renewals:
            renewed += await transitions.renew_crons(redis, shard, renewals, release=release)
        if len(found.crons) < BATCH:
            break
        skip += BATCH
        await asyncio.sleep(PAUSE_SECONDS)
    if renewed:
        log.warning("crons_rescheduled", shard=shard, crons=renewed, why="the rules of their zones changed")
    return renewed


def _renewed(due: Due, now_ms: int) -> Renewal | None:
    """The change of its next fire; None if that is right by our rules, or we cannot judge it."""
    now = clock.moment(now_ms)
    if due.timezone == UTC_ZONE or due.due <= now + SOON:
        return None
    try:
        following = owing.renewed(due.plan, due.due, now, int(due.fired_until))
    except policy.UNREADABLE:  # this version cannot read it; reported when it is due
        return None
    if following is None or following == due.due:
        return None
    known_ms, next_ms = clock.milliseconds(due.due), clock.milliseconds(following)
    return Renewal(due.team, due.cron, due.version, known_ms, next_ms)
