"""Work whose worker vanished goes back to the others.

A worker beats for what it holds. What has not moved for 30 s of our own monotonic clock is lost: no wall
clock is compared, and an observation made across a Redis outage does not count.
"""

import asyncio
import json
import time

import structlog
from redis.asyncio import Redis

from shared import keyspace, transitions
from shared.health import LEASE_SECONDS
from shared.schemas.runs import FailureReason
from shared.transitions import Held

LOOK_SECONDS = 2.0
PATIENCE = 3
"""Work that has lost so many workers is dead: it may be what kills them."""
PAGE = 200

log = structlog.get_logger()


class Watch:
    """What is in flight in one shard, and since when each entry has not moved."""

    def __init__(self) -> None:
        self._since: dict[Held, float] = {}

    def see(self, held: list[Held], at: float) -> list[Held]:
        """Note what is in flight at `at` (monotonic seconds); return what has not moved for a lease."""
        self._since = {one: self._since.get(one, at) for one in held}
        return [one for one, since in self._since.items() if at - since >= LEASE_SECONDS]


async def keep_rescuing(redis: Redis, shard: str) -> None:
    watch = Watch()  # a new one after any error: Redis was away, and nobody could beat
    while True:
        lost = watch.see(await held_in(redis, shard), time.monotonic())
        if lost:
            log.warning("work_rescued", lost=len(lost), rescued=await rescue(redis, shard, lost))
        await asyncio.sleep(LOOK_SECONDS)


async def held_in(redis: Redis, shard: str) -> list[Held]:
    """All that is in flight in the shard."""
    queues = await redis.smembers(keyspace.in_flight(shard))  # type: ignore[misc]
    return [
        held for queue in queues for lane in keyspace.LANES for held in await _held(redis, shard, queue, lane)
    ]


async def rescue(redis: Redis, shard: str, lost: list[Held]) -> int:
    """Give back what has not moved since it was seen; the third lost worker makes it a dead letter."""
    return await transitions.rescue(redis, shard, lost[:PAGE], patience=PATIENCE, run=_POISONED)


async def _held(redis: Redis, shard: str, queue: str, lane: str) -> list[Held]:
    held: list[Held] = []
    after = None
    while True:
        rows = await transitions.in_flight(redis, shard, queue=queue, lane=lane, after=after, most=PAGE)
        held += [Held(queue, lane, one.entry, one.consumer, one.beats) for one in rows]
        if len(rows) < PAGE:
            return held
        after = rows[-1].entry


_POISONED = json.dumps(
    {
        "error_message": f"Given up: {PATIENCE} workers were lost while they ran this.",
        "failure_reason": FailureReason.UNKNOWN,
    }
)
