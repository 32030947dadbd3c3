"""What a team set for itself."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat
from shared.store.writes import OURS, Write

_SET_TEAM = Function("set_team")
_ROTATE_SIGNING = Function("rotate_signing")
_RESEAL = Function("reseal")
_SPREAD_REDACTION = Function("spread_redaction")
_NOTE_BULK = Function("note_bulk")


class Setting(NamedTuple):
    """A field of a team's settings; without a value it is removed."""

    field: str
    value: str | int | None


class SetSettings(NamedTuple):
    """What was set: the first value, and the version of all settings then."""

    value: str
    version: str


async def set_team(
    redis: Redis,
    team: Team,
    settings: Sequence[Setting],
    *,
    version: str | None = None,
    write: Write = OURS,
) -> SetSettings | None:
    """Set what a team set for itself, if it still has the version; None if something was set since."""
    done = await _SET_TEAM(redis, team.prefix, flat(settings), write=write, team=team.id, version=version)
    return None if done == "stale" else SetSettings(done[0], str(done[1]))


async def spread_redaction(redis: Redis, team: Team, *, after: int, limit: int) -> int:
    """Tell so many of its queues what is not kept of its requests; the last id that was told, 0 for all."""
    return int(await _SPREAD_REDACTION(redis, team.prefix, team=team.id, after=after, limit=limit))


async def rotate_signing(
    redis: Redis, team: Team, *, before: str | None, after: str, write: Write = OURS
) -> str | None:
    """Replace the signing secrets (sealed), if they are still what was read; what is kept, or None."""
    kept = await _ROTATE_SIGNING(redis, team.prefix, write=write, team=team.id, before=before, after=after)
    return str(kept) if kept else None


async def reseal(
    redis: Redis,
    shard: str,
    *,
    name: str,
    field: str | None,
    before: str,
    after: str,
    has_version: bool,
) -> bool:
    """Replace a sealed text, if it is still as it was read; whether it was.

    It is in a key (its name below the prefix) or in a field of it, and counts as a change of the version of
    a record that has one.
    """
    done = await _RESEAL(
        redis,
        keyspace.prefix(shard),
        name=name,
        field=field,
        before=before,
        after=after,
        has_version=has_version,
    )
    return bool(done)


async def note_bulk(
    redis: Redis,
    team: Team,
    ids: Sequence[str],
    *,
    noun: str,
    text: str,
    write: Write = OURS,
    step: int = 0,
) -> str:
    """Remember the text under the key of the write; the audit trail names the ids, alone or as `8-12`."""
    kept = await _NOTE_BULK(
        redis, team.prefix, ids, write=write, step=step, team=team.id, noun=noun, text=text
    )
    return str(kept)
