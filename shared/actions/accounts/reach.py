"""Which of the stored jobs a limited token may touch: by their queues, and by the hosts that they call."""

from collections.abc import Sequence

from shared.operations import Call
from shared.security.limits import Limits
from shared.store import stored, transitions
from shared.store.transitions import StoredJob

OUTSIDE = "Its queue, or a host that it calls, is outside the limits of the token."
_BEFORE_CALLBACK = {"url", "headers", "callback_url"}
"""If a spec was read no further than one of these, its callback is not known."""


async def check_queue(call: Call, job_id: int) -> None:
    """Raise Forbidden if the token may not use the queue of the job; without such a limit nothing is read."""
    if call.limits and call.limits.given.queues is not None:
        for row in await transitions.read_jobs(
            call.redis, call.team, [job_id], with_runs=False, most_bytes=stored.LOOK_BYTES
        ):
            call.may_use(row.queue)


async def in_queues(call: Call, ids: Sequence[int]) -> list[int]:
    """Those of the jobs that are in queues which the token may use, and those that are not there."""
    if not ids or call.limits is None or call.limits.given.queues is None:
        return list(ids)
    rows = await _read(call, ids)
    return [one for one in ids if (row := rows.get(one)) is None or call.limits.has_queue(row.queue)]


async def within(call: Call, ids: Sequence[int]) -> list[int]:
    """Those of the jobs which the token may have sent again, and those that are not there."""
    limits = call.limits
    if not ids or limits is None or (limits.given.queues is None and limits.given.hosts is None):
        return list(ids)
    rows = await _read(call, ids)
    return [one for one in ids if one not in rows or await _is_within(call, limits, rows[one])]


async def _read(call: Call, ids: Sequence[int], most_bytes: int = stored.LIST_BYTES) -> dict[int, StoredJob]:
    rows = await transitions.read_jobs(call.redis, call.team, ids, with_runs=False, most_bytes=most_bytes)
    return {int(row.id): row for row in rows}


async def _is_within(call: Call, limits: Limits, row: StoredJob) -> bool:
    if not limits.has_queue(row.queue):
        return False
    if limits.given.hosts is None:
        return True
    try:
        read = stored.read_spec(row.spec)
        if _BEFORE_CALLBACK & {*read.unread}:
            whole = await _read(call, [int(row.id)], stored.WHOLE_BYTES)
            read = stored.read_spec(whole[int(row.id)].spec)
        url, callback_url = read.fields["url"], read.fields.get("callback_url") or ""
    except (ValueError, LookupError, AttributeError):
        return False  # nobody can tell where it leads
    return all(isinstance(one, str) and limits.reaches(one) for one in (url, callback_url)) and bool(url)
