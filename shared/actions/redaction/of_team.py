"""What is not kept of any request of a team."""

from collections.abc import Sequence

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared.actions import audit, team_settings
from shared.actions.team_settings import Change
from shared.operations import Call
from shared.schemas.base import STORED
from shared.schemas.teams import Redaction
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Setting

_FIELD = "redact"
_STEP = 500
"""Queues a transition."""


async def show(call: Call) -> Redaction:
    (text,) = await team_settings.show(call, _FIELD)
    return _read(text)


async def put(call: Call, wanted: Redaction) -> Redaction:
    """Set the rules; once this returns they apply to every job that is made and to every answer."""
    setting = Setting(_FIELD, to_json(wanted.redact).decode() if wanted.redact else None)

    def changed(stored: Sequence[str | None]) -> Change:
        return Change([setting], audit.changes(_read(stored[0]), wanted))

    await team_settings.change(call, [_FIELD], changed)
    after = 0
    while after := await transitions.spread_redaction(call.redis, call.team, after=after, limit=_STEP):
        pass
    return wanted


async def rules(redis: Redis, team: Team) -> tuple[str, ...]:
    """Those of the team, to be applied to what is stored now."""
    return _read(await redis.hget(keyspace.team_settings(team), _FIELD)).redact  # type: ignore[misc]


def _read(text: str | None) -> Redaction:
    return Redaction.model_validate({"redact": from_json(text) if text else ()}, context=STORED)
