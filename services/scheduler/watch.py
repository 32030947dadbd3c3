"""Watch the installation's clock, vouch for it, and correct it when the clock of Redis jumps."""

import asyncio
import os
import socket
import time

import structlog
from redis.asyncio import Redis

from services.scheduler.metrics import CORRECTION, DIFFERENCE, JUMPS, VOUCHED
from services.scheduler.steadiness import Reading, Steadiness, Steady, Wrong
from shared import clock
from shared.runtime.steadily import Troubles
from shared.store import moments, transitions

DOUBT = "the clock"
LOOK_SECONDS = 1.0
STEP = 500
"""How many records a call moves along with the clock."""

log = structlog.get_logger()


class Watch:
    """One process's view of the clock of a shard."""

    def __init__(self, redis: Redis, shard: str) -> None:
        self._redis, self._shard = redis, shard
        self._steadiness = Steadiness()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._is_believed = True
        self.jumped = asyncio.Event()
        """Set when the time differs from the expected one; the duty that reschedules clears it."""

    async def look(self) -> float | None:
        """The installation's clock (s), corrected if necessary; None while it cannot be trusted."""
        seen = await self._read()
        judged = self._steadiness.judge(seen)
        if isinstance(judged, Wrong):
            await self._correct(seen, judged.correction)
            seen = await self._read()
            judged = self._steadiness.judge(seen)
        now_seconds = judged.now if isinstance(judged, Steady) else None
        self._note(seen, now_seconds)
        if isinstance(judged, Steady) and judged.has_jumped:
            self.jumped.set()
        return now_seconds

    async def vouch(self, now_seconds: float) -> bool:
        """Vouch for the clock; False if it has jumped since it was read."""
        return await transitions.vouch(
            self._redis,
            self._shard,
            judged_ms=round(now_seconds * 1000),
            scheduler=self._name,
            ahead_ms=round((time.time() - now_seconds) * 1000),
        )

    async def _read(self) -> Reading:
        own, wall = clock.elapsed(), time.time()
        seen = await moments.read(self._redis, self._shard)
        return Reading(
            redis=(seen.now_ms - seen.correction_ms) / 1000,
            correction=seen.correction_ms / 1000,
            own=own,
            wall=wall,
            took=clock.elapsed() - own,
            is_vouched=seen.is_vouched,
            others=[one.ahead_ms / 1000 for one in seen.witnesses if one.name != self._name],
        )

    async def _correct(self, seen: Reading, correction: float) -> None:
        """Set the correction, unless another scheduler was faster."""
        moved, step = 0, STEP
        before, after = round(seen.correction * 1000), round(correction * 1000)
        while step == STEP:
            step = await transitions.correct(
                self._redis, self._shard, seen_ms=before, correction_ms=after, most=STEP
            )
            moved += max(step, 0)
        if step >= 0:
            JUMPS.labels(self._shard, "corrected").inc()
            why = f"the clock of Redis {'jumped' if after else 'is right again'}"
            log.warning("clock_corrected", correction_ms=after, was_ms=before, records_moved=moved, why=why)

    def _note(self, seen: Reading, now_seconds: float | None) -> None:
        CORRECTION.labels(self._shard).set(seen.correction)
        DIFFERENCE.labels(self._shard).set(seen.redis - seen.wall)
        VOUCHED.labels(self._shard).set(now_seconds is not None)
        if now_seconds is None and self._is_believed:
            JUMPS.labels(self._shard, "doubted").inc()
            log.warning(
                "clock_jumped",
                redis_ahead_seconds=round(seen.redis - seen.wall, 3),
                remedy="nothing falls due or is forgotten until the clock of Redis is steady for 30 s",
            )
        self._is_believed = now_seconds is not None


async def keep_watching(watch: Watch, troubles: Troubles) -> None:
    """Vouch for the clock, a few seconds ahead; without that, nobody ends, promotes or forgets anything."""
    while True:
        now_seconds = await watch.look()
        if now_seconds is None:
            troubles.note(DOUBT, "The clock of Redis jumped: nothing falls due for 30 s", 2 * LOOK_SECONDS)
        else:
            await watch.vouch(now_seconds)
            troubles.over(DOUBT)
        await asyncio.sleep(LOOK_SECONDS)
