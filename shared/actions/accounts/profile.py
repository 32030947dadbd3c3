"""What a user can do to itself: name, password, second factor. What proves it is asked for again."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.actions import audit
from shared.actions.accounts import codes, sign_in, users
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Invalid
from shared.schemas.accounts.users import User, UserSetUp, key_of
from shared.security import passwords, second_factor
from shared.security.sessions import Signed
from shared.store import connection
from shared.store.transitions import Setting, accounts
from shared.store.writes import Write

_BUSY = "The user was changed at the same moment; try again."


class NewSecondFactor(NamedTuple):
    """The secret for the app, shown once, and the address that a QR code has of it."""

    secret: str
    address: str


class Protected(NamedTuple):
    """The session after the change, and the recovery codes, which are shown once."""

    signed_in: SignedIn
    recovery_codes: Sequence[str]


async def get(having: Accounts, signed: Signed) -> User:
    return (await users.get(having.redis, signed.user)).shown()


async def rename(having: Accounts, visitor: Visitor, signed: Signed, name: str) -> User:
    """Set what to call the user."""
    user = await users.get(having.redis, signed.user)
    before = user.shown()
    renamed = audit.changes(before, before.model_copy(update={"name": name.strip()}))
    write = having.write(visitor, signed, "rename-user", renamed)
    await _change(having, signed, user, [Setting("name", name.strip())], write)
    having.sessions.forget(signed.session)
    return await get(having, signed)


async def set_up(having: Accounts, visitor: Visitor, signed: Signed, wanted: UserSetUp) -> SignedIn:
    """Give a user who cannot sign in again all that it needs for that; this browser gets a new session.

    Raises Invalid, or Conflict for one who has a password, or an address that a provider has verified.
    """
    user = await users.get(having.redis, signed.user)
    if user.is_set_up:
        raise Conflict("You can sign in again already; see your page.")
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
        raise Conflict(_BUSY)
    having.sessions.forget(signed.session)
    return await sign_in.opened(having, visitor, await users.get(having.redis, user.id))


async def change_password(
    having: Accounts, visitor: Visitor, signed: Signed, current: str, wanted: str
) -> SignedIn:
    """Set another password: all sessions end, and this browser gets a new one. Raises Invalid."""
    user = await users.get(having.redis, signed.user)
    having.brakes.take(visitor.address, f"user {user.id}")
    if not await having.passwords.is_right(user.password, current):
        raise Invalid("current", "The current field must be your password as it is now.")
    having.brakes.give_back(visitor.address, f"user {user.id}")
    passwords.check(wanted, user.email, user.name)
    change = [Setting("password", await having.passwords.hashed(wanted))]
    return await _change_and_open(
        having, visitor, signed, user=user, operation="change-password", changes=change
    )


async def begin_second_factor(having: Accounts, signed: Signed) -> NewSecondFactor:
    """A secret for an app; nothing is asked for until a code confirms it."""
    user = await users.get(having.redis, signed.user)
    if user.totp:
        raise Conflict("A second factor is set already; remove it first.")
    secret = second_factor.new_secret()
    sealed = having.vault.seal(secret, *second_factor.place(user.id))
    if not await accounts.change_user(
        having.redis, [Setting("totp_new", sealed)], user=user.id, version=user.version
    ):
        raise Conflict(_BUSY)
    return NewSecondFactor(secret, second_factor.address_of(secret, user.email))


async def confirm_second_factor(having: Accounts, visitor: Visitor, signed: Signed, code: str) -> Protected:
    """Ask for codes from now on, if the app shows the right one; all sessions end but a new one."""
    user = await users.get(having.redis, signed.user)
    if not user.totp_new:
        raise Conflict("No second factor was begun; begin anew.")
    having.brakes.take(visitor.address, f"user {user.id}")
    secret = having.vault.open(user.totp_new, *second_factor.place(user.id))
    step = second_factor.step_of(secret, code, await having.now())
    if step is None:
        raise Invalid("code", "The code field must be the code that your app shows now.")
    having.brakes.give_back(visitor.address, f"user {user.id}")
    fresh = second_factor.new_recovery_codes()
    changes = [
        Setting("totp", user.totp_new),
        Setting("totp_new", None),
        Setting("totp_step", step),
        _kept(fresh),
    ]
    opened = await _change_and_open(
        having, visitor, signed, user=user, operation="add-second-factor", changes=changes
    )
    return Protected(opened, fresh)


async def remove_second_factor(having: Accounts, visitor: Visitor, signed: Signed, code: str) -> SignedIn:
    """Ask for no more codes, by a last one; all sessions end but a new one."""
    user = await _proved(having, visitor, signed, code)
    gone = ("totp", "totp_new", "totp_step", "recovery")
    changes = [Setting(name, None) for name in gone]
    return await _change_and_open(
        having, visitor, signed, user=user, operation="remove-second-factor", changes=changes
    )


async def renew_recovery_codes(having: Accounts, visitor: Visitor, signed: Signed, code: str) -> Protected:
    """Ten other recovery codes in place of those before, by a code."""
    user = await _proved(having, visitor, signed, code)
    fresh = second_factor.new_recovery_codes()
    opened = await _change_and_open(
        having, visitor, signed, user=user, operation="renew-recovery-codes", changes=[_kept(fresh)]
    )
    return Protected(opened, fresh)


async def _proved(having: Accounts, visitor: Visitor, signed: Signed, code: str) -> StoredUser:
    """The user, by a code of the second factor; raises as `codes.prove`, or Conflict without one."""
    user = await users.get(having.redis, signed.user)
    if not user.totp:
        raise Conflict("There is no second factor.")
    having.brakes.take(visitor.address, f"user {user.id}")
    await codes.prove(having, user, code)
    having.brakes.give_back(visitor.address, f"user {user.id}")
    return user


def _kept(recovery_codes: Sequence[str]) -> Setting:
    return Setting("recovery", ",".join(map(second_factor.digest_of, recovery_codes)))


async def _change_and_open(
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
    await _change(having, signed, user, changes, write, ends_sessions=True)
    having.sessions.forget(signed.session)
    with connection.begun():
        return await sign_in.opened(having, visitor, await users.get(having.redis, user.id))


async def _change(
    having: Accounts,
    signed: Signed,
    user: StoredUser,
    changes: Sequence[Setting],
    write: Write,
    *,
    ends_sessions: bool = False,
) -> None:
    """Raises Conflict if the user changed since it was read."""
    if not await accounts.change_user(
        having.redis,
        changes,
        user=user.id,
        version=user.version,
        ends_sessions=ends_sessions,
        team=signed.team.id if signed.team else None,
        write=write,
    ):
        raise Conflict(_BUSY)
