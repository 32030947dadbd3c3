"""Teams and their members: made, renamed, handed over, left, deleted."""

from collections.abc import Sequence
from typing import Literal

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_CREATE_TEAM = Function("create_team")
_RENAME_TEAM = Function("rename_team")
_HAND_OVER_TEAM = Function("hand_over_team")
_DELETE_TEAM = Function("delete_team")
_SET_ROLE = Function("set_role")
_REMOVE_MEMBER = Function("remove_member")
_CLEAR_ACCOUNTS = Function("clear_accounts")
_CLEAR_TEAM = Function("clear_team")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)

Row = Sequence[str]
"""The fields of a record: name, value, name, value, …"""


async def create_team(
    redis: Redis, *, name: str, user: int, shard: str, now_ms: int, write: Write = OURS
) -> int | Literal["taken", "gone"]:
    """Make a team that the user owns; its id. "taken" if another has the name, "gone" without such a user."""
    made = await _CREATE_TEAM(redis, _ACCOUNTS, write=write, name=name, user=user, shard=shard, now_ms=now_ms)
    answer: int | Literal["taken", "gone"] = made if made in ("taken", "gone") else int(made)
    return answer


async def rename_team(
    redis: Redis, *, team: int, before: str, name: str, write: Write = OURS
) -> Row | Literal["taken", "stale", "gone"]:
    """Rename a team that still has the name `before`; its fields."""
    renamed: Row | Literal["taken", "stale", "gone"] = await _RENAME_TEAM(
        redis, _ACCOUNTS, write=write, team=team, before=before, name=name
    )
    return renamed


async def hand_over_team(
    redis: Redis, *, team: int, user: int, before: int | None, write: Write = OURS
) -> Row | Literal["stale", "gone", "nobody"]:
    """Make a member the owner, if the owner is still `before`; the team's fields."""
    handed: Row | Literal["stale", "gone", "nobody"] = await _HAND_OVER_TEAM(
        redis, _ACCOUNTS, write=write, team=team, user=user, before=before
    )
    return handed


async def delete_team(
    redis: Redis, *, team: int, before: int | None, name: str, now_ms: int, write: Write = OURS
) -> bool | None:
    """Mark a team as deleted, if its owner is still `before` and its name that; whether there was one.

    None if the owner or the name changed.
    """
    deleted = await _DELETE_TEAM(
        redis, _ACCOUNTS, write=write, team=team, before=before, name=name, now_ms=now_ms
    )
    return None if deleted == "stale" else bool(deleted)


async def set_role(
    redis: Redis, *, team: int, user: int, role: str, before: str, write: Write = OURS
) -> Row | Literal["owner", "stale", "nobody"]:
    """Set the role of a member who is not the owner, if it is still `before`; the member's fields."""
    done: Row | Literal["owner", "stale", "nobody"] = await _SET_ROLE(
        redis, _ACCOUNTS, write=write, team=team, user=user, role=role, before=before
    )
    return done


async def remove_member(
    redis: Redis, *, team: int, user: int, write: Write = OURS
) -> bool | Literal["owner"]:
    """Take a member out of a team; whether there was one. "owner" if that is its owner, who stays."""
    removed = await _REMOVE_MEMBER(redis, _ACCOUNTS, write=write, team=team, user=user)
    return "owner" if removed == "owner" else bool(removed)


async def clear_accounts(redis: Redis, *, team: int, limit: int) -> int:
    """Remove so many members and invitations of a deleted team; how many: 0 once it has nothing any more."""
    return int(await _CLEAR_ACCOUNTS(redis, _ACCOUNTS, team=team, limit=limit))


async def clear_team(redis: Redis, team: Team, *, limit: int) -> int:
    """Remove so much of what a deleted team without queues and crons has in its shard; how many records.

    -1 while requests of it are out; 0 once nothing is left but its audit trail.
    """
    return int(await _CLEAR_TEAM(redis, team.prefix, team=team.id, limit=limit))
