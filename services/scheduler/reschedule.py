"""A watchdog: reschedule crons whose next fire is not the one that follows the last one by their plan.

A clock that was ahead for a while leaves crons behind that would be silent until the time it showed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis

from services.scheduler.metrics import RESCHEDULED, WATCHED
from services.scheduler.watch import Watch
from shared import clock
from shared.actions import owing
from shared.runtime.steadily import Troubles
from shared.schedule import policy
from shared.schedule.policy import Plan
from shared.store import plans, transitions
from shared.store.care import damage, reconcile, watchdog
from shared.store.keyspace import Team
from shared.store.transitions import Renewal, StoredPlan

STEP = 200
SHARE = 0.01
"""The share of a core that a walk uses while nothing is urgent."""
REST_SECONDS = 60.0
SHOWN_SECONDS = 300.0
SOON_MS = 60_000
"""A cron that fires within this time is silent for no longer, and is not checked."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Row:
    """A cron's stored next fire (ms), the moment up to which it has fired, and its plan."""

    id: str
    version: str
    next_ms: int
    fired_until_ms: int
    stored: Sequence[str]

    @property
    def plan(self) -> Plan:
        return plans.plan_of(*self.stored)


async def keep_rescheduling(redis: Redis, shard: str, watch: Watch, troubles: Troubles) -> None:
    """Walk over all crons again and again, slowly; at once and fast after a jump of the clock."""
    while True:
        if await watch.look() is None:
            await asyncio.sleep(1.0)
            continue
        if watch.jumped.is_set():
            watch.jumped.clear()
            await reschedule_doubtful(redis, shard)
        if moved := await reschedule(redis, shard, watch):
            troubles.note("crons", f"The next fire of {moved} crons was too late, and mended", SHOWN_SECONDS)
        await _rest(watch, REST_SECONDS)


async def reschedule(redis: Redis, shard: str, watch: Watch | None = None, now_ms: int | None = None) -> int:
    """Check every active cron once; return how many were rescheduled."""
    seen, moved = 0, 0
    for team in await reconcile.teams(redis, shard):
        async with damage.confined(redis, team, "watching crons"):
            async for looked_at, mended in _steps(redis, team, watch, now_ms):
                seen, moved = seen + looked_at, moved + mended
    await watchdog.note(redis, shard, seen, moved)
    WATCHED.labels(shard).set(seen)
    return moved


async def _steps(
    redis: Redis, team: Team, watch: Watch | None, now_ms: int | None
) -> AsyncIterator[tuple[int, int]]:
    """For each step over a team's active crons, yield how many it checked and how many it rescheduled."""
    after = 0
    while True:
        began = time.process_time()
        read_ms, after, plans = await transitions.read_plans(
            redis, team, after=after, most=STEP, now_ms=now_ms
        )
        yield len(plans), await _mend(redis, team, plans, read_ms, now_ms)
        await _rest(watch, (time.process_time() - began) / SHARE)
        if not after:
            return


async def reschedule_doubtful(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Reschedule records written by a clock that has been set back since; return how many."""
    moved, cursor = 0, "0"
    while True:
        cursor, step = await transitions.reschedule_doubtful(
            redis, shard, cursor=cursor, count=STEP, now_ms=now_ms
        )
        moved += step
        if cursor == "0":
            break
        await asyncio.sleep(0)
    if moved:
        log.warning(
            "records_rescheduled", shard=shard, records=moved, why="they wait by a clock that was ahead"
        )
    return moved


async def _mend(
    redis: Redis, team: Team, plans: Sequence[StoredPlan], read_ms: int, now_ms: int | None
) -> int:
    crons = [one for plan in plans if (one := _row(plan)) and one.next_ms > read_ms + SOON_MS]
    renewals: list[Renewal] = []
    for number, cron in enumerate(crons):
        if number % 32 == 0:
            await asyncio.sleep(0)  # other tasks of this process get their turn
        expected = _expected(cron, read_ms)
        if expected is not None:
            renewals.append(Renewal(team.id, cron.id, cron.version, cron.next_ms, expected))
    if not renewals:
        return 0
    moved = await transitions.renew_crons(redis, team.shard, renewals, now_ms=now_ms)
    if moved:
        RESCHEDULED.labels(team.shard).inc(moved)
        ids = [one.id for one in renewals[:20]]
        log.warning("crons_rescheduled", team=team.id, crons=ids, why="their next fire was too late")
    return moved


def _row(plan: StoredPlan) -> Row | None:
    try:
        next_ms, fired_until_ms = int(float(plan.next_ms)), int(float(plan.fired_until_ms))
    except ValueError:  # not numbers: reported where the cron is shown
        return None
    stored = (plan.expression, plan.timezone, plan.offset, plan.timing)
    return Row(plan.id, plan.version, next_ms, fired_until_ms, stored)


def _expected(cron: Row, read_ms: int) -> int | None:
    """The correct next fire; None if the stored one is right or this scheduler cannot judge it.

    Other zone rules may put a fire elsewhere: the stored one is wrong only if it skips another.
    """
    try:
        plan, now = cron.plan, clock.moment(read_ms)
        if owing.is_right(plan, clock.moment(cron.next_ms), now, cron.fired_until_ms):
            return None
        first = owing.next_of(plan, now, cron.fired_until_ms)
        second = first and policy.following(plan, first)
    except policy.UNREADABLE:  # this version cannot read it; reported when it is due
        return None
    if first is None or second is None or clock.milliseconds(second) > cron.next_ms:
        return None
    return clock.milliseconds(first)


async def _rest(watch: Watch | None, seconds: float) -> None:
    """Wait for so long, or until the clock jumps."""
    if watch is None or watch.jumped.is_set():
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await watch.jumped.wait()
    except TimeoutError:
        return
