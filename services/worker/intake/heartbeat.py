"""Telling the rescuer that long-running work is alive."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.worker.intake.claims import NOT_OURS, TO_CANCEL, Claims
from services.worker.work import Work
from shared.clock import elapsed

BEAT_SECONDS = 10.0
BATCH = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose work it is: what is in hand, and who learns what is no longer ours, or wanted no longer."""

    in_flight: Callable[[], Iterable[Work]]
    lost: Callable[[Work], None]
    cancel: Callable[[Work], None]


async def keep_beating(claims: Claims, holder: Holder, seconds: float = BEAT_SECONDS) -> None:
    """Beat every so many seconds for all that is older than half of that."""
    while True:
        old = elapsed() - seconds / 2
        works = [work for work in holder.in_flight() if work.claimed_at <= old and work.shard == claims.shard]
        for start in range(0, len(works), BATCH):
            await _beat(claims, works[start : start + BATCH], holder)
        await asyncio.sleep(seconds)


async def _beat(claims: Claims, works: list[Work], holder: Holder) -> None:
    answers = await claims.beat(works)
    for work, answer in zip(works, answers, strict=True):
        if answer == NOT_OURS:
            holder.lost(work)
        elif answer == TO_CANCEL:
            holder.cancel(work)
