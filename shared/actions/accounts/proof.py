"""What a session alone must not do: its user proves again that it is them."""

from shared.actions.accounts import codes, users
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, Invalid
from shared.security.sessions import Signed
from shared.store import account_keys

FRESH_MINUTES = 10
"""For so long a sign-in proves who it is, of a user without a password."""
STALE = (
    f"You have no password, and signed in more than {FRESH_MINUTES} minutes ago. "
    "Sign out, sign in again, and do it within that time."
)


async def by_password(having: Accounts, visitor: Visitor, signed: Signed, current: str) -> StoredUser:
    """The user, by its password; without one by a sign-in of under 10 minutes ago.

    Raises Invalid, Forbidden, or TooManyAttempts.
    """
    user = await users.get(having.redis, signed.user)
    if not user.password:
        await check_fresh(having, signed)
        return user
    having.brakes.take(visitor.address, f"user {user.id}")
    if not await having.passwords.is_right(user.password, current):
        raise Invalid("current", "The current field must be your password as it is now.")
    having.brakes.give_back(visitor.address, f"user {user.id}")
    return user


async def by_both(
    having: Accounts, visitor: Visitor, signed: Signed, *, current: str, code: str
) -> StoredUser:
    """The same, and then by a code of its second factor, which counts once; raises Conflict without one."""
    user = await by_password(having, visitor, signed, current)
    if not user.totp:
        raise Conflict("There is no second factor.")
    having.brakes.take(visitor.address, f"user {user.id}")
    await codes.prove(having, user, code)
    having.brakes.give_back(visitor.address, f"user {user.id}")
    return user


async def check_fresh(having: Accounts, signed: Signed) -> None:
    """Raise Forbidden unless the session was opened less than 10 minutes ago."""
    if not await is_fresh(having, signed):
        raise Forbidden(STALE)


async def is_fresh(having: Accounts, signed: Signed) -> bool:
    created = await having.redis.hget(account_keys.session(signed.session), "created")  # type: ignore[misc]
    return created is not None and await having.now_ms() - int(created) < FRESH_MINUTES * 60_000
