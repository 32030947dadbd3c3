"""What a caller can do to many jobs in one call."""

from collections.abc import Sequence

from shared.actions import jobs
from shared.actions.bulk.steps import Chosen, Do, Many, Outcome, carry_out, check_search, chosen_by
from shared.actions.searches import jobs as searches
from shared.errors import Conflict
from shared.operations import Call
from shared.schemas.bulk.results import BulkMatch, BulkProgress, BulkResult
from shared.schemas.bulk.wanted import JobAction, JobBulk
from shared.store import paging, stored


async def change(call: Call, wanted: JobBulk) -> BulkResult | BulkProgress:
    """Cancel or delete each of many, as if each were done alone."""
    if wanted.action == JobAction.DELETE:
        call.may_delete()
    many = Many(
        "job",
        wanted.action,
        None,
        lambda: _chosen(call, wanted),
        lambda ids: _preview(call, ids),
        doing(call, wanted.action),
    )
    return await carry_out(call, wanted, many)


def doing(call: Call, action: JobAction) -> Do:
    """What is done to each."""

    async def do(job_id: int) -> Outcome:
        if action == JobAction.DELETE:
            await jobs.delete(call.part(job_id), job_id)
            return Outcome.DONE
        return await _cancel(call.part(job_id), job_id)

    return do


async def _cancel(part: Call, job_id: int) -> Outcome:
    try:
        await jobs.cancel(part, job_id)
    except Conflict:  # it has ended
        return Outcome.UNCHANGED
    return Outcome.DONE


async def _chosen(call: Call, wanted: JobBulk) -> Chosen:
    search = await searches.understood(call.redis, call.team, wanted.q)
    check_search(wanted, search)
    walk = paging.Walk(
        [f"x:{call.team.id}:{state}" for state in searches.states_of(search)],
        look=lambda below: jobs.looked_at(call.redis, call.team, below, search),
        matches=search.finds,
    )
    return await chosen_by(wanted, walk)


async def _preview(call: Call, ids: Sequence[int]) -> list[BulkMatch]:
    found = await jobs.read(call.redis, call.team, ids, with_runs=False, most_bytes=stored.LOOK_BYTES)
    return [BulkMatch(id=job.id, name=job.url, changes={}) for job in found]
