"""Crons read from their records, whatever version or host has written them; and what is written of one."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import owing
from shared.basics import hints
from shared.basics.memory import MEBIBYTE, remembered_of_several
from shared.errors import Invalid
from shared.schedule import policy
from shared.schedule.policy import Plan
from shared.schemas.crons import Cron, CronCreate, CronMode
from shared.schemas.runs import Run
from shared.schemas.timing import Timing
from shared.security.vault import shown
from shared.store import excerpts, likely, makers, plans, records, stored, strips, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import CronFields, Read, SeenCron, StoredCron

PHASES = 2**32
"""Each cron draws a phase below this when it is made; its offset within `spread_seconds` comes from it."""
LATENESS = ("100", "1000", "10000", "60000", "more")


def spec_of(fields: Fields, reader: Reader) -> CronCreate:
    return _of_spec(reader.spec(fields.get("spec")).fields, fields, reader)


def sealed_of(fields: Fields) -> str | None:
    """The body that it sends, if it may not be shown."""
    return Reader().spec(fields.get("spec")).fields.get(stored.LAST_OF_SPEC)


def _of_spec(kept: dict[str, Any], fields: Fields, reader: Reader) -> CronCreate:
    """What its owner gave; but whether it fires stands beside it, for Recuro may have paused it since."""
    headers = kept.pop("headers", None)  # a caller may not give sealed values
    spec = reader.model(CronCreate, kept)
    changes: dict[str, Any] = {"headers": headers if isinstance(headers, dict) else None}
    if fields.get("is_active") in ("0", "1"):
        changes["is_active"] = fields["is_active"] == "1"
    return spec.model_copy(update=changes)


@remembered_of_several(16 * MEBIBYTE, per_byte=2, per_entry=8000)
def _excerpt(team: Team, cron_id: int, flat: tuple[str, ...]) -> Cron:
    """As a list shows it; a cron that has not fired is as it was when it was last listed."""
    fields, reader = records.fields_of(flat), Reader()
    kept = reader.spec(fields.get("spec"))
    spec = _of_spec(kept.fields, fields, reader)
    return excerpts.of_cron(_shown(team, cron_id, fields, (spec, reader)), kept.unread)


def of(team: Team, cron_id: int, fields: Fields) -> Cron:
    reader = Reader()
    return _shown(team, cron_id, fields, (spec_of(fields, reader), reader))


def _shown(team: Team, cron_id: int, fields: Fields, read: tuple[CronCreate, Reader]) -> Cron:
    spec, reader = read
    runs, next_run, secret = (
        reader.number(fields, "runs"),
        reader.instant(fields, "next"),
        fields.get("ping"),
    )
    if "version" not in fields:
        reader.note("version", "it is lost")
    failure = reader.run(fields.get("last_failure"))[0] or Run()
    cron = reader.model(
        Cron,
        {
            **{name: getattr(spec, name) for name in CronCreate.model_fields},
            "headers": shown(spec.headers),
            "id": cron_id,
            "consecutive_failures": reader.number(fields, "failures"),
            "is_alerted": "alerted" in fields,
            "ping_key": f"{team.shard}-{team.id}-{cron_id}-{secret}" if secret else None,
            "last_ping_at": reader.instant(fields, "last_ping"),
            "key": fields.get("key"),
            "runs": runs,
            "lateness": {name: reader.number(fields, f"late:{name}") for name in LATENESS},
            "recent_executions": strips.recent(fields.get("strip", "")),
            "paused_reason": _paused_reason(fields, reader),
            "last_run_at": reader.instant(fields, "last_run"),
            "next_run_at": next_run,
            "next_runs": _next_runs_of(spec, fields, (next_run, runs), reader),
            "last_status": fields.get("last_status"),
            "last_response": fields.get("last_response") or None,
            "created_at": reader.made(fields, "created"),
            "created_by": makers.of(fields),
            "last_failure_reason": failure.failure_reason,
            "last_error": failure.error_message,
            "has_ended": spec.is_active and next_run is None and reader.problem is None,
        },
    )
    return cron if reader.problem is None else cron.model_copy(update={"problem": reader.problem})


def _paused_reason(fields: Fields, reader: Reader) -> str | None:
    if "paused_after" not in fields:
        return None
    times = reader.number(fields, "paused_after")
    often = "once" if times == 1 else f"{times} times in a row"
    return f"It failed {often}, and pause_after_failures has it paused then; is_active true resumes it."


def _next_runs_of(
    spec: CronCreate, fields: Fields, state: tuple[datetime | None, int], reader: Reader
) -> list[datetime]:
    """The next fires, by what schedulers read; none if this host cannot compute them, as without the zone."""
    try:
        return policy.next_runs(owing.plan_of(fields), state[0], spec.max_runs, state[1])
    except policy.UNREADABLE as error:
        reader.note("cron_expression", f"when it fires cannot be computed here: {str(error)[:80]}")
        return []


def phase_of(fields: Fields) -> int:
    phase = fields.get("phase", "")
    return int(phase) if phase.isdecimal() else secrets.randbelow(PHASES)


def offset_of(spec: CronCreate, phase: int) -> int:
    return phase % (spec.spread_seconds + 1)


def plan_of(spec: CronCreate, phase: int) -> Plan:
    return plans.plan_of(spec.cron_expression, spec.timezone, offset_of(spec, phase), policy_of(spec))


def policy_of(spec: CronCreate) -> str:
    return spec.model_dump_json(include=set(Timing.model_fields), exclude_defaults=True)


def check(wanted: CronCreate) -> None:
    """Check what no single field shows; raises Invalid."""
    if wanted.mode == CronMode.REQUEST and not wanted.url:
        raise Invalid("url", "The url field is required.")
    if wanted.mode == CronMode.HEARTBEAT and wanted.url:
        raise Invalid(
            "url", "The url field does not go with mode heartbeat, in which your side calls Recuro."
        )
    if wanted.starts_at and wanted.ends_at and wanted.ends_at <= wanted.starts_at:
        raise Invalid("ends_at", "The ends_at field must be later than starts_at.")


def fields_of(wanted: CronCreate, phase: int, sealed: str | None = None) -> CronFields:
    """`sealed`: the body that it sends, if it may not be shown."""
    body = {stored.LAST_OF_SPEC: sealed} if sealed else {}
    return CronFields(
        spec=stored.spec({**wanted.model_dump(mode="json"), **body}),
        is_active=int(wanted.is_active),
        expression=wanted.cron_expression,
        timezone=wanted.timezone,
        callback="1" if wanted.callback_url else "",
        alert_threshold=wanted.alert_threshold or "",
        name=wanted.name,
        timing=policy_of(wanted),
        overlap=wanted.overlap_policy,
        max_runs=wanted.max_runs or "",
        offset_seconds=offset_of(wanted, phase),
        phase=phase,
        grace_ms=wanted.grace_seconds * 1000 if wanted.mode == CronMode.HEARTBEAT else "",
        pause_after=wanted.pause_after_failures or "",
        labels=to_json(wanted.labels).decode() if wanted.labels else "",
    )


def new(wanted: CronCreate, phase: int, at: datetime, next_ms: int | None) -> Fields:
    """The record that a new cron would have, as far as it is shown."""
    its = fields_of(wanted, phase)
    known = {
        **{name: str(value) for name, value in its._asdict().items()},
        "offset": str(its.offset_seconds),
        "version": "1",
        "created": str(clock.milliseconds(at)),
    }
    return known if next_ms is None else {**known, "next": str(next_ms)}


def logged_of(wanted: CronCreate, phase: int) -> list[object]:
    """How it fires from now on, in the form that `shared.actions.reports.why` reads."""
    when = (
        wanted.cron_expression,
        wanted.timezone,
        offset_of(wanted, phase),
        policy_of(wanted),
    )
    return [wanted.is_active, *when]


async def excerpts_of(redis: Redis, team: Team, ids: Sequence[int]) -> list[Cron]:
    """Those that are there, as a list shows them, without the names of who made them."""
    return _excerpts(team, await _listing(team, ids).run(redis))


async def rows(redis: Redis, team: Team, ids: Sequence[int], maker: str | None = None) -> list[Cron]:
    """The same with their names; `maker` made them, as is likely of who asks, then that costs no trip."""
    found, names = await likely.read(redis, team, _listing(team, ids), maker)
    return await makers.named(redis, team, _excerpts(team, found), names)


async def failures(redis: Redis, team: Team, ids: Sequence[int]) -> dict[int, int]:
    """How often each of them has failed in a row, by its id."""
    seen = await transitions.look_at_crons(redis, team, ids, hints.NOTHING, most_bytes=0)
    return {
        int(row.id): Reader().number({"failures": row.failures or "0"}, "failures")
        for row in map(SeenCron.of, seen.rows)
    }


def _listing(team: Team, ids: Sequence[int]) -> Read[list[StoredCron]]:
    return transitions.reading_list(team, ids, most_bytes=stored.LIST_BYTES)


def _excerpts(team: Team, found: Sequence[StoredCron]) -> list[Cron]:
    return [_excerpt(team, int(row.id), tuple(row.fields)) for row in found]
