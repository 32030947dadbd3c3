"""What a team set for itself, read with its version and changed only if it still has that."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.errors import Conflict
from shared.operations import Call
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Setting

_ATTEMPTS = 5
"""Meanwhile somebody else may set something."""


class Known(NamedTuple):
    """Fields as they are stored, and the version of all settings then."""

    values: Sequence[str | None]
    version: str


class Change(NamedTuple):
    """What to set, and what the audit trail says of it (`audit.changes`)."""

    settings: Sequence[Setting]
    said: str | None = None


async def read(redis: Redis, team: Team, *fields: str) -> Known:
    *values, version = await redis.hmget(keyspace.team_settings(team), [*fields, "version"])  # type: ignore[misc]
    return Known(values, version or "0")


async def show(call: Call, *fields: str) -> Sequence[str | None]:
    """The fields; their version is the call's."""
    known = await read(call.redis, call.team, *fields)
    call.versions.answered = known.version
    return known.values


async def change(call: Call, fields: Sequence[str], changed: Callable[[Sequence[str | None]], Change]) -> str:
    """Set what `changed` makes of the fields, and return the first value, now or then under the call's key.

    Raises Stale as the call wants, and Conflict.
    """
    if done := await transitions.recall(call.redis, call.key):
        if isinstance(done, str):  # remembered by a release before
            return done
        value, version = done
        call.versions.answered = str(version)
        return str(value)
    for _ in range(_ATTEMPTS):
        known = await read(call.redis, call.team, *fields)
        call.versions.check(known.version)
        settings, said = changed(known.values)
        set_now = await transitions.set_team(
            call.redis, call.team, settings, version=known.version, write=call.write(said)
        )
        if set_now:
            call.versions.answered = set_now.version
            return set_now.value
    raise Conflict("The settings of the team are being changed by others; try again.")
