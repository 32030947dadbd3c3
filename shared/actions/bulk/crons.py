"""What a caller can do to many crons in one call."""

from collections.abc import Mapping, Sequence

from pydantic_core import from_json

from shared.actions import audit, cron_records, crons, executions, settling
from shared.actions.bulk.steps import Chosen, Do, Many, Outcome, carry_out, check_search, chosen_by
from shared.actions.searches import crons as searches
from shared.actions.searches import looks
from shared.errors import NotFound
from shared.operations import Call
from shared.schemas.accounts.audit import AuditChange
from shared.schemas.bulk.results import BulkMatch, BulkProgress, BulkResult
from shared.schemas.bulk.wanted import CronAction, CronBulk, CronBulkChange
from shared.schemas.crons import CronCreate, CronUpdate
from shared.security import custody
from shared.store import paging
from shared.store.lenient import Reader

_ACTIVE: Mapping[CronAction, bool] = {CronAction.PAUSE: False, CronAction.RESUME: True}


async def change(call: Call, wanted: CronBulk) -> BulkResult | BulkProgress:
    """Pause, resume, run, delete or change each of many, as if each were done alone."""
    what = wanted.action or wanted.change
    assert what is not None  # a CronBulk has one of them
    if what == CronAction.DELETE:
        call.may_delete()
    many = Many(
        "cron",
        wanted.action,
        wanted.change.model_dump_json(exclude_unset=True) if wanted.change else None,
        lambda: _chosen(call, wanted),
        lambda ids: _preview(call, ids, _changes_of(what)),
        doing(call, what),
        runs=what == CronAction.RUN,
    )
    return await carry_out(call, wanted, many)


def doing(call: Call, what: CronAction | CronBulkChange) -> Do:
    """What is done to each."""
    changes = _changes_of(what)

    async def do(cron_id: int) -> Outcome:
        if what == CronAction.RUN:
            await executions.create(call.part(cron_id, f"run {cron_id}"), cron_id)
        elif changes is None:
            await crons.delete(call.part(cron_id), cron_id)
        else:
            return await _update(call.part(cron_id), cron_id, changes)
        return Outcome.DONE

    return do


def _changes_of(what: CronAction | CronBulkChange) -> CronUpdate | None:
    """What is changed of each, if it is a change."""
    if isinstance(what, CronAction):
        active = _ACTIVE.get(what)
        return None if active is None else CronUpdate.model_construct({"is_active"}, is_active=active)
    given = {name: getattr(what, name) for name in what.model_fields_set}
    return CronUpdate.model_construct(set(given), **given)


async def _update(part: Call, cron_id: int, changes: CronUpdate) -> Outcome:
    """Change it unless it is so already, which makes no other version of it."""
    fields, _ = await settling.read(part.redis, part.team, cron_id)
    before = cron_records.spec_of(fields, Reader())
    if custody.changed(before, changes)[0] == before:
        part.may_reach(before.url, before.callback_url)
        return Outcome.UNCHANGED
    await crons.update(part, cron_id, changes)
    return Outcome.DONE


async def _chosen(call: Call, wanted: CronBulk) -> Chosen:
    search = await searches.understood(call.redis, call.team, wanted.q)
    check_search(wanted, search)
    walk = paging.Walk(
        [f"x:{call.team.id}:crons:{state}" for state in ("active", "paused")],
        look=lambda below: looks.crons(call.redis, call.team, below, search),
        matches=search.finds,
    )
    return await chosen_by(wanted, walk)


async def _preview(call: Call, ids: Sequence[int], changes: CronUpdate | None) -> list[BulkMatch]:
    found = []
    for one in ids:
        try:
            fields, _ = await settling.read(call.redis, call.team, one)
        except NotFound:
            continue
        before = cron_records.spec_of(fields, Reader())
        found.append(BulkMatch(id=one, name=before.name, changes=_differing(before, changes)))
    return found


def _differing(before: CronCreate, changes: CronUpdate | None) -> dict[str, AuditChange]:
    if changes is None:
        return {}
    said = from_json(audit.changes(before, custody.changed(before, changes)[0]))
    return {name: AuditChange(before=was, after=now) for name, (was, now) in said.items()}
