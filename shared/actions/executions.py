"""What a caller can do to the executions of a cron."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared import clock
from shared.actions import cron_records
from shared.actions.searches import executions as searches
from shared.errors import Conflict, NotFound
from shared.operations import Call
from shared.runtime.waiting.waits import Sought
from shared.schemas.base import Page
from shared.schemas.crons import Execution, ExecutionQuery, ExecutionStatus, SkipReason
from shared.schemas.kinds import Kind
from shared.schemas.runs import Run
from shared.store import excerpts, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.stored import LIST_BYTES, WHOLE_BYTES, read_run

_NO_CRON, _NOTHING_TO_RUN = 0, -1
_ATTEMPTS = 5
"""Meanwhile somebody else may change the cron."""


async def create(call: Call, cron_id: int) -> Execution:
    """Run a cron now, beside its schedule."""
    async with call.counting_runs(1):
        return await _made(call, cron_id)


async def _made(call: Call, cron_id: int) -> Execution:
    for _ in range(_ATTEMPTS):
        version = await _checked_version(call, cron_id)
        made = await transitions.run_cron(
            call.redis, call.team, cron=cron_id, version=version, write=call.write()
        )
        if made == _NOTHING_TO_RUN:
            raise Conflict(
                "This cron waits for pings: there is nothing to run. Ping it, or make one with a url."
            )
        if made == _NO_CRON:
            raise NotFound("Cron")
        if not isinstance(made, int):
            return stored(*made)
    raise Conflict("The cron is being changed by others; try again.")


async def _checked_version(call: Call, cron_id: int) -> str | None:
    """The version of the cron that the token may have called, or any for one without limits."""
    if call.limits is None or call.limits.given.hosts is None:
        return None
    _, rows = await transitions.read_crons(call.redis, call.team, [cron_id])
    for row in rows:
        fields = records.fields_of(row.fields)
        spec = cron_records.spec_of(fields, Reader())
        call.may_reach(spec.url, spec.callback_url)
        return fields.get("version")
    return None


async def get(redis: Redis, team: Team, cron_id: int, execution_id: int) -> Execution:
    await _require(redis, team, cron_id)
    found = await _read(redis, team, cron_id, [execution_id])
    if not found:
        raise NotFound("Execution")
    return found[0]


async def get_ended(call: Call, cron_id: int, execution_id: int, seconds: int, at: str = "") -> Execution:
    """The same once it has ended, or after so many seconds, in which the cron may have been deleted.

    `at` is where the caller can ask on.
    """
    sought = Sought(call.team, Kind.EXECUTION, execution_id, _read_of, cron_id)
    found = await call.wait(sought, seconds, at)
    if found is None:
        await _require(call.redis, call.team, cron_id)
        raise NotFound("Execution")
    return found


async def _read_of(redis: Redis, team: Team, cron_id: int, ids: Sequence[int]) -> list[Execution]:
    """None of a cron that is not there (any more)."""
    there = await redis.exists(f"{team.prefix}c:{team.id}:{cron_id}")
    return await _read(redis, team, cron_id, ids) if there else []


async def page(redis: Redis, team: Team, cron_id: int, query: ExecutionQuery) -> Page[Execution]:
    await _require(redis, team, cron_id)
    states = [query.filter] if query.filter else list(ExecutionStatus)
    look = await searches.understood(redis, team, query.q)
    listing = paging.Listing(
        [f"x:{team.id}:c{cron_id}:{state}" for state in states],
        read=lambda ids: _read(redis, team, cron_id, ids, LIST_BYTES),
        matches=lambda row, _text: look.wanted.finds(row),
        look=paging.by_ids(redis, team, look.read),
        is_filtered=look.is_for_something,
    )
    return await paging.read_page(redis, team, listing, query)


async def _require(redis: Redis, team: Team, cron_id: int) -> None:
    """Raises NotFound if there is no such cron; its spec is not read for this."""
    if not await redis.exists(f"{team.prefix}c:{team.id}:{cron_id}"):
        raise NotFound("Cron")


async def _read(
    redis: Redis, team: Team, cron_id: int, ids: Sequence[int], most_bytes: int = WHOLE_BYTES
) -> list[Execution]:
    rows = await transitions.read_executions(redis, team, ids, cron=cron_id, most_bytes=most_bytes)
    return records.each("execution", rows, excerpt if most_bytes else stored)


def stored(execution_id: str, flat: Sequence[str], run: str | None = None) -> Execution:
    """An execution as the Lua reads it: its id, its fields, its run as JSON."""
    return _execution(execution_id, flat, records.run(run))


def excerpt(execution_id: str, flat: Sequence[str], run: str | None = None) -> Execution:
    """The same with a run of which perhaps only the beginning was read."""
    kept = read_run(run) if run else None
    shown = Run.model_validate(kept.fields, extra="ignore") if kept else None
    unread = [f"run.{name}" for name in (kept.unread if kept else ())]
    return excerpts.of_execution(_execution(execution_id, flat, shown), unread)


def _execution(execution_id: str, flat: Sequence[str], run: Run | None) -> Execution:
    fields = records.fields_of(flat)
    backfill = fields.get("backfill")
    return Execution(
        id=int(execution_id),
        cron_id=int(fields["cron"]),
        status=ExecutionStatus(fields["state"]),
        scheduled_at=clock.moment(fields["due"]),
        created_at=clock.moment(fields["created"]),
        lateness_ms=0 if backfill else max(0, round(float(fields["created"]) - float(fields["due"]))),
        skip_reason=SkipReason(fields["skip_reason"]) if "skip_reason" in fields else None,
        missed=int(fields["missed"]),
        missed_since=records.instant(fields, "first"),
        callback_status=records.callback_status(fields),
        waits_for=fields.get("waits_for") if fields["state"] == ExecutionStatus.PENDING else None,
        idempotency_key=fields.get("intent"),
        is_backfill=backfill is not None,
        backfill_id=int(backfill) if backfill else None,
        run=run,
    )
