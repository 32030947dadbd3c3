"""What is damaged of what records share is put aside and made anew: one team's trouble at most."""

import asyncio

import structlog
from redis.asyncio import Redis

from shared import audit, damage

LOOK_SECONDS = 2.0
TEAM_LOOKS, QUEUE_LOOKS = 3, 15
"""Every so many looks the teams are looked at too, and all their queues."""

log = structlog.get_logger()


async def keep_sound(redis: Redis, shard: str) -> None:
    looks = 0
    while True:
        await mend(redis, shard, teams=looks % TEAM_LOOKS == 0, queues=looks % QUEUE_LOOKS == 0)
        looks += 1
        await asyncio.sleep(LOOK_SECONDS)


async def mend(redis: Redis, shard: str, *, teams: bool = True, queues: bool = True) -> list[str]:
    """Take one look; the names of what was mended or put aside."""
    mended = await damage.mend_shard(redis, shard)
    known = await audit.teams(redis, shard) if teams else []
    if queues:
        await damage.look_again(redis, shard, known)
    for team in known:
        of_team = await damage.mend_team(redis, team)
        if queues:
            async for ids in damage.mend_queues(redis, team):
                of_team += [f"q:{team.id}:{queue}" for queue in ids]
        if of_team:
            await audit.recount(redis, team, repair=True)
        mended += of_team
    if mended:
        log.error("damage_mended", shard=shard, names=mended[:20], remedy="`recuro doctor` says what it was")
    return mended
