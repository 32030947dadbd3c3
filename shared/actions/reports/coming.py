"""What a caller can know of the fires to come: of one cron each, of all crons how many there are when."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

from anyio import CapacityLimiter, to_thread
from redis.asyncio import Redis

from shared import clock
from shared.actions import explain
from shared.basics.memory import MEBIBYTE, remembered, remembered_of_several
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schedule import coming, intervals, occurrences, policy, zone_data
from shared.schedule.coming import Counts, Cron, Day, Days, Group
from shared.schedule.intervals import Interval
from shared.schedule.occurrences import Change
from shared.schedule.policy import Plan
from shared.schemas import instants
from shared.schemas.reports.coming import (
    BusiestMinute,
    Coming,
    ComingBy,
    ComingFire,
    ComingInterval,
    ComingQuery,
    CronComing,
    CronComingQuery,
    CronName,
    OffsetChange,
)
from shared.store import plans, transitions
from shared.store.keyspace import Team
from shared.store.transitions import ComingCron

STEP = 250
"""Crons of one look, which takes Redis 1 ms."""
MOST_CRONS = 10_000
MOST_NAMED = 20
MOST_DAYS, MOST_AHEAD = timedelta(days=62), timedelta(days=366)
"""How long a range may be, and how far ahead it may begin."""
LENGTHS = {ComingBy.HALF_HOUR: timedelta(minutes=30), ComingBy.HOUR: timedelta(hours=1), ComingBy.DAY: None}
USUAL, USUAL_DAYS = timedelta(days=1), timedelta(days=31)

_MINUTE = timedelta(minutes=1)
DAYS = Days()
THREAD = CapacityLimiter(1)
"""Where fires are computed: new ones may take seconds, in which other calls go on."""


_AHEAD = "The to field must lie ahead; GET /api/executions has what fired before."
_OFFSET = len("2026-11-28T10:00:00")


@dataclass(frozen=True)
class Crons:
    """A team's active crons that have a next fire, as they are at `now`."""

    now: datetime
    found: Sequence[Cron]
    active: int = 0
    """With those that have none."""
    unreadable: Sequence[int] = ()
    without: Sequence[int] = ()
    """Ids of those that have none."""
    has_more: bool = False

    @cached_property
    def groups(self) -> Sequence[Group]:
        """Those that fire at the same moments together."""
        return coming.grouped(self.found)

    @property
    def in_order(self) -> list[int]:
        """All of them by their ids: those that fire next first, then those of which no fire is known."""
        found = sorted(self.found, key=lambda cron: (cron.next, -cron.id))
        return [*(cron.id for cron in found), *sorted((*self.without, *self.unreadable), reverse=True)]


@dataclass(frozen=True, slots=True)
class Fire:
    """A fire to come, and the one before it, or the present."""

    cron: Cron
    at: datetime
    before: datetime

    @property
    def shown(self) -> ComingFire:
        return _shown(self.cron.plan, self.before, self.at)


async def get(call: Call, query: ComingQuery, crons: Crons | None = None) -> Coming:
    """How many there are; of crons that were read already, if they are given."""
    crons = crons or await read(call.redis, call.team)
    since, until = _range(query, crons.now)
    cut = list(intervals.cut(query.timezone, since, until, LENGTHS[query.by]))
    return await to_thread.run_sync(_counted, query, crons, cut, limiter=THREAD)


async def of_cron(call: Call, cron_id: int, query: CronComingQuery) -> CronComing:
    crons = await read(call.redis, call.team, cron_id)
    if query.to and query.to <= crons.now:
        raise Invalid("to", _AHEAD)
    if crons.unreadable:
        raise Conflict("Its fires cannot be computed here: this version does not know its schedule.")
    until = (query.to or instants.LAST) + timedelta.resolution
    cron = crons.found[0] if crons.found else None
    found = await to_thread.run_sync(fires_until, crons, until, query.count, limiter=THREAD)
    return CronComing(
        cron_id=cron_id,
        zone_data=str(zone_data.release()),
        timezone=cron.plan.timezone if cron else None,
        offset_seconds=round(cron.plan.offset.total_seconds()) if cron else None,
        runs_left=cron.left if cron else None,
        data=[fire.shown for fire in found],
    )


async def read(redis: Redis, team: Team, cron_id: int | None = None, *, now_ms: int | None = None) -> Crons:
    """All active crons, or that one, if it is active; raises NotFound if there is no such cron."""
    if cron_id is not None:
        seen_ms, texts = await transitions.read_coming_of(redis, team, cron_id, now_ms=now_ms)
        if not texts:
            raise NotFound("Cron")
        return _known(seen_ms, texts)
    after, texts = 0, list[str]()
    while True:
        seen_ms, after, more = await transitions.read_coming(
            redis, team, after=after, most=STEP, now_ms=now_ms
        )
        texts += more
        if not after or len(texts) >= MOST_CRONS:
            return _known(seen_ms, texts, has_more=bool(after))


def _known(now_ms: int, texts: Sequence[str], *, has_more: bool = False) -> Crons:
    now, found, unreadable, without = clock.moment(now_ms), list[Cron](), list[int](), list[int]()
    following = dict[int, tuple[Plan, datetime | None]]()
    for text in texts:
        try:
            cron = _stored(text)
            if cron and cron.next <= now:
                cron = _ahead(cron, now, following)
        except policy.UNREADABLE:
            unreadable.append(int(ComingCron.of(text).id))
        else:
            if cron:
                found.append(cron)
            else:
                without.append(int(ComingCron.of(text).id))
    return Crons(now, found, len(texts), unreadable, without, has_more)


def _ahead(cron: Cron, now: datetime, following: dict[int, tuple[Plan, datetime | None]]) -> Cron | None:
    """It is overdue, and that fire is made before any that is to come; raises errors of UNREADABLE.

    Which follows is noted by the plan, and the plan with it: many crons have one.
    """
    plan = cron.plan
    if id(plan) not in following:
        following[id(plan)] = plan, policy.following(plan, now)
    _, then = following[id(plan)]
    return Cron(cron.id, cron.name, cron.plan, then, cron.left) if then else None


@remembered(8 * MEBIBYTE, per_entry=1000)
def _stored(text: str) -> Cron | None:
    """The cron, if it has a next fire: most are as they were when they were last asked for."""
    row = ComingCron.of(text)
    if not row.next_ms:
        return None
    plan = _plan(row.expression, row.timezone, row.offset or "0", row.timing)
    left = max(0, int(row.max_runs) - int(row.runs or 0)) if row.max_runs else None
    return Cron(int(row.id), row.name, plan, clock.moment(row.next_ms), left)


@remembered_of_several(8 * MEBIBYTE)
def _plan(expression: str, timezone: str, offset: str, timing: str) -> Plan:
    """Raises errors of UNREADABLE: a newer version may have stored it, or one with newer zones."""
    occurrences.check(expression)
    zone_data.zone(timezone)
    return plans.plan_of(expression, timezone, offset, timing)


def _range(query: ComingQuery, now: datetime) -> tuple[datetime, datetime]:
    """From when on and until when; raises Invalid."""
    since = max(query.from_ or now, now)
    if since > now + MOST_AHEAD:
        raise Invalid("from", f"The from field must be at most {MOST_AHEAD.days} days ahead.")
    until = query.to or since + (USUAL_DAYS if query.by is ComingBy.DAY else USUAL)
    if until <= now:
        raise Invalid("to", _AHEAD)
    if until > since + MOST_DAYS:
        raise Invalid("to", f"The to field must be at most {MOST_DAYS.days} days after from.")
    return since, until


def _counted(query: ComingQuery, crons: Crons, cut: Sequence[Interval]) -> Coming:
    since, until = max(cut[0].start, crons.now), cut[-1].end
    sums = coming.count(DAYS, crons.groups, since, until)
    days = {day: coming.counts_of(packed) for day, packed in sums.items()}
    changes = list(occurrences.changes(query.timezone, cut[0].start, until))
    fires = [_between(days, interval) for interval in cut]
    return Coming(
        by=query.by,
        timezone=query.timezone,
        starts_at=cut[0].start,
        ends_at=until,
        total=sum(fires),
        cron_count=crons.active,
        has_more=crons.has_more,
        unreadable=list(crons.unreadable[:MOST_NAMED]),
        busiest_minute=_busiest(query, crons, days),
        data=[
            _interval(query.timezone, interval, count, changes)
            for interval, count in zip(cut, fires, strict=True)
        ],
    )


def _between(days: Mapping[Day, Counts], interval: Interval) -> int:
    """The fires of an interval, which begins and ends at whole minutes."""
    found = 0
    for day in range(coming.day_of(interval.start), coming.day_of(interval.end) + 1):
        if counts := days.get(day):
            begin = coming.start_of(day)
            low, high = max(0, (interval.start - begin) // _MINUTE), (interval.end - begin) // _MINUTE
            is_whole = low == 0 and high >= coming.MINUTES
            found += counts.total if is_whole else sum(counts.minutes[low:high])
    return found


def _interval(timezone: str, interval: Interval, fires: int, changes: Sequence[Change]) -> ComingInterval:
    return ComingInterval(
        starts_at=interval.start,
        ends_at=interval.end,
        local=_local(timezone, interval.start),
        fires=fires,
        clock_changes=[
            OffsetChange(
                at=change.at,
                utc_offset_before=explain.offset_text(change.before),
                utc_offset_after=explain.offset_text(change.after),
            )
            for change in changes
            if interval.start < change.at <= interval.end
        ],
    )


def _busiest(query: ComingQuery, crons: Crons, days: Mapping[Day, Counts]) -> BusiestMinute | None:
    fires, day = max(((counts.most, -day) for day, counts in days.items()), default=(0, 0))
    if not fires:
        return None
    at = coming.start_of(-day) + days[-day].minutes.index(fires) * _MINUTE
    together = coming.of_minute(DAYS, crons.groups, at)
    return BusiestMinute(
        at=at,
        local=_local(query.timezone, at),
        fires=fires,
        cron_count=len(together),
        crons=[CronName(id=cron.id, name=cron.name) for cron in together[:MOST_NAMED]],
    )


def fires_until(crons: Crons, until: datetime, most: int | None = None) -> list[Fire]:
    """The fires of all of them before a moment, earliest first."""
    rows = (_fires_of(cron, crons.now, until) for cron in crons.found)
    return list(islice(heapq.merge(*rows, key=lambda fire: (fire.at, fire.cron.id)), most))


def _fires_of(cron: Cron, now: datetime, until: datetime) -> Iterator[Fire]:
    before = now
    for fire in coming.fires(cron, until):
        yield Fire(cron, fire, before)
        before = fire


@remembered_of_several(4 * MEBIBYTE, per_byte=1, per_entry=2000)
def _shown(plan: Plan, before: datetime, at: datetime) -> ComingFire:
    earlier, local = (_local(plan.timezone, moment) for moment in (before, at))
    change = None
    if earlier[_OFFSET:] != local[_OFFSET:]:
        *_, change = occurrences.changes(plan.timezone, before, at)
    return ComingFire(
        nominal_at=at - plan.offset,
        scheduled_at=at,
        local=local,
        clock_change=change and explain.clock_change(plan.expression, change),
    )


def _local(timezone: str, at: datetime) -> str:
    return at.astimezone(zone_data.zone(timezone)).isoformat(timespec="seconds")
