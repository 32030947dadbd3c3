"""Find work that nothing would start any more, as its stream entry was lost, and put it back."""

import asyncio
import time

import structlog
from redis.asyncio import Redis

from services.scheduler.pace import Pace
from shared.schemas.kinds import Kind
from shared.store import keyspace, transitions
from shared.store.care import damage, reconcile
from shared.store.keyspace import Team

ROWS_A_SECOND = 2000
"""The pace: a step costs Redis some milliseconds, and nothing is in a hurry."""
REST_SECONDS = 5.0
TIDY_SECONDS = 600.0
GONE_MILLISECONDS = 3_600_000
"""A consumer that has read nothing for so long belongs to a process that has ended."""

log = structlog.get_logger()


async def keep_patrolling(redis: Redis, shard: str) -> None:
    tidied = time.monotonic()
    while True:
        await patrol(redis, shard)
        if time.monotonic() - tidied > TIDY_SECONDS:
            await tidy(redis, shard)
            tidied = time.monotonic()
        await asyncio.sleep(REST_SECONDS)


async def patrol(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Walk once over all open work of the shard; return how many records were repaired."""
    mended, pace = 0, Pace()
    for team in await reconcile.teams(redis, shard):
        async with damage.confined(redis, team, "patrolling"):
            mended += await _patrol(redis, team, now_ms, pace)
    return mended


async def _patrol(redis: Redis, team: Team, now_ms: int | None, pace: Pace) -> int:
    mended = 0
    if lost := await reconcile.patrol_crons(redis, team, pace.rest):
        log.warning("crons_put_back", team=team.id, crons=lost[:20])
        mended += len(lost)
    async for step in reconcile.patrol(redis, team, now_ms=now_ms, rest=pace.rest):
        if step.mended:
            log.warning("records_mended", team=team.id, index=step.index, records=step.mended[:20])
        mended += len(step.mended)
        await asyncio.sleep(reconcile.STEP / ROWS_A_SECOND if step.is_full else 0)
    if mended:
        await reconcile.recount(redis, team, repair=True)
    return mended


async def tidy(redis: Redis, shard: str, gone_ms: int = GONE_MILLISECONDS) -> int:
    """Delete consumers whose processes have ended; return how many."""
    forgotten = await transitions.tidy(redis, shard, stream="bell", idle_ms=gone_ms)
    pace = Pace()
    for team in await reconcile.teams(redis, shard):
        async with damage.confined(redis, team, "tidying"):
            forgotten += await _tidy(redis, team, gone_ms, pace)
    return forgotten


async def _tidy(redis: Redis, team: Team, gone_ms: int, pace: Pace) -> int:
    forgotten = 0
    queues = [owner[1:] async for owner in reconcile.owners(redis, team) if owner.startswith(Kind.QUEUE)]
    for queue in (*queues, *keyspace.HIDDEN):
        for lane in keyspace.LANES:
            stream = f"{lane}{team.id}:{queue}"
            forgotten += await transitions.tidy(redis, team.shard, stream=stream, idle_ms=gone_ms)
        await pace.rest()
    return forgotten
