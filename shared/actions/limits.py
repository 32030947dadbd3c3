"""What a caller can do to a team's monthly limits, and how much of them is used."""

from collections.abc import Sequence
from datetime import UTC, datetime

from redis.asyncio import Redis

from shared.actions import audit, team_settings
from shared.actions.team_settings import Change
from shared.operations import Call
from shared.schemas.teams import MonthlyLimits, Usage
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from shared.store.transitions import Setting

_FIELDS = ("request_limit", "soft_limit")
_MONTH = "requests."


async def put(call: Call, limits: MonthlyLimits) -> MonthlyLimits:
    """Set both limits; they apply from the next claim on."""
    values = (limits.monthly_request_limit, limits.soft_limit)
    settings = [Setting(field, value) for field, value in zip(_FIELDS, values, strict=True)]

    def changed(stored: Sequence[str | None]) -> Change:
        return Change(settings, audit.changes(_limits(stored), limits))

    await team_settings.change(call, _FIELDS, changed)
    return limits


async def get(call: Call) -> MonthlyLimits:
    return _limits(await team_settings.show(call, *_FIELDS))


async def usage(redis: Redis, team: Team) -> Usage:
    """The requests of this month, by the installation's clock, and of the months before."""
    async with redis.pipeline(transaction=False) as pipe:
        moments.join(pipe, team.shard)
        pipe.hmget(keyspace.team_settings(team), list(_FIELDS))
        pipe.hgetall(keyspace.ledger(team))
        time, correction, stored, counts = await pipe.execute()
    today = moments.of((time, correction))
    months = {name.removeprefix(_MONTH): int(n) for name, n in counts.items() if name.startswith(_MONTH)}
    used = {month: max(0, months[month]) for month in sorted(months, reverse=True)}
    return Usage(
        **_limits(stored).model_dump(),
        month=f"{today:%Y-%m}",
        requests=used.get(f"{today:%Y-%m}", 0),
        resets_at=_next_month(today),
        months=used,
    )


def _limits(stored: Sequence[str | None]) -> MonthlyLimits:
    hard, soft = (int(value) if value else None for value in stored)
    return MonthlyLimits(monthly_request_limit=hard, soft_limit=soft)


def _next_month(moment: datetime) -> datetime:
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return datetime(year, month, 1, tzinfo=UTC)
