"""Signing in: by a password or a link, with a code where the user has a second factor."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from shared import clock
from shared.actions.accounts import codes, links, users
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, NotFound, Unauthenticated
from shared.schemas.accounts.users import MOST_EMAIL, key_of
from shared.security.sessions import new_secret
from shared.security.tokens import digest_of
from shared.store import account_keys
from shared.store.transitions import Setting, accounts

CLIENT_CHARACTERS = 200
_CHANGED = "The user was changed at the same moment; sign in again."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the browser gets; nothing else opens the session."""

    user: int
    session: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password was right; `pending` and a code of the second factor open the session."""

    pending: str = field(repr=False)


async def with_password(
    having: Accounts, visitor: Visitor, email: str, password: str
) -> SignedIn | CodeNeeded:
    """Raises Unauthenticated, in the same time and words for whoever is not known, or TooManyAttempts."""
    key = key_of(email)
    having.brakes.take(visitor.address, f"email {key}")
    user = await users.find(having.redis, key) if len(key) <= MOST_EMAIL else None
    is_right = await having.passwords.is_right(user.password if user else None, password)
    if user is None or not is_right:
        log.warning("sign_in_failed", user=user.id if user else None, address=visitor.address)
        raise Unauthenticated("The e-mail address or the password is wrong")
    having.brakes.give_back(visitor.address, f"email {key}")
    return await proceed(having, visitor, await _rehashed(having, user, password))


async def with_link(having: Accounts, visitor: Visitor, code: str) -> SignedIn | CodeNeeded:
    """By a link that somebody was given, once; raises NotFound, or TooManyAttempts."""
    having.brakes.take_link(visitor.address, code)
    user = await users.get(having.redis, await links.look(having.redis, Purpose.SIGN_IN, code))
    await links.take(having.redis, Purpose.SIGN_IN, code)
    return await proceed(having, visitor, user)


async def with_code(having: Accounts, visitor: Visitor, pending: str, code: str) -> SignedIn:
    """The second step: a code of the app, or a recovery code.

    Raises Invalid for a wrong one, TooManyAttempts, or Unauthenticated if the first step is to be repeated.
    """
    having.brakes.take(visitor.address)
    try:
        user = await users.get(having.redis, await links.look(having.redis, Purpose.CODE, pending))
    except NotFound:
        raise codes.over() from None
    await codes.prove(having, user, code, pending=pending)
    having.brakes.give_back(visitor.address)
    return await opened(having, visitor, user)


async def proceed(
    having: Accounts, visitor: Visitor, user: StoredUser, team: int | None = None
) -> SignedIn | CodeNeeded:
    """Who has shown one factor is in, or is asked for the other.

    The user as it was read before that: raises Conflict if it changed meanwhile.
    """
    if not user.totp:
        return await opened(having, visitor, user, team)
    try:
        return CodeNeeded(await links.make(having.redis, Purpose.CODE, user.id, version=user.version))
    except NotFound:
        raise Conflict(_CHANGED) from None


async def opened(having: Accounts, visitor: Visitor, user: StoredUser, team: int | None = None) -> SignedIn:
    """A new session, in place of what the browser brought; raises Conflict if the user changed meanwhile.

    It begins in the team, or else in the oldest one of the user.
    """
    secret, now = new_secret(), await having.now()
    expires_at = now + timedelta(days=having.settings.session_days)
    before = digest_of(visitor.session) if visitor.session else None
    is_open = await accounts.open_session(
        having.redis,
        session=digest_of(secret),
        before=before,
        user=user.id,
        version=user.version,
        team=team or await team_of(having, user.id),
        address=visitor.address,
        client=visitor.client[:CLIENT_CHARACTERS],
        expires=clock.milliseconds(expires_at),
        now_ms=clock.milliseconds(now),
    )
    if not is_open:
        raise Conflict(_CHANGED)
    if before:
        having.sessions.forget(before)
    log.info("signed_in", user=user.id, address=visitor.address)
    return SignedIn(user.id, secret, expires_at)


async def team_of(having: Accounts, user: int) -> int | None:
    """The team in which a session begins: the oldest of the user's that is not deleted."""
    for team in sorted(map(int, await having.redis.smembers(account_keys.member_of(user)))):  # type: ignore[misc]
        if not await having.redis.hexists(account_keys.team(team), "deleted"):  # type: ignore[misc]
            return team
    return None


async def _rehashed(having: Accounts, user: StoredUser, password: str) -> StoredUser:
    """The user, with a hash of today's parameters; as it was read, if it changed since then."""
    if not having.passwords.is_outdated(user.password):
        return user
    stored = await having.passwords.hashed(password)
    version = await accounts.change_user(
        having.redis, [Setting("password", stored)], user=user.id, version=user.version
    )
    return replace(user, password=stored, version=version) if version else user
