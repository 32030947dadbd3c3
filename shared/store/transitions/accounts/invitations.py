"""Invitations: made, cancelled, accepted."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_CREATE_INVITATION = Function("create_invitation")
_CANCEL_INVITATION = Function("cancel_invitation")
_ACCEPT_INVITATION = Function("accept_invitation")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)


class MadeInvitation(NamedTuple):
    """A new one: its code, sealed, so that a repeat under a key can show it again; its id and fields."""

    sealed: str
    id: int
    fields: Sequence[str]


async def create_invitation(
    redis: Redis,
    *,
    team: int,
    email: str,
    email_given: str,
    role: str,
    by: str,
    by_user: int | None,
    link: str,
    sealed: str,
    expires: int,
    now_ms: int,
    write: Write = OURS,
) -> MadeInvitation | Literal["gone", "member", "full"]:
    """Invite an e-mail address by a code, of which `link` is the digest; what was sent to it before ends.

    "member" if a member has the address, "full" if too many invitations are open.
    """
    made = await _CREATE_INVITATION(
        redis,
        _ACCOUNTS,
        write=write,
        team=team,
        email=email,
        email_given=email_given,
        role=role,
        by=by,
        by_user=by_user,
        link=link,
        sealed=sealed,
        expires=expires,
        now_ms=now_ms,
    )
    answer: MadeInvitation | Literal["gone", "member", "full"]
    answer = made if made in ("gone", "member", "full") else MadeInvitation(*made)
    return answer


async def cancel_invitation(redis: Redis, *, team: int, invitation: int, write: Write = OURS) -> bool:
    """Cancel an invitation; whether there was one."""
    return bool(await _CANCEL_INVITATION(redis, _ACCOUNTS, write=write, team=team, invitation=invitation))


async def accept_invitation(
    redis: Redis,
    *,
    team: int,
    link: str,
    user: int | None,
    name: str | None,
    password: str | None,
    changes_of_owner: str | None = None,
    now_ms: int,
    write: Write = OURS,
) -> int | Literal["gone", "taken", "other"]:
    """Let the user, or a new one of that name and password, into the team; the user's id.

    `changes_of_owner` are the changes of the write if the team had no owner, and has one with that.

    "gone" if the link is worth nothing, "taken" if the address has a user, who must sign in, "other" if the
    user has another address than the one that was invited.
    """
    done = await _ACCEPT_INVITATION(
        redis,
        _ACCOUNTS,
        write=write,
        team=team,
        link=link,
        user=user,
        name=name,
        password=password,
        changes_of_owner=changes_of_owner,
        now_ms=now_ms,
    )
    answer: int | Literal["gone", "taken", "other"]
    answer = done if done in ("gone", "taken", "other") else int(done)
    return answer
