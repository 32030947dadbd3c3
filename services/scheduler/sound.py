"""Repair damaged keys that records share: put them aside and rebuild them; one team suffers at most."""

import asyncio
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis

from services.scheduler.pace import Pace
from shared.store import transitions
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team

LOOK_SECONDS, TEAM_LOOK_SECONDS = 2.0, 6.0
QUEUE_LOOKS = 5
"""At every so many looks at the teams, all their queues are checked too."""

log = structlog.get_logger()


async def keep_sound(redis: Redis, shard: str) -> None:
    """Check what all teams share: damage there stops all of them, however many there are."""
    while True:
        _log_mended(shard, await transitions.mend_shard(redis, shard))
        await asyncio.sleep(LOOK_SECONDS)


async def keep_teams_sound(redis: Redis, shard: str) -> None:
    looks = 0
    while True:
        await mend_teams(redis, shard, queues=looks % QUEUE_LOOKS == 0)
        looks += 1
        await asyncio.sleep(TEAM_LOOK_SECONDS)


async def mend_teams(redis: Redis, shard: str, *, queues: bool = True) -> list[str]:
    """Check each team, with `queues` its queues too; return the names of what was repaired or put aside."""
    await reconcile.relist_teams(redis, shard)
    mended, known, pace = list[str](), await reconcile.teams(redis, shard), Pace()
    if queues:
        await damage.look_again(redis, shard, known)
    for team in known:
        async with damage.confined(redis, team, "mending"):
            mended += await _mend(redis, team, queues=queues)
        await pace.rest()
    _log_mended(shard, mended)
    return mended


async def _mend(redis: Redis, team: Team, *, queues: bool) -> list[str]:
    mended = await transitions.mend_team(redis, team)
    if queues:
        async for ids in damage.mend_queues(redis, team):
            mended += [f"q:{team.id}:{queue}" for queue in ids]
    if mended:
        await reconcile.recount(redis, team, repair=True)
    return mended


def _log_mended(shard: str, mended: Sequence[str]) -> None:
    if mended:
        log.error("damage_mended", shard=shard, names=mended[:20], remedy="`recuro doctor` says what it was")
