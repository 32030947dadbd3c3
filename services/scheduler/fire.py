"""Crons whose time has come get an execution, once, however many schedulers run."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.asyncio import Redis

from services.scheduler.alarm import Alarm
from services.scheduler.metrics import LATENESS
from services.scheduler.steadiness import Steadiness
from shared import clock, keyspace, scripts, timing
from shared.timing import Judged, Plan

BATCH = 200
"""At most so many crons a script: longer ones would hold Redis up."""
BREATH = 32
"""After so many, others of this process have their turn."""
AHEAD_SECONDS = 1.0
UNSTEADY_SECONDS = 1.0
FIRED = 1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Due:
    """A cron that is due, or soon will be."""

    team: str
    cron: str
    due: datetime
    version: str
    expression: str
    timezone: str
    offset: str
    policy: str

    @property
    def plan(self) -> Plan:
        return timing.plan_of(self.expression, self.timezone, self.offset, self.policy)


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at the due crons saw, by the server's clock in ms; 0 is "nothing due after these"."""

    now_ms: int
    next_due_ms: int
    crons: list[Due]


async def keep_firing(redis: Redis, shard: str, alarm: Alarm, steadiness: Steadiness) -> None:
    """Fire at every due moment; the instants that follow are computed shortly before it."""
    while True:
        if await steadiness.look(redis) is None:
            await asyncio.sleep(UNSTEADY_SECONDS)
            continue
        found = await fire_due(redis, shard)
        wait = (found.next_due_ms - found.now_ms) / 1000 if found.next_due_ms else 60.0
        if wait > AHEAD_SECONDS:
            await alarm.sleep(wait - AHEAD_SECONDS)
        else:
            with suppress(ValueError, LookupError):  # said when it is due
                for due in (await look(redis, shard, ahead_ms=round(AHEAD_SECONDS * 1000))).crons:
                    timing.following(due.plan, due.due)
            await alarm.sleep(await _until(redis, shard, found.next_due_ms))


async def fire_due(redis: Redis, shard: str, now: datetime | None = None) -> Found:
    """Fire all that is due at `now` (else by the server's clock), as each cron's time policy has it."""
    while (found := await look(redis, shard, now=now)).crons:
        if not await _fire(redis, shard, found, now):
            break  # only what cannot be fired is left
    return found


async def look(redis: Redis, shard: str, *, ahead_ms: int = 0, now: datetime | None = None) -> Found:
    """The crons due until `ahead_ms` from now, earliest first, at most 200."""
    answer = await scripts.due_crons(redis, keyspace.prefix(shard), _at(now), ahead_ms, BATCH)
    now_ms, next_due, rows = answer
    return Found(int(now_ms), int(next_due), [_due(*row) for row in rows])


def _due(member: str, due: str, *rest: str) -> Due:
    team, cron = member.split(":")
    return Due(team, cron, clock.moment(due), *rest)


async def _fire(redis: Redis, shard: str, found: Found, now: datetime | None) -> bool:
    """Whether there was anything that could be fired."""
    arguments: list[str | int] = []
    latest: list[int] = []
    for number, due in enumerate(found.crons):
        if number % BREATH == 0:
            await asyncio.sleep(0)  # counting what was missed takes a while, and others must beat
        try:
            judged = timing.judge(due.plan, due.due, clock.moment(found.now_ms))
        except Exception:  # an expression or time zone that this version cannot read: the others fire
            log.exception("cron_not_fired", team=due.team, cron=due.cron)
            continue
        latest.append(clock.milliseconds(judged.fires[-1].at))
        arguments += [due.team, due.cron, due.version, clock.milliseconds(due.due), *_flat(judged)]
    if not arguments:
        return False
    verdicts = await scripts.fire_crons(redis, keyspace.prefix(shard), _at(now), *arguments)
    for at, verdict in zip(latest, verdicts, strict=True):
        if verdict == FIRED:
            LATENESS.observe(max(0.0, (found.now_ms - at) / 1000))
    return True


def _flat(judged: Judged) -> list[str | int]:
    following = "" if judged.following is None else clock.milliseconds(judged.following)
    flat: list[str | int] = [following, len(judged.fires)]
    for fire in judged.fires:
        flat += (clock.milliseconds(fire.at), fire.missed, clock.milliseconds(fire.first), fire.skip)
    return flat


async def _until(redis: Redis, shard: str, due_ms: int) -> float:
    seconds, microseconds = await redis.time()
    return float(due_ms / 1000 - (seconds + microseconds / 1e6))


def _at(now: datetime | None) -> str | int:
    return "" if now is None else clock.milliseconds(now)
