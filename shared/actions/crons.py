"""What a caller can do to crons."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import audit, cron_records, owing, settling
from shared.actions.owing import NOTHING
from shared.actions.redaction import of_crons
from shared.actions.redaction.of_crons import Kept
from shared.actions.searches import crons as searches
from shared.actions.searches import looks
from shared.basics import words
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schedule import policy
from shared.schemas.base import Page
from shared.schemas.crons import (
    Cron,
    CronCreate,
    CronFilter,
    CronMade,
    CronMode,
    CronQuery,
    CronUpdate,
    CronWithWarnings,
)
from shared.schemas.timing import Timing
from shared.security import custody
from shared.store import likely, makers, moments, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import OfKey, Owed, SavedCron, WhichCron

_WHEN = {"cron_expression", "timezone", "is_active", "grace_seconds", *Timing.model_fields}
"""The fields that decide when it fires, and what happens at a fire."""
PING_BYTES = 18
ATTEMPTS = 8  # meanwhile somebody else may change the cron, or it may fire


class _When(NamedTuple):
    """When a cron fires, as it is stored: its phase, and its next fire unless that stays as it is.

    The executions that it owes are made first.
    """

    phase: int
    keeps_next: bool = False
    next_ms: int | None = None
    owed: Owed = NOTHING


class _Known(NamedTuple):
    """A cron as it was read before a change, and the warnings for the answer.

    Without `now`, Redis gives the time.
    """

    which: WhichCron
    before: Kept | None = None
    warnings: Sequence[str] = ()
    now: datetime | None = None


_BUSY = "The cron is being changed by others; try again."


async def create(call: Call, cron: CronCreate, now: datetime | None = None) -> CronWithWarnings:
    if done := await transitions.recall(call.redis, call.key):
        return await _of_row(call, *done)
    made = await _made(call, _whole(cron), now)
    assert isinstance(made, CronMade)  # without a key of its own it meets no other
    return made


async def upsert(call: Call, key: str, cron: CronCreate, now: datetime | None = None) -> CronWithWarnings:
    """Make the cron of the caller's own key; or change the one there is, so that all fields are as given.

    What is answered is a `CronMade` if it was made. Raises as `create` and `update` do.
    """
    if done := await transitions.recall(call.redis, call.key):
        return await _of_row(call, *done)
    cron, known = _whole(cron), await transitions.find_cron(call.redis, call.team, key=key)
    if known is None:
        made = await _made(call, cron, now, key)
        if isinstance(made, CronMade):
            return made
        known = made.cron
    before = await get(call.redis, call.team, known)
    if before.mode != cron.mode:
        said = f"The mode field must stay {before.mode}; delete the cron of this key first."
        raise Invalid("mode", said)
    fields = {name: value for name, value in cron if name in CronUpdate.model_fields}
    return await update(call, known, CronUpdate.model_construct(set(fields), **fields), now)


async def _made(
    call: Call, cron: CronCreate, now: datetime | None, key: str | None = None
) -> CronMade | OfKey:
    phase = cron_records.phase_of({})
    for _ in range(ATTEMPTS):
        at = now or await moments.now(call.redis, call.team.shard)
        when = _first(call, cron, phase, at)
        if made := await _save(call, cron, when, _Known(WhichCron(key=key), now=now)):
            return made  # type: ignore[return-value]  # its version is 1
    raise Conflict(_BUSY)


def _first(call: Call, cron: CronCreate, phase: int, at: datetime) -> _When:
    """When a new one fires; raises Invalid and Forbidden."""
    cron_records.check(cron)
    plan = cron_records.plan_of(cron, phase)
    if call.limits:
        call.limits.check_interval(plan, at)
    if policy.following(plan, at) is None:
        raise Invalid("ends_at", "The ends_at field must leave the cron a time to fire, from now on.")
    return _timed(cron, phase, {}, at)


async def would_be(call: Call, cron: CronCreate, now: datetime | None = None) -> Cron:
    """The cron that `create` would make now, with 0 for its id; nothing is kept. Raises as `create` does."""
    cron, phase = _whole(cron), cron_records.phase_of({})
    at = now or await moments.now(call.redis, call.team.shard)
    when = _first(call, cron, phase, at)
    return cron_records.of(call.team, 0, cron_records.new(cron, phase, at, when.next_ms))


async def get(redis: Redis, team: Team, cron_id: int) -> Cron:
    cron, _ = await get_now(redis, team, cron_id)
    return await makers.named_one(redis, team, cron)


async def show(call: Call, cron_id: int) -> Cron:
    """The same, and its version for the call."""
    reading = transitions.reading_crons(call.team, [cron_id])
    (_, found), names = await likely.read(call.redis, call.team, reading, call.maker)
    if not found:
        raise NotFound("Cron")
    fields = records.fields_of(found[0].fields)
    call.versions.answered = fields.get("version")
    cron = cron_records.of(call.team, cron_id, fields)
    return (await makers.named(call.redis, call.team, [cron], names))[0]


async def get_now(redis: Redis, team: Team, cron_id: int) -> tuple[Cron, datetime]:
    """The cron, and the time by the installation's clock."""
    fields, now = await settling.read(redis, team, cron_id)
    return cron_records.of(team, cron_id, fields), now


async def page(redis: Redis, team: Team, query: CronQuery, maker: str | None = None) -> Page[Cron]:
    """Crons newest first; a search looks in the name and the URL.

    Where `maker` made them, which is likely of who asks, their names cost no round trip.
    """
    states = ["active", "paused"] if query.filter == CronFilter.ALL else [query.filter.value]
    wanted = await searches.understood(redis, team, query.q)

    listing = paging.Listing(
        [f"x:{team.id}:crons:{state}" for state in states],
        read=lambda ids: cron_records.rows(redis, team, ids, maker),
        look=lambda below: looks.crons(redis, team, below, wanted, query.search or ""),
        matches=lambda cron, text: (
            (not text or words.contains(text, cron.name, cron.url)) and wanted.finds(cron)
        ),
        is_filtered=bool(wanted.terms),
    )
    return await paging.read_page(redis, team, listing, query)


async def update(
    call: Call, cron_id: int, changes: CronUpdate, now: datetime | None = None
) -> CronWithWarnings:
    """Change the given fields. What is due is made first; a resumed cron or a new schedule counts from now.

    Secret headers stored for another scheme, host or port are dropped, and the answer warns of that.
    Those that are given are sealed.
    """
    if done := await transitions.recall(call.redis, call.key):
        return await _of_row(call, *done)
    meant_for, read = None, settling.read_settled if _WHEN & changes.model_fields_set else settling.read
    for _ in range(ATTEMPTS):
        fields, at = await read(call.redis, call.team, cron_id, now)
        call.versions.check(fields.get("version"))
        before = cron_records.spec_of(fields, Reader())
        meant_for = meant_for or before.url
        if changes.headers and "url" not in changes.model_fields_set and before.url != meant_for:
            raise Conflict("The cron's url is being changed by others; look before you give it headers.")
        wanted, dropped = custody.changed(before, changes)
        wanted = custody.sealed(wanted, call.vault, call.team)
        cron_records.check(wanted)
        _check_limits(call, before, wanted, at)
        when = _When(cron_records.phase_of(fields), keeps_next=True)
        if any(getattr(before, name) != getattr(wanted, name) for name in _WHEN):
            when = _timed_if_readable(wanted, when.phase, fields, at)
        which = WhichCron(cron_id, fields.get("version"))
        kept = Kept(before, cron_records.sealed_of(fields))
        known = _Known(which, kept, custody.warnings(dropped, wanted.url), now)
        saved = await _save(call, wanted, when, known)
        if isinstance(saved, CronWithWarnings):
            return saved
    raise Conflict(_BUSY)


async def delete(call: Call, cron_id: int) -> None:
    """Delete a cron with its executions; once this returns it does not fire any more."""
    call.may_delete()
    for _ in range(ATTEMPTS):
        _, found = await transitions.read_crons(call.redis, call.team, [cron_id])
        fields = records.fields_of(found[0].fields) if found else {}  # it may be done, under the caller's key
        if fields:
            call.versions.check(fields.get("version"))
        gone = audit.changes(cron_records.spec_of(fields, Reader()), None) if fields else None
        deleted = await transitions.delete_cron(
            call.redis, call.team, cron=cron_id, version=fields.get("version"), write=call.write(gone)
        )
        if deleted:
            return
        if deleted is not None:
            raise NotFound("Cron")
    raise Conflict(_BUSY)


async def _save(
    call: Call, wanted: CronCreate, when: _When, known: _Known
) -> CronWithWarnings | OfKey | None:
    """The cron as it is now, or None if it changed or fired since it was `known`."""
    kept = await of_crons.kept(call, wanted, known.before)
    was = known.before.cron if known.before else None
    saved = await transitions.save_cron(
        call.redis,
        call.team,
        cron_records.fields_of(kept.cron, when.phase, kept.sealed),
        when.owed,
        which=known.which,
        keeps_next=when.keeps_next,
        next_ms=when.next_ms,
        secret=secrets.token_urlsafe(PING_BYTES) if wanted.mode == CronMode.HEARTBEAT else None,
        change=to_json(cron_records.logged_of(wanted, when.phase)).decode(),
        warnings=to_json(known.warnings).decode(),
        now_ms=settling.given(known.now),
        write=call.write(audit.changes(was, kept.cron)),
    )
    return await _of_row(call, *saved) if isinstance(saved, SavedCron) else saved


def _whole(cron: CronCreate) -> CronCreate:
    if cron.mode == CronMode.HEARTBEAT and "alert_threshold" not in cron.model_fields_set:
        return cron.model_copy(update={"alert_threshold": 1})  # a heartbeat is there to report silence
    return cron


async def _of_row(call: Call, cron_id: str, flat: Sequence[str], warnings: str) -> CronWithWarnings:
    fields = records.fields_of(flat)
    call.versions.answered = fields.get("version")
    cron = cron_records.of(call.team, int(cron_id), fields)
    kind = CronMade if call.versions.answered == "1" else CronWithWarnings
    made = kind(**dict(cron), warnings=from_json(warnings))
    return await makers.named_one(call.redis, call.team, made)


def _timed_if_readable(wanted: CronCreate, phase: int, fields: Fields, at: datetime) -> _When:
    """The same for a stored cron whose schedule this host may be unable to read; raises Invalid."""
    try:
        return _timed(wanted, phase, fields, at)
    except policy.UNREADABLE as error:
        raise _unreadable(wanted) from error


def _timed(wanted: CronCreate, phase: int, fields: Fields, at: datetime) -> _When:
    """When it fires from now on; the transition checks whether its runs are used up."""
    plan = cron_records.plan_of(wanted, phase)
    owed = owing.owed(fields, at, plan if wanted.is_active else None)
    fire = owing.next_after(plan, at, owed.fired_until_ms) if wanted.is_active else None
    return _When(phase, next_ms=clock.milliseconds(fire) if fire else None, owed=owed)


def _check_limits(call: Call, before: CronCreate, wanted: CronCreate, at: datetime) -> None:
    """Raise Forbidden or Invalid if the token may not have such a cron, or not touch what it was before."""
    if call.limits is None:
        return
    call.may_reach(before.url, before.callback_url, wanted.url, wanted.callback_url)
    if call.limits.given.min_interval_seconds is None:
        return
    try:
        call.limits.check_interval(cron_records.plan_of(wanted, 0), at)
    except policy.UNREADABLE as error:
        raise _unreadable(wanted) from error


def _unreadable(wanted: CronCreate) -> Invalid:
    said = f"by {wanted.timezone} nobody can compute {wanted.cron_expression}; give both anew."
    return Invalid("timezone", f"The timezone field must be a zone that is known here: {said}")
