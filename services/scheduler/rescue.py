"""Give the work of lost workers to other workers.

A worker sends heartbeats for its work in flight. An entry whose beats have not changed for 30 s of our own
monotonic clock is lost: no wall clock is compared, and an observation across a Redis outage does not count.
"""

import asyncio
import json
import time

import structlog
from redis.asyncio import Redis

from shared.runtime.health import LEASE_SECONDS
from shared.schemas.runs import FailureReason
from shared.store import keyspace, transitions
from shared.store.transitions import InFlight

LOOK_SECONDS = 2.0
PATIENCE = 3
"""A job that lost so many workers becomes a dead letter: it may be what kills them."""
PAGE = 200

log = structlog.get_logger()


class Watch:
    """The entries in flight in one shard, and since when the beats of each have not changed."""

    def __init__(self) -> None:
        self._since: dict[InFlight, float] = {}

    def see(self, found: list[InFlight], at: float) -> list[InFlight]:
        """Note what is in flight at `at` (monotonic seconds); return entries without a beat for a lease."""
        self._since = {one: self._since.get(one, at) for one in found}
        return [one for one, since in self._since.items() if at - since >= LEASE_SECONDS]


async def keep_rescuing(redis: Redis, shard: str) -> None:
    watch = Watch()  # a new one after any error: while Redis was away nobody could beat
    while True:
        lost = watch.see(await find_in_flight(redis, shard), time.monotonic())
        if lost:
            log.warning("work_rescued", lost=len(lost), rescued=await rescue(redis, shard, lost))
        await asyncio.sleep(LOOK_SECONDS)


async def find_in_flight(redis: Redis, shard: str) -> list[InFlight]:
    """All entries in flight in the shard."""
    queues = await redis.smembers(keyspace.in_flight(shard))  # type: ignore[misc]
    return [
        one
        for queue in queues
        for lane in keyspace.LANES
        for one in await _in_lane(redis, shard, queue, lane)
    ]


async def rescue(redis: Redis, shard: str, lost: list[InFlight]) -> int:
    """Give back entries without a new beat since then; the third lost worker makes a dead letter."""
    return await transitions.rescue(redis, shard, lost[:PAGE], patience=PATIENCE, run=_POISONED)


async def _in_lane(redis: Redis, shard: str, queue: str, lane: str) -> list[InFlight]:
    found: list[InFlight] = []
    after = None
    while True:
        rows = await transitions.in_flight(redis, shard, queue=queue, lane=lane, after=after, most=PAGE)
        found += [InFlight(queue, lane, one.entry, one.consumer, one.beats) for one in rows]
        if len(rows) < PAGE:
            return found
        after = rows[-1].entry


_POISONED = json.dumps(
    {
        "error_message": f"Given up: {PATIENCE} workers were lost while they ran this.",
        "failure_reason": FailureReason.UNKNOWN,
    }
)
