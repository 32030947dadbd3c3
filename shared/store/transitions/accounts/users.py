"""Users: made, changed, and what proves that it is them."""

from collections.abc import Sequence
from typing import Literal

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function, flat
from shared.store.transitions.teams import Setting
from shared.store.writes import OURS, Write

_CREATE_USER = Function("create_user")
_CHANGE_USER = Function("change_user")
_SET_UP_USER = Function("set_up_user")
_PROVE_CODE = Function("prove_code")
_FIND_LINKED = Function("find_linked")
_LINK_IDENTITY = Function("link_identity")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)


async def create_user(
    redis: Redis,
    *,
    email: str,
    email_given: str,
    proved: bool,
    name: str,
    password: str | None,
    team: int | None,
    role: str | None,
    now_ms: int,
    write: Write = OURS,
) -> int | Literal["taken", "gone"]:
    """Make a user, in a team if one is given; the id.

    "taken" if a user has the e-mail address, "gone" if there is no such team.
    """
    made = await _CREATE_USER(
        redis,
        _ACCOUNTS,
        write=write,
        email=email,
        email_given=email_given,
        proved=proved,
        name=name,
        password=password,
        team=team,
        role=role,
        now_ms=now_ms,
    )
    answer: int | Literal["taken", "gone"] = made if made in ("taken", "gone") else int(made)
    return answer


async def change_user(
    redis: Redis,
    changes: Sequence[Setting],
    *,
    user: int,
    version: str,
    ends_sessions: bool = False,
    keep: str | None = None,
    ends_all: bool = False,
    team: int | None = None,
    write: Write = OURS,
) -> str | None:
    """Change fields of a user who is still as it was read; its version from then on, None if it was not.

    With `ends_sessions` all its sessions end but the one with the digest `keep`, with `ends_all` the API
    tokens and invitations that it made. A `write` without a `team`, or with `ends_all`, leaves a line in the
    trail of each of the user's teams.
    """
    changed: object = await _CHANGE_USER(
        redis,
        _ACCOUNTS,
        flat(changes),
        write=write,
        user=user,
        version=version,
        ends_sessions=ends_sessions,
        keep=keep,
        ends_all=ends_all,
        team=team,
    )
    return None if changed == "stale" else str(changed)


async def set_up_user(
    redis: Redis,
    *,
    user: int,
    version: str,
    email: str,
    email_given: str,
    name: str,
    password: str,
    team: int | None,
    write: Write = OURS,
) -> str:
    """Give a user who was made without one an address, a name and a password; its sessions end.

    Its version from then on; "taken" if another user has the address, "stale" if this one changed since it
    was read.
    """
    done: object = await _SET_UP_USER(
        redis,
        _ACCOUNTS,
        write=write,
        user=user,
        version=version,
        email=email,
        email_given=email_given,
        name=name,
        password=password,
        team=team,
    )
    return str(done)


async def prove_code(
    redis: Redis, *, user: int, code_step: int | None, recovery: str | None, link: str | None, now_ms: int
) -> int | Literal["right", "wrong", "gone"]:
    """Take a code of a second factor, once: its step of the clock, or the digest of a recovery code.

    Neither is a wrong code. `link` is the digest of a sign-in that waits for it: "gone" if that is over.
    Milliseconds to wait if too many were wrong.
    """
    said: int | Literal["right", "wrong", "gone"] = await _PROVE_CODE(
        redis, _ACCOUNTS, user=user, code_step=code_step, recovery=recovery, link=link, now_ms=now_ms
    )
    return said


async def find_linked(redis: Redis, *, identity: str, issuer: str, subject: str) -> int | None:
    """The user who is linked to that subject of an issuer; `identity` is the digest of both."""
    user = await _FIND_LINKED(redis, _ACCOUNTS, identity=identity, issuer=issuer, subject=subject)
    return int(user) or None


async def link_identity(
    redis: Redis,
    *,
    identity: str,
    issuer: str,
    subject: str,
    user: int | None,
    version: str | None,
    team: int | None,
    joins: int | None,
    email: str,
    email_given: str,
    name: str,
    now_ms: int,
    write: Write = OURS,
) -> int | Literal["taken", "other", "gone", "stale"]:
    """Let whom a provider says they are sign in as the user, or as a new member of `joins`; the user's id.

    "taken" if the address or the identity is of another user, "other" if the user is linked to another one,
    "gone" if no team with an owner takes who is new, "stale" if the user changed since it was read.
    """
    done = await _LINK_IDENTITY(
        redis,
        _ACCOUNTS,
        write=write,
        identity=identity,
        issuer=issuer,
        subject=subject,
        user=user,
        version=version,
        team=team,
        joins=joins,
        email=email,
        email_given=email_given,
        name=name,
        now_ms=now_ms,
    )
    answer: int | Literal["taken", "other", "gone", "stale"]
    answer = done if done in ("taken", "other", "gone", "stale") else int(done)
    return answer
