"""Sessions: opened, found, ended."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_OPEN_SESSION = Function("open_session")
_FIND_SESSION = Function("find_session")
_END_SESSIONS = Function("end_sessions")
_SWITCH_TEAM = Function("switch_team")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)


async def open_session(
    redis: Redis,
    *,
    session: str,
    before: str | None,
    user: int,
    version: str | None,
    team: int | None,
    address: str,
    client: str,
    expires: int,
    now_ms: int,
) -> bool:
    """Open a session of a user who still has the version (if given); `before`, which it replaces, ends.

    Both are digests. False if the user changed or went.
    """
    opened = await _OPEN_SESSION(
        redis,
        _ACCOUNTS,
        session=session,
        before=before,
        user=user,
        version=version,
        team=team,
        address=address,
        client=client,
        expires=expires,
        now_ms=now_ms,
    )
    return bool(opened)


async def find_session(redis: Redis, *, session: str, idle_ms: int, now_ms: int) -> Sequence[str]:
    """Fields by name of whose session it is and of its team; none if it has ended."""
    found: Sequence[str] = await _FIND_SESSION(
        redis, _ACCOUNTS, session=session, idle_ms=idle_ms, now_ms=now_ms
    )
    return found


async def end_sessions(
    redis: Redis,
    *,
    user: int,
    begins: str | None = None,
    keep: str | None = None,
    team: int | None = None,
    write: Write = OURS,
) -> int:
    """End the sessions of a user that begin with these digits, or all but `keep`; how many."""
    ended = await _END_SESSIONS(redis, _ACCOUNTS, write=write, user=user, begins=begins, keep=keep, team=team)
    return int(ended)


async def switch_team(redis: Redis, *, session: str, team: int) -> bool:
    """Let a session act in another team; False if its user is not in that."""
    return bool(await _SWITCH_TEAM(redis, _ACCOUNTS, session=session, team=team))
