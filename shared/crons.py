"""What a caller can do to crons."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared import (
    clock,
    custody,
    excerpts,
    moments,
    owing,
    pages,
    records,
    scripts,
    settling,
    stored,
    timing,
    words,
)
from shared.errors import Conflict, Invalid, NotFound
from shared.idempotency import IdempotencyKey
from shared.keyspace import Team
from shared.owing import NOTHING, Owed
from shared.records import Fields
from shared.schemas.base import STORED, Page
from shared.schemas.crons import Cron, CronCreate, CronFilter, CronMode, CronQuery, CronSaved, CronUpdate
from shared.schemas.runs import Run
from shared.schemas.timing import Timing
from shared.timing import Plan
from shared.vault import Vault, masked

_WHEN = {"cron_expression", "timezone", "is_active", "grace_seconds", *Timing.model_fields}
"""What says when it fires, and what becomes of a fire."""
PHASES = 2**32
"""Each cron draws one of these when it is made, and its offset within `spread_seconds` comes from it."""
NEXT_RUNS = 3
PING_BYTES = 18
ATTEMPTS = 8
"""Somebody else may change the cron meanwhile, and it may fire."""
LATENESS = ("100", "1000", "10000", "60000", "more")


class _When(NamedTuple):
    """What is kept of when a cron fires: its phase, and the next fire (ms, '' = none, 'keep' = as it is).

    Before that, what it owes is made.
    """

    phase: int
    next_fire: str
    owed: Owed = NOTHING

    def before(self) -> Sequence[str | int]:
        """What comes before that, as the script takes it."""
        return (
            self.owed.next_fire,
            self.owed.not_due,
            self.owed.last_nominal,
            *owing.flat(self.owed.fires),
        )


class _Known(NamedTuple):
    """A cron as it was read before a change, and what the answer to that is to warn of.

    `now` is the present if it was given, else Redis has it.
    """

    id: int | str = ""
    version: str = ""
    warnings: Sequence[str] = ()
    now: datetime | None = None


_NEW = _Known()
_BUSY = "The cron is being changed by others; try again."


async def create(
    redis: Redis,
    team: Team,
    asked: CronCreate,
    now: datetime | None = None,
    *,
    key: IdempotencyKey | None = None,
) -> CronSaved:
    if done := await scripts.recall(redis, key):
        return _of_row(team, *done)
    _check(asked)
    if asked.mode == CronMode.HEARTBEAT and "alert_threshold" not in asked.model_fields_set:
        asked = asked.model_copy(update={"alert_threshold": 1})  # silence is what it is there to tell of
    phase = _phase({})
    plan = _plan(asked, phase)
    for _ in range(ATTEMPTS):
        at = now or await moments.now(redis, team.shard)
        if timing.following(plan, at) is None:
            raise Invalid("ends_at", "The ends_at field must leave the cron a time to fire, from now on.")
        when = _reckoned(asked, phase, {}, at)
        if made := await _save(redis, team, asked, when, _NEW._replace(now=now), key):
            return made
    raise Conflict(_BUSY)


async def get(redis: Redis, team: Team, cron_id: int) -> Cron:
    return (await get_now(redis, team, cron_id))[0]


async def get_now(redis: Redis, team: Team, cron_id: int) -> tuple[Cron, datetime]:
    """The cron, and the present of its installation."""
    fields, now = await settling.read(redis, team, cron_id)
    return _cron(team, cron_id, fields), now


async def page(redis: Redis, team: Team, query: CronQuery) -> Page[Cron]:
    """Crons newest first; a search looks in the name and the URL."""
    states = ["active", "paused"] if query.filter == CronFilter.ALL else [query.filter.value]

    async def read(ids: Sequence[int]) -> list[Cron]:
        rows = await scripts.list_crons(redis, team.prefix, team.id, stored.LIST_BYTES, *ids)
        return [_excerpt(team, int(cron_id), records.fields_of(flat)) for cron_id, flat in rows]

    listing = pages.Listing(
        [f"x:{team.id}:crons:{state}" for state in states],
        read,
        matches=lambda cron, text: words.contains(text, cron.name, cron.url),
    )
    return await pages.read_page(redis, team, listing, query)


async def update(  # noqa: PLR0913 - what is given by name is the doors', what is not the tests'
    redis: Redis,
    team: Team,
    cron_id: int,
    asked: CronUpdate,
    now: datetime | None = None,
    *,
    vault: Vault | None = None,
    key: IdempotencyKey | None = None,
) -> CronSaved:
    """Change the given fields. What was due is made first; resuming, or when else it fires, counts from now.

    Secret headers that it kept for another scheme, host or port are dropped, and the answer warns of them.
    The vault seals those that are given.
    """
    if done := await scripts.recall(redis, key):
        return _of_row(team, *done)
    meant_for, read = None, settling.read_settled if _WHEN & asked.model_fields_set else settling.read
    for _ in range(ATTEMPTS):
        fields, at = await read(redis, team, cron_id, now)
        before = _asked(fields)
        meant_for = meant_for or before.url
        if asked.headers and "url" not in asked.model_fields_set and before.url != meant_for:
            raise Conflict("The cron's url is being changed by others; look before you give it headers.")
        wanted, dropped = custody.changed(before, asked)
        wanted = custody.sealed(wanted, vault, team)
        _check(wanted)
        when = _When(_phase(fields), "keep")
        if any(getattr(before, name) != getattr(wanted, name) for name in _WHEN):
            when = _reckoned(wanted, when.phase, fields, at)
        known = _Known(cron_id, fields["version"], custody.warnings(dropped, wanted.url), now)
        if saved := await _save(redis, team, wanted, when, known, key):
            return saved
    raise Conflict(_BUSY)


async def delete(redis: Redis, team: Team, cron_id: int, key: IdempotencyKey | None = None) -> None:
    """Delete a cron with its executions; it does not fire any more once this returns."""
    if not await scripts.delete_cron(redis, team.prefix, team.id, cron_id, key=key):
        raise NotFound("Cron")


async def _save(
    redis: Redis,
    team: Team,
    asked: CronCreate,
    when: _When,
    known: _Known = _NEW,
    key: IdempotencyKey | None = None,
) -> CronSaved | None:
    """The cron as it is now, or nothing if it changed or fired since it was `known`."""
    is_heartbeat = asked.mode == CronMode.HEARTBEAT
    saved = await scripts.save_cron(
        redis,
        team.prefix,
        team.id,
        settling.given(known.now),
        known.id,
        known.version,
        stored.spec(asked.model_dump(mode="json")),
        int(asked.is_active),
        when.next_fire,
        asked.cron_expression,
        asked.timezone,
        "1" if asked.callback_url else "",
        asked.alert_threshold or "",
        asked.name,
        _policy(asked),
        asked.overlap_policy,
        asked.max_runs or "",
        _offset(asked, when.phase),
        when.phase,
        asked.grace_seconds * 1000 if is_heartbeat else "",
        secrets.token_urlsafe(PING_BYTES) if is_heartbeat else "",
        to_json(_logged(asked, when.phase)).decode(),
        to_json(known.warnings).decode(),
        *when.before(),
        key=key,
    )
    return None if saved == "stale" else _of_row(team, *saved)


def _of_row(team: Team, cron_id: str, flat: Sequence[str], warnings: str) -> CronSaved:
    cron = _cron(team, int(cron_id), records.fields_of(flat))
    return CronSaved(**dict(cron), warnings=from_json(warnings))


def _reckoned(wanted: CronCreate, phase: int, fields: Fields, at: datetime) -> _When:
    """When it fires from now on; whether its runs are used up is for the script to see."""
    plan = _plan(wanted, phase)
    owed = owing.owed(fields, at, plan if wanted.is_active else None)
    fire = owing.next_after(plan, at, owed.last_nominal) if wanted.is_active else None
    next_fire = str(clock.milliseconds(fire)) if fire else ""
    return _When(phase, next_fire, owed)


def _check(asked: CronCreate) -> None:
    """What one field alone cannot tell; raises Invalid."""
    if asked.mode == CronMode.REQUEST and not asked.url:
        raise Invalid("url", "The url field is required.")
    if asked.mode == CronMode.HEARTBEAT and asked.url:
        raise Invalid(
            "url", "The url field does not go with mode heartbeat, in which your side calls Recuro."
        )
    if asked.starts_at and asked.ends_at and asked.ends_at <= asked.starts_at:
        raise Invalid("ends_at", "The ends_at field must be later than starts_at.")


def _phase(fields: Fields) -> int:
    return int(fields["phase"]) if "phase" in fields else secrets.randbelow(PHASES)


def _logged(asked: CronCreate, phase: int) -> list[object]:
    """How it fires from now on, as `shared.why` reads it."""
    when = (asked.cron_expression, asked.timezone, _offset(asked, phase), _policy(asked))
    return [asked.is_active, *when]


def _offset(asked: CronCreate, phase: int) -> int:
    return phase % (asked.spread_seconds + 1)


def _plan(asked: CronCreate, phase: int) -> Plan:
    return timing.plan_of(asked.cron_expression, asked.timezone, _offset(asked, phase), _policy(asked))


def _policy(asked: CronCreate) -> str:
    return asked.model_dump_json(include=set(Timing.model_fields), exclude_defaults=True)


def _asked(fields: Fields) -> CronCreate:
    return _of_spec(from_json(fields["spec"]))


def _of_spec(kept: dict[str, Any]) -> CronCreate:
    headers = kept.pop("headers", None)  # sealed values are none that a caller may give
    asked = CronCreate.model_validate(kept, extra="ignore", context=STORED)
    return asked.model_copy(update={"headers": headers})


def _excerpt(team: Team, cron_id: int, fields: Fields) -> Cron:
    kept = stored.read_spec(fields["spec"])
    return excerpts.of_cron(_cron(team, cron_id, fields, _of_spec(kept.fields)), kept.unread)


def _cron(team: Team, cron_id: int, fields: Fields, asked: CronCreate | None = None) -> Cron:
    asked = asked or _asked(fields)
    failures, runs = int(fields["failures"]), int(fields.get("runs", 0))
    next_run, secret = records.instant(fields, "next"), fields.get("ping")
    failure = records.run(fields.get("last_failure")) or Run()
    return Cron(
        **asked.model_dump(exclude={"headers"}),
        headers=masked(asked.headers),
        id=cron_id,
        consecutive_failures=failures,
        is_alerted="alerted" in fields,
        ping_key=f"{team.shard}-{team.id}-{cron_id}-{secret}" if secret else None,
        last_ping_at=records.instant(fields, "last_ping"),
        runs=runs,
        lateness={name: int(fields.get(f"late:{name}", 0)) for name in LATENESS},
        has_ended=asked.is_active and next_run is None,
        last_run_at=records.instant(fields, "last_run"),
        next_run_at=next_run,
        next_runs=_next_runs(_plan(asked, _phase(fields)), next_run, asked.max_runs, runs),
        last_status=fields.get("last_status"),
        last_response=fields.get("last_response") or None,
        created_at=clock.moment(fields["created"]),
        last_failure_reason=failure.failure_reason,
        last_error=failure.error_message,
    )


def _next_runs(plan: Plan, fire: datetime | None, most: int | None, runs: int) -> list[datetime]:
    found: list[datetime] = []
    while fire and len(found) < NEXT_RUNS and (most is None or runs + len(found) < most):
        found.append(fire)
        fire = timing.following(plan, fire)
    return found
