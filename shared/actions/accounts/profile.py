"""What a user can do to itself: its name, its password; and how what proves it is changed."""

from collections.abc import Sequence
from dataclasses import replace

from shared.actions import audit
from shared.actions.accounts import proof, sign_in, users
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Invalid
from shared.schemas.accounts.users import User, UserSetUp, key_of
from shared.security import passwords
from shared.security.sessions import Signed
from shared.store import connection
from shared.store.transitions import Setting, accounts
from shared.store.writes import Write

BUSY = "The user was changed at the same moment; try again."


async def get(having: Accounts, signed: Signed) -> User:
    return (await users.get(having.redis, signed.user)).shown()


async def rename(having: Accounts, visitor: Visitor, signed: Signed, name: str) -> User:
    """Set what to call the user."""
    user = await users.get(having.redis, signed.user)
    before = user.shown()
    renamed = audit.changes(before, before.model_copy(update={"name": name.strip()}))
    write = having.write(visitor, signed, "rename-user", renamed)
    await change(having, signed, user, [Setting("name", name.strip())], write)
    having.sessions.forget(signed.session)
    return await get(having, signed)


async def set_up(having: Accounts, visitor: Visitor, signed: Signed, wanted: UserSetUp) -> SignedIn:
    """Give a user who cannot sign in again all that it needs for that; this browser gets a new session.

    Raises Invalid, Conflict for one who has a password, or an address that a provider has verified, and
    Forbidden if the sign-in was too long ago.
    """
    user = await users.get(having.redis, signed.user)
    if user.is_set_up:
        raise Conflict("You can sign in again already; see your page.")
    await proof.check_fresh(having, signed)
    passwords.check(wanted.password, wanted.email, wanted.name)
    before, name = user.shown(), wanted.name.strip()
    after = before.model_copy(update={"email": wanted.email, "name": name, "has_password": True})
    done = await accounts.set_up_user(
        having.redis,
        user=user.id,
        version=user.version,
        email=key_of(wanted.email),
        email_given=wanted.email,
        name=name,
        password=await having.passwords.hashed(wanted.password),
        team=signed.team.id if signed.team else None,
        write=having.write(visitor, signed, "set-up-user", audit.changes(before, after)),
    )
    if done == "taken":
        raise Invalid("email", "The email field must be unique: another user has that address.")
    if done == "stale":
        raise Conflict(BUSY)
    having.sessions.forget(signed.session)
    with connection.begun():
        return await sign_in.opened(having, visitor, replace(user, version=done))


async def change_password(
    having: Accounts, visitor: Visitor, signed: Signed, current: str, wanted: str
) -> SignedIn:
    """Set another password: all sessions end, and this browser gets a new one. Raises as `proof`."""
    user = await proof.by_password(having, visitor, signed, current)
    passwords.check(wanted, user.email, user.name)
    changes = [Setting("password", await having.passwords.hashed(wanted))]
    return await change_and_open(
        having, visitor, signed, user=user, operation="change-password", changes=changes
    )


async def change_and_open(
    having: Accounts,
    visitor: Visitor,
    signed: Signed,
    *,
    user: StoredUser,
    operation: str,
    changes: Sequence[Setting],
) -> SignedIn:
    """Change what proves the user, end all sessions, and open one for this browser."""
    write = having.write(visitor, signed, operation)
    version = await change(having, signed, user, changes, write, ends_sessions=True)
    having.sessions.forget(signed.session)
    with connection.begun():  # of the user as it is by this change: of another since then none is opened
        return await sign_in.opened(having, visitor, replace(user, version=version))


async def change(
    having: Accounts,
    signed: Signed,
    user: StoredUser,
    changes: Sequence[Setting],
    write: Write,
    *,
    ends_sessions: bool = False,
) -> str:
    """The user's version from then on; raises Conflict if it changed since it was read.

    Raises Unauthenticated if the session has ended, though this process remembers it.
    """
    version = await accounts.change_user(
        having.redis,
        changes,
        user=user.id,
        version=user.version,
        ends_sessions=ends_sessions,
        team=signed.team.id if signed.team else None,
        write=write,
    )
    if version is None:
        raise Conflict(BUSY)
    return version
