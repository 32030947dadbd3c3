"""What a caller can do to crons."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock, pages, records, schedule, scripts
from shared.errors import Conflict, Invalid, NotFound
from shared.keyspace import Team
from shared.records import Fields
from shared.schemas.base import Page
from shared.schemas.crons import Cron, CronCreate, CronFilter, CronQuery, CronUpdate
from shared.vault import MASK, masked

_WHEN = {"cron_expression", "timezone", "is_active"}


async def create(redis: Redis, team: Team, asked: CronCreate, now: datetime | None = None) -> Cron:
    cron_id = await _save(redis, team, asked, next_fire=_next_fire(asked, now or clock.now()))
    return await get(redis, team, cron_id)


async def get(redis: Redis, team: Team, cron_id: int) -> Cron:
    return _cron(cron_id, await _fields(redis, team, cron_id))


async def page(redis: Redis, team: Team, query: CronQuery) -> Page[Cron]:
    """Crons newest first; a search looks in the name and the URL."""
    states = ["active", "paused"] if query.filter == CronFilter.ALL else [query.filter.value]

    async def read(ids: Sequence[int]) -> list[Cron]:
        rows = await scripts.read_crons(redis, team.prefix, team.id, *ids)
        return [_cron(int(cron_id), records.fields_of(flat)) for cron_id, flat in rows]

    listing = pages.Listing(
        [f"x:{team.id}:crons:{state}" for state in states],
        read,
        matches=lambda cron, text: pages.contains(text, cron.name, cron.url),
    )
    return await pages.read_page(redis, team, listing, query)


async def update(
    redis: Redis, team: Team, cron_id: int, asked: CronUpdate, now: datetime | None = None
) -> Cron:
    """Change the given fields. Resuming, or another expression or time zone, counts from now."""
    changes = {name: getattr(asked, name) for name in asked.model_fields_set}
    for _ in range(5):
        fields = await _fields(redis, team, cron_id)
        before = _asked(fields)
        if asked.headers:
            changes["headers"] = _unmasked(asked.headers, before.headers or {})
        wanted = before.model_copy(update=changes)
        moves = any(getattr(before, name) != getattr(wanted, name) for name in _WHEN)
        next_fire = _next_fire(wanted, now or clock.now()) if moves else "keep"
        if await _save(redis, team, wanted, cron_id, fields["version"], next_fire=next_fire):
            return await get(redis, team, cron_id)
    raise Conflict("The cron is being changed by others; try again.")


async def delete(redis: Redis, team: Team, cron_id: int) -> None:
    """Delete a cron with its executions; it does not fire any more once this returns."""
    if not await scripts.delete_cron(redis, team.prefix, team.id, cron_id):
        raise NotFound("Cron")


async def _save(
    redis: Redis,
    team: Team,
    asked: CronCreate,
    cron_id: int | None = None,
    version: str = "",
    *,
    next_fire: int | str,
) -> int:
    """The cron's id, or 0 if it changed since `version` was read."""
    saved = await scripts.save_cron(
        redis,
        team.prefix,
        team.id,
        "",
        cron_id or "",
        version,
        asked.model_dump_json(),
        int(asked.is_active),
        next_fire,
        asked.cron_expression,
        asked.timezone,
        "1" if asked.callback_url else "",
        asked.alert_threshold or "",
        asked.name,
    )
    return 0 if saved == "stale" else int(saved)


async def _fields(redis: Redis, team: Team, cron_id: int) -> Fields:
    rows = await scripts.read_crons(redis, team.prefix, team.id, cron_id)
    if not rows:
        raise NotFound("Cron")
    return records.fields_of(rows[0][1])


def _next_fire(asked: CronCreate, now: datetime) -> int | str:
    if not asked.is_active:
        return ""
    return clock.milliseconds(schedule.following(asked.cron_expression, asked.timezone, now))


def _unmasked(wanted: dict[str, str], kept: dict[str, str]) -> dict[str, str]:
    """A value that was read as the mask and given back stays as it is."""
    known = {name.lower(): value for name, value in kept.items()}
    for name, value in wanted.items():
        if value == MASK and name.lower() not in known:
            raise Invalid(
                "headers", f"The headers field has {MASK} for {name}, which has no value to be kept."
            )
    return {name: known[name.lower()] if value == MASK else value for name, value in wanted.items()}


def _asked(fields: Fields) -> CronCreate:
    stored = from_json(fields["spec"])
    headers = stored.pop("headers", None)  # sealed values are none that a caller may give
    return CronCreate.model_validate(stored, extra="ignore").model_copy(update={"headers": headers})


def _cron(cron_id: int, fields: Fields) -> Cron:
    asked = _asked(fields)
    failures = int(fields["failures"])
    return Cron(
        **asked.model_dump(exclude={"headers"}),
        headers=masked(asked.headers),
        id=cron_id,
        consecutive_failures=failures,
        is_alerted="alerted" in fields,
        last_run_at=records.instant(fields, "last_run"),
        next_run_at=records.instant(fields, "next"),
        last_status=fields.get("last_status"),
        last_response=fields.get("last_response") or None,
        created_at=clock.moment(fields["created"]),
    )
