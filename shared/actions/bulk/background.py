"""Changes of many that schedulers go on with: begun, shown and cancelled."""

from collections.abc import Sequence

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.errors import Conflict, NotFound
from shared.operations import Call
from shared.schemas.base import Page, PageQuery
from shared.schemas.bulk.results import BulkProgress, BulkReason, BulkRefusal, BulkState
from shared.store import paging, records, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Bounds, NewBulk, StoredBulk
from shared.store.writes import Write

BOUNDS = Bounds(most_running=10, most_kept=100)
_COUNTS = ("matched", "done", "unchanged", "missing", "refused")


async def start(call: Call, new: NewBulk, write: Write) -> StoredBulk | str:
    """Begin it; a text is what was noted of one that was not in the background, under the same key."""
    row = await transitions.start_bulk(call.redis, call.team, new, bounds=BOUNDS, write=write)
    if row is None:
        raise Conflict(
            f"{BOUNDS.most_running} changes of many run in the team, which is the most; wait for one to end "
            "(GET /api/bulk), or cancel one."
        )
    return row


async def get(redis: Redis, team: Team, bulk_id: int) -> BulkProgress:
    found = await _read(redis, team, [bulk_id])
    if not found:
        raise NotFound("Bulk")
    return found[0]


async def page(redis: Redis, team: Team, query: PageQuery) -> Page[BulkProgress]:
    listing = paging.Listing([f"x:{team.id}:bulks"], read=lambda ids: _read(redis, team, ids))
    return await paging.read_page(redis, team, listing, query)


async def cancel(call: Call, bulk_id: int) -> BulkProgress:
    """Change nothing more; what was changed stays so."""
    row = await transitions.cancel_bulk(
        call.redis, call.team, bulk=bulk_id, reason=BulkReason.REQUESTED, write=call.write()
    )
    if row is None:
        raise NotFound("Bulk")
    return of_row(row)


def of_row(row: StoredBulk) -> BulkProgress:
    return _shown(*row)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[BulkProgress]:
    return records.each("bulk", await transitions.read_bulks(redis, team, ids), _shown)


def _shown(bulk_id: str, flat: Sequence[str], refusals: Sequence[str]) -> BulkProgress:
    fields = records.fields_of(flat)
    counts = {name: int(fields[name]) for name in _COUNTS}
    return BulkProgress(
        id=int(bulk_id),
        state=BulkState(fields["state"]),
        reason=BulkReason(fields["reason"]) if "reason" in fields else None,
        noun=fields["noun"],
        action=fields["action"] or None,
        change=from_json(fields["change"]) if fields["change"] else None,
        **counts,
        remaining=2 * counts["matched"] - sum(counts.values()),
        refusals=tuple(_refusal(one) for one in refusals),
        actor=fields["actor"],
        token=fields["token"],
        started_at=clock.moment(fields["started"]),
        ended_at=records.instant(fields, "ended"),
    )


def _refusal(text: str) -> BulkRefusal:
    one, _, reason = text.partition(" ")
    return BulkRefusal(id=int(one), reason=reason)
