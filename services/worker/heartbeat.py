"""Telling the rescuer that long-running work is alive."""

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from services.worker.deliveries import Deliveries
from services.worker.work import Work
from shared.store import AWAY

BEAT_SECONDS = 10.0
BATCH = 200

log = structlog.get_logger()


async def keep_beating(
    deliveries: Deliveries, held: Callable[[], Iterable[Work]], lost: Callable[[Work], None]
) -> None:
    """Beat every 10 s for all that is older than half of that; `lost` is told what is no longer ours."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        old = time.monotonic() - BEAT_SECONDS / 2
        works = [work for work in held() if work.claimed_at <= old and work.shard == deliveries.shard]
        for start in range(0, len(works), BATCH):
            await _beat(deliveries, works[start : start + BATCH], lost)


async def _beat(deliveries: Deliveries, works: list[Work], lost: Callable[[Work], None]) -> None:
    try:
        answers = await deliveries.beat(works)
    except AWAY as error:
        log.warning("redis_away", error=repr(error))
        return
    for work, ours in zip(works, answers, strict=True):
        if not ours:
            lost(work)
