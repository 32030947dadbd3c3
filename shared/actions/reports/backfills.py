"""What a caller can do to backfills: past fires of a cron that did not run, made in the background."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from anyio import CapacityLimiter, to_thread
from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import cron_records, owing, settling
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schedule import coming, occurrences, policy
from shared.schedule.policy import Plan
from shared.schemas.base import Page
from shared.schemas.reports.backfills import (
    MOST_DAYS,
    MOST_FIRES,
    Backfill,
    BackfillCreate,
    BackfillPreview,
    BackfillQuery,
    BackfillStatus,
)
from shared.store import moments, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import Bounds, NewBackfill, Refused, StoredBackfill

BOUNDS = Bounds(most_running=20, most_kept=100)
MOST_SHOWN = 20
ATTEMPTS = 5
"""Meanwhile somebody else may change the cron."""
_THREAD = CapacityLimiter(1)
"""Where fires are computed, so that other calls go on."""
_SECOND = timedelta(seconds=1)
_MONTH = timedelta(days=31)
_NO_CRON, _HEARTBEAT, _CHANGED, _OTHER_RUNS = 0, -1, -2, -3
_CUT = "The to field lies ahead; it is cut to now. Fires to come are made by the schedule."
_DUE = "The fire of {at} is due, and its schedule makes it: the backfill ends before it."
_PINGS = (
    "The cron_id field must be of a cron that sends requests: this one waits for pings, so there is nothing "
    "to run. Make one with a url."
)


class _Range(NamedTuple):
    """The moments of a cron's fires in a range, as it was read."""

    since: datetime
    until: datetime
    fires: Sequence[datetime]
    warnings: Sequence[str]
    version: str | None


async def create(
    call: Call, cron_id: int, wanted: BackfillCreate, now: datetime | None = None
) -> Backfill | BackfillPreview:
    """Begin a backfill, or say what it would make."""
    if not wanted.dry_run and (done := await transitions.recall(call.redis, call.key)):
        return _of_row(StoredBackfill(*done))
    found = await _range(call, cron_id, wanted, now)
    if wanted.dry_run:
        return _preview(cron_id, found, await _to_make(call, cron_id, wanted, found))
    async with call.counting_runs(await _count_to_make(call, cron_id, wanted, found)):
        for _ in range(ATTEMPTS):
            row = await _start(call, cron_id, wanted, found, now)
            if isinstance(row, StoredBackfill):
                return _of_row(row)
            _refuse(row)
            found = await _range(call, cron_id, wanted, now)
        raise Conflict("The cron is being changed by others; try again.")


async def page(redis: Redis, team: Team, query: BackfillQuery) -> Page[Backfill]:
    listing = paging.Listing(
        [f"x:{team.id}:backfills"],
        read=lambda ids: _read(redis, team, ids),
        matches=lambda row, _: query.cron_id in (None, row.cron_id),
        is_filtered=query.cron_id is not None,
    )
    return await paging.read_page(redis, team, listing, query)


async def get(redis: Redis, team: Team, backfill_id: int) -> Backfill:
    found = await _read(redis, team, [backfill_id])
    if not found:
        raise NotFound("Backfill")
    return found[0]


async def cancel(call: Call, backfill_id: int) -> Backfill:
    """Make nothing more; executions that were made stay, and run."""
    row = await transitions.cancel_backfill(call.redis, call.team, backfill=backfill_id, write=call.write())
    if row is None:
        raise NotFound("Backfill")
    return _of_row(row)


async def _range(call: Call, cron_id: int, wanted: BackfillCreate, now: datetime | None) -> _Range:
    """The fires that lie in the past and are not its schedule's to make; raises Invalid and Conflict."""
    if now is None:
        await moments.settled(call.redis, call.team.shard)
    fields, now = await settling.read(call.redis, call.team, cron_id, now)
    if fields.get("grace"):
        raise Invalid("cron_id", _PINGS)
    spec = cron_records.spec_of(fields, Reader())
    call.may_reach(spec.url, spec.callback_url)
    if wanted.from_ > now:
        raise Invalid("from", "The from field must lie in the past; what is to come is made by the schedule.")
    if wanted.to - wanted.from_ > timedelta(days=MOST_DAYS):
        raise Invalid("to", f"The to field must be at most {MOST_DAYS} days after from.")
    until, warnings = _end(fields, wanted, now)
    try:
        fires = await to_thread.run_sync(_fires, owing.plan_of(fields), wanted.from_, until, limiter=_THREAD)
    except policy.UNREADABLE as error:
        raise Conflict("Its fires cannot be computed here: this version cannot read its schedule.") from error
    return _Range(wanted.from_, min(wanted.to, now), fires, warnings, fields.get("version"))


def _end(fields: Fields, wanted: BackfillCreate, now: datetime) -> tuple[datetime, list[str]]:
    """Up to when fires are made, and what is to be said of that."""
    warnings = [_CUT] if wanted.to > now else []
    until = min(wanted.to, now)
    at = Reader().instant(fields, "next")
    if at is None or at > until:
        return until, warnings
    return at - _SECOND, [*warnings, _DUE.format(at=at.isoformat(timespec="seconds"))]


def _fires(plan: Plan, since: datetime, until: datetime) -> list[datetime]:
    """The moments in [since, until] that its executions have; raises Invalid if they are too many."""
    found = list(islice(_between(plan, since, until), MOST_FIRES + 1))
    if len(found) <= MOST_FIRES:
        return found
    raise Invalid(
        "to",
        f"The to field must leave {MOST_FIRES} fires at most; the range has {_count(plan, found[0], until)}. "
        "Take several shorter ones.",
    )


def _between(plan: Plan, since: datetime, until: datetime) -> Iterator[datetime]:
    first, last = since - plan.offset, until - plan.offset
    if plan.starts_at:
        first = max(first, plan.starts_at)
    if plan.ends_at:
        last = min(last, plan.ends_at)
    fires = occurrences.between(plan.expression, plan.timezone, first, last + timedelta.resolution)
    return (fire + plan.offset for fire in fires)


def _count(plan: Plan, first: datetime, until: datetime) -> int:
    """How many there are from the first on: whole days are computed once, and not fire by fire."""
    cron, days, found = coming.Cron(0, "", plan, first), coming.Days(), 0
    until += timedelta.resolution
    while first < until:
        stop = min(first + _MONTH, until)
        sums = coming.count(days, [[cron]], first, stop)
        found += sum(sum(coming.minutes_of(packed)) for packed in sums.values())
        first = stop
    return found


async def _to_make(call: Call, cron_id: int, wanted: BackfillCreate, found: _Range) -> list[datetime]:
    """The fires that it would make now."""
    if not wanted.skip_completed:
        return list(found.fires)
    since, until = clock.milliseconds(found.since), clock.milliseconds(found.until)
    ran, cursor, is_first = set[int](), "", True
    while is_first or cursor:
        cursor, some = await transitions.find_moments(
            call.redis, call.team, cron=cron_id, from_ms=since, to_ms=until, cursor=cursor
        )
        ran.update(some)
        is_first = False
    return [fire for fire in found.fires if clock.milliseconds(fire) not in ran]


async def _count_to_make(call: Call, cron_id: int, wanted: BackfillCreate, found: _Range) -> int:
    """How many it would make, if that counts; raises Conflict if another number was expected."""
    if wanted.expected_count is None and call.limits is None:
        return 0
    count = len(await _to_make(call, cron_id, wanted, found))
    if wanted.expected_count not in (None, count):
        raise Conflict(
            f"It would make {count} executions now, and expected_count is {wanted.expected_count}: nothing "
            "was made. Look with dry_run what they are."
        )
    return count


async def _start(
    call: Call, cron_id: int, wanted: BackfillCreate, found: _Range, now: datetime | None
) -> StoredBackfill | Refused:
    return await transitions.start_backfill(
        call.redis,
        call.team,
        NewBackfill(
            moments="".join(f"{round(fire.timestamp()):010}" for fire in found.fires),
            total=len(found.fires),
            from_ms=clock.milliseconds(found.since),
            to_ms=clock.milliseconds(found.until),
            skips=wanted.skip_completed,
            parallelism=wanted.max_parallelism,
            rate=wanted.rate,
            warnings=to_json(found.warnings).decode(),
        ),
        cron=cron_id,
        version=found.version,
        bounds=BOUNDS,
        now_ms=settling.given(now),
        write=call.write(),
    )


def _refuse(answer: Refused) -> None:
    """Raise what the caller can mend; a cron that changed is read again."""
    if answer.why == _CHANGED:
        return
    if answer.why == _NO_CRON:
        raise NotFound("Cron")
    if answer.why == _HEARTBEAT:
        raise Invalid("cron_id", _PINGS)
    if answer.why == _OTHER_RUNS:
        raise Conflict(
            f"Backfill {answer.other} of this cron runs; wait for its end, or cancel it with "
            f"POST /api/backfills/{answer.other}/cancel."
        )
    raise Conflict(
        f"{BOUNDS.most_running} backfills of the team run, which is the most; wait for one to end, or cancel "
        "one."
    )


def _preview(cron_id: int, found: _Range, fires: Sequence[datetime]) -> BackfillPreview:
    return BackfillPreview(
        cron_id=cron_id,
        from_at=found.since,
        to_at=found.until,
        fires=len(found.fires),
        warnings=tuple(found.warnings),
        count=len(fires),
        skipped=len(found.fires) - len(fires),
        moments=list(fires[:MOST_SHOWN]),
    )


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Backfill]:
    return records.each("backfill", await transitions.read_backfills(redis, team, ids), _shown)


def _of_row(row: StoredBackfill) -> Backfill:
    return _shown(*row)


def _shown(backfill_id: str, flat: Sequence[str], is_open: int, completed: int, failed: int) -> Backfill:
    fields = records.fields_of(flat)
    return Backfill(
        id=int(backfill_id),
        cron_id=int(fields["cron"]),
        status=BackfillStatus(fields["state"]),
        from_at=clock.moment(fields["from"]),
        to_at=clock.moment(fields["to"]),
        fires=int(fields["total"]),
        warnings=tuple(from_json(fields["warnings"])),
        skip_completed=fields["skips"] == "1",
        max_parallelism=int(fields["parallelism"]),
        rate=int(fields["rate"]) if fields["rate"] else None,
        left=int(fields["total"]) - int(fields["looked"]),
        made=int(fields["made"]),
        skipped=int(fields["skipped"]),
        open=is_open,
        completed=int(fields["completed"]) + completed,
        failed=int(fields["failed"]) + failed,
        created_at=clock.moment(fields["created"]),
        ended_at=records.instant(fields, "ended"),
    )
