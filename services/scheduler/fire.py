"""Fire due crons: each fire makes one execution, however many schedulers run."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from redis.asyncio import Redis

from services.scheduler.alarm import Alarm
from services.scheduler.metrics import LATENESS
from services.scheduler.watch import Watch
from shared import clock
from shared.actions import owing
from shared.schedule import policy, zone_data
from shared.schedule.policy import Judged, Plan
from shared.store import moments, plans, transitions
from shared.store.transitions import CronAside, Fire, JudgedCron

BATCH = 200
"""About so many fires a call, and at most so many crons: longer calls would block Redis."""
BREATH = 32
"""After so many, other tasks of this process get their turn."""
AHEAD_SECONDS = 1.0
MOST_AHEAD = 20_000
"""How many crons of one moment are judged ahead of it; the rest when it comes."""
STALE_SECONDS = 5.0
"""How long a verdict made ahead is valid after its moment: the process may have been suspended."""
AT_ONCE = 2
"""Calls in flight: while Redis runs one, the next is sent."""
UNSTEADY_SECONDS = 1.0
ASIDE_SECONDS = 300
"""A cron that cannot be judged is left alone for this long at least, and twice that at most."""
QUOTED = 300
MOST_IN_VAIN = 3
"""If other schedulers are faster with the first due crons so often in a row, skip those."""
FIRED = 1
UTC_ZONE = "UTC"
"""The only zone with the same rules in every release."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Due:
    """A cron that is due, or will be soon."""

    team: str
    cron: str
    due: datetime
    version: str
    expression: str
    timezone: str
    offset: str
    policy: str
    fired_until: str

    @property
    def plan(self) -> Plan:
        return plans.plan_of(self.expression, self.timezone, self.offset, self.policy)


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one look at the due crons, by the server's clock in ms; 0 is "nothing due after these".

    `is_outdated`: another scheduler has newer time zone rules, and fires the crons that have a zone.
    """

    now_ms: int
    next_due_ms: int
    crons: list[Due]
    is_outdated: bool

    def ours(self) -> list[Due]:
        return [one for one in self.crons if one.timezone == UTC_ZONE or not self.is_outdated]


@dataclass(slots=True)
class Batch:
    """What one call makes, by which release of the time zone rules, and each cron's last fire (ms)."""

    release: str | None
    crons: list[tuple[JudgedCron, list[Fire]]] = field(default_factory=list)
    latest_ms: list[int] = field(default_factory=list)
    fires: int = 0


async def keep_firing(redis: Redis, shard: str, alarm: Alarm, watch: Watch) -> None:
    """Fire at every due moment; its crons are judged shortly before."""
    ahead_ms, batches = 0, list[Batch]()
    while True:
        now_seconds = await watch.look()
        if now_seconds is None:
            await asyncio.sleep(UNSTEADY_SECONDS)
            continue
        if ahead_ms / 1000 <= now_seconds:
            if now_seconds < ahead_ms / 1000 + STALE_SECONDS:
                await _fire_all(redis, shard, batches, ahead_ms)
            ahead_ms, batches = 0, []
        found = await fire_due(redis, shard)
        wait = (found.next_due_ms - found.now_ms) / 1000 if found.next_due_ms else 60.0
        if wait > AHEAD_SECONDS:
            await alarm.sleep(wait - AHEAD_SECONDS)
            continue
        if ahead_ms != found.next_due_ms:
            ahead_ms, batches = found.next_due_ms, await judge_ahead(redis, shard, found.next_due_ms)
        await alarm.sleep(await _until(redis, shard, found.next_due_ms))


async def fire_due(redis: Redis, shard: str, now: datetime | None = None) -> Found:
    """Fire all crons due at `now` (or by the server's clock), by the time policy of each."""
    skip = vain = 0
    while (found := await look(redis, shard, now=now, skip=skip)).crons:
        batches, unread = await _judged(found.ours(), clock.moment(found.now_ms))
        if unread:
            await _set_aside(redis, shard, unread, found.now_ms)
        fired = [await _fire(redis, shard, batch, found.now_ms, now) for batch in batches]
        vain = 0 if any(fired) or unread else vain + 1
        if vain > MOST_IN_VAIN or not (batches or unread):
            skip += len(found.crons)  # a cron that cannot be fired does not delay others
    if not skip:
        return found
    again_ms = found.now_ms + round(AHEAD_SECONDS * 1000)
    return replace(found, next_due_ms=min(found.next_due_ms or again_ms, again_ms))


async def _set_aside(redis: Redis, shard: str, unread: dict[Due, Exception], now_ms: int) -> None:
    """Retry them in some minutes, each at another moment: a newer scheduler may be able to judge them."""
    aside = [
        CronAside(one.team, one.cron, one.version, again_ms=now_ms + _rest_ms(int(one.cron)))
        for one in unread
    ]
    await transitions.set_crons_aside(redis, shard, aside)
    first, error = next(iter(unread.items()))
    log.error(
        "crons_not_fired", crons=len(unread), first=f"{first.team}:{first.cron}", error=repr(error)[:QUOTED]
    )


def _rest_ms(cron: int) -> int:
    return (ASIDE_SECONDS + cron % ASIDE_SECONDS) * 1000


async def look(
    redis: Redis, shard: str, *, ahead_ms: int = 0, now: datetime | None = None, skip: int = 0
) -> Found:
    """The crons due until `ahead_ms` from now, without the first `skip`; earliest first, at most 200."""
    seen = await transitions.due_crons(
        redis,
        shard,
        ahead_ms=ahead_ms,
        most=BATCH,
        skip=skip,
        release=zone_data.release().version,
        now_ms=_at(now),
    )
    return Found(seen.now_ms, seen.next_due_ms, [_due(*cron) for cron in seen.crons], seen.is_outdated)


async def judge_ahead(redis: Redis, shard: str, due_ms: int) -> list[Batch]:
    """Judge the crons due at a future moment, to be fired if nobody changes them and the moment is met."""
    batches: list[Batch] = []
    moment = clock.moment(due_ms)
    for skip in range(0, MOST_AHEAD, BATCH):
        found = await look(redis, shard, now=moment, skip=skip)
        judged, _ = await _judged((one for one in found.ours() if one.due == moment), moment)
        batches += judged
        if len(found.crons) < BATCH:
            break
    return batches


def _due(member: str, due: str, *rest: str) -> Due:
    team, cron = member.split(":")
    return Due(team, cron, clock.moment(due), *rest)


async def _judged(crons: Iterable[Due], now: datetime) -> tuple[list[Batch], dict[Due, Exception]]:
    """The verdicts in batches, and the crons that this version cannot read, with the error."""
    batches, unread, filling = list[Batch](), dict[Due, Exception](), dict[str | None, Batch]()
    for number, due in enumerate(crons):
        if number % BREATH == 0:
            await asyncio.sleep(0)  # counting missed fires takes a while, and others must beat
        try:
            judged = policy.judge(due.plan, due.due, now)
        except Exception as error:  # an expression or zone that is unknown here: other crons still fire
            unread[due] = error
            continue
        release = None if due.timezone == UTC_ZONE else zone_data.release().version
        batch = filling.get(release)
        if batch is None or batch.fires >= BATCH:
            batch = filling[release] = Batch(release)
            batches.append(batch)
        batch.fires += len(judged.fires)
        batch.crons.append(_row(due, judged))
        batch.latest_ms.append(clock.milliseconds(judged.fires[-1].at))
    return batches, unread


def _row(due: Due, judged: Judged) -> tuple[JudgedCron, list[Fire]]:
    cron = JudgedCron(
        due.team,
        due.cron,
        due.version,
        due_ms=clock.milliseconds(due.due),
        following_ms="" if judged.following is None else clock.milliseconds(judged.following),
        fired_until_ms=owing.nominal(due.plan, judged.fires[-1].at),
        fires=len(judged.fires),
    )
    return cron, owing.rows(judged.fires)


async def _fire_all(redis: Redis, shard: str, batches: list[Batch], due_ms: int) -> None:
    began, places = time.monotonic(), asyncio.Semaphore(AT_ONCE)

    async def fire(batch: Batch) -> None:
        async with places:
            await _fire(redis, shard, batch, due_ms + round((time.monotonic() - began) * 1000))

    await asyncio.gather(*map(fire, batches))


async def _fire(redis: Redis, shard: str, batch: Batch, now_ms: int, now: datetime | None = None) -> bool:
    """Fire the batch; return whether any of its crons fired here."""
    verdicts = await transitions.fire_crons(redis, shard, batch.crons, release=batch.release, now_ms=_at(now))
    for at, verdict in zip(batch.latest_ms, verdicts, strict=True):
        if verdict == FIRED:
            LATENESS.observe(max(0.0, (now_ms - at) / 1000))
    return FIRED in verdicts


async def _until(redis: Redis, shard: str, due_ms: int) -> float:
    return due_ms / 1000 - (await moments.now(redis, shard)).timestamp()


def _at(now: datetime | None) -> int | None:
    return None if now is None else clock.milliseconds(now)
