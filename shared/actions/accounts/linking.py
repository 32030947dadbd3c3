"""Which user somebody is whom the provider of single sign-on has let in: found and linked, or made."""

import re
from typing import NamedTuple

import structlog
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import joining, sign_in, users
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, NotFound
from shared.schemas.accounts.users import key_of
from shared.security.oidc.provider import Identity
from shared.security.tokens import digest_of
from shared.store import account_keys
from shared.store.transitions import accounts
from shared.store.writes import OURS

MOST_NAME = 100
JOIN = re.compile(r"/join/([\w-]{43})", re.ASCII)
_ATTEMPTS = 5
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_REMOVED = (
    "password, second factor and sessions, and API tokens and invitations that were made, for nobody had "
    "proved the address"
)

log = structlog.get_logger()


class Found(NamedTuple):
    """The user who it is, where it goes on to, and in which team it begins (None: in its oldest)."""

    user: StoredUser
    after: str
    team: int | None = None
    removed: tuple[str, ...] = ()
    """By what somebody else could have got in, for nobody had proved the address: to be told, once."""


async def find(having: Accounts, visitor: Visitor, identity: Identity, email: str, after: str) -> Found:
    """The user, linked from now on; raises Forbidden for whom nobody takes, or Conflict."""
    team: int | None = None
    removed: tuple[str, ...] = ()
    for _ in range(_ATTEMPTS):
        user = await _linked_to(having.redis, identity) or await users.find(having.redis, email)
        if user is None:
            joined = await _joined(having, visitor, identity, email, after)
            if joined:
                after = f"/t/{joined}"
                continue
        elif _is_linked(user, identity):
            return Found(user, after, team, removed)
        done = await _linked(having, visitor, identity, email, user)
        match done:
            case "other":
                raise Forbidden(_OTHER.format(email))
            case "gone":
                log.error("oidc_team_missing", team=having.settings.oidc_team)
                raise Forbidden(_NO_TEAM)
            case int():
                log.info("identity_linked", user=done, is_new=user is None)
                removed = _ways_in(user)
                team = await _team_that_took(having, done) if removed else None
    raise Conflict("The user was changed at the same moment; sign in again.")


def _ways_in(user: StoredUser | None) -> tuple[str, ...]:
    """By what somebody could get in as a user whose address nobody has proved, in words."""
    if user is None or user.has_proved_email:
        return ()
    ways = ((user.password, "the password"), (user.totp, "the second factor"))
    return tuple(words for is_set, words in ways if is_set)


async def _linked_to(redis: Redis, identity: Identity) -> StoredUser | None:
    """The user who is linked to the identity."""
    found = await accounts.find_linked(
        redis, identity=_digest(identity), issuer=identity.issuer, subject=identity.subject
    )
    return await users.get(redis, found) if found else None


def _is_linked(user: StoredUser, identity: Identity) -> bool:
    return (user.issuer, user.subject) == (identity.issuer, identity.subject)


def _digest(identity: Identity) -> str:
    return digest_of(f"{identity.issuer}\n{identity.subject}")


async def _joined(
    having: Accounts, visitor: Visitor, identity: Identity, email: str, after: str
) -> int | None:
    """The team that somebody new joined by the invitation that it came from, if that is for its address."""
    code = JOIN.fullmatch(after)
    if not code:
        return None
    try:
        return await joining.join_by_provider(having, visitor, code[1], email=email, name=_name(identity))
    except NotFound:
        return None


async def _linked(
    having: Accounts, visitor: Visitor, identity: Identity, email: str, user: StoredUser | None
) -> int | str:
    """The user's id, or why it was not linked; raises Forbidden for somebody whom no team takes.

    Who finds its address taken by somebody else becomes a member of the team that takes who is new.
    """
    if user is None and not having.settings.oidc_team:
        raise Forbidden(_NOBODY.format(email))
    joins = await _team_of_new(having) if user is None or _ways_in(user) else None
    team = await sign_in.team_of(having, user.id) if user else joins
    is_told = bool(team or joins)
    written = visitor.write("link-identity" if user else "create-user", email, _said(identity, email, user))
    return await accounts.link_identity(
        having.redis,
        identity=_digest(identity),
        issuer=identity.issuer,
        subject=identity.subject,
        user=user.id if user else None,
        version=user.version if user else None,
        team=team,
        joins=joins,
        email=key_of(email),
        email_given=email,
        name=_name(identity),
        now_ms=await having.now_ms(),
        write=written if is_told else OURS,
    )


def _said(identity: Identity, email: str, user: StoredUser | None) -> str:
    """What the trail says of it."""
    who = {"issuer": identity.issuer, "subject": identity.subject}
    if user is None:
        who = {"email": email, "role": "member", **who}
    elif _ways_in(user):
        who = {"removed": _REMOVED, **who}
    return audit.made(**who)


async def _team_of_new(having: Accounts) -> int | None:
    name = having.settings.oidc_team
    found = await having.redis.hget(account_keys.teams(), name) if name else None  # type: ignore[misc]
    return int(found) if found else None


async def _team_that_took(having: Accounts, user: int) -> int | None:
    """The team that takes who is new, if the user is in it."""
    team = await _team_of_new(having)
    is_member = team and await having.redis.exists(account_keys.member(team, user))
    return team if is_member else None


def _name(identity: Identity) -> str:
    """What the provider calls the user, as far as it may be a name here."""
    return _UNPRINTABLE.sub("", identity.name).strip()[:MOST_NAME] if isinstance(identity.name, str) else ""


_OTHER = (
    "{} belongs to a user who signs in as somebody else at the provider; ask whoever runs Recuro for "
    "`recuro user reset --single-sign-on`"
)
_NO_TEAM = "The team of RECURO_OIDC_TEAM has no owner or is none; ask whoever runs Recuro"
_NOBODY = "Nobody has the address {} here; open the link of an invitation, and join by that"
