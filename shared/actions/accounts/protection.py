"""The second factor of a user: offered, confirmed with its recovery codes, renewed, removed.

What is offered counts only once the user has confirmed it, and has seen it before: recovery codes that
count are never lost with an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.actions.accounts import proof, users
from shared.actions.accounts.profile import change, change_and_open
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Invalid
from shared.security import second_factor
from shared.security.sessions import Signed
from shared.store.transitions import Setting

_ANOTHER = "Another one was begun since this page was opened; begin anew."


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page shows once: recovery codes, and of a new factor the secret for the app."""

    codes: Sequence[str] = field(repr=False)
    secret: str = field(default="", repr=False)


async def begin(having: Accounts, visitor: Visitor, signed: Signed, current: str) -> Offer:
    """Offer a secret and recovery codes; nothing counts until `confirm`.

    Raises as `proof`, or Conflict.
    """
    user = await proof.by_password(having, visitor, signed, current)
    if user.totp:
        raise Conflict("A second factor is set already; remove it first.")
    offer = Offer(second_factor.new_recovery_codes(), second_factor.new_secret())
    sealed = having.vault.seal(offer.secret, *second_factor.place(user.id))
    changes = [Setting("totp_new", sealed), Setting("recovery_new", _digests(offer.codes))]
    write = having.write(visitor, signed, "begin-second-factor")
    await change(having, signed, user, changes, write)
    return offer


async def confirm(having: Accounts, visitor: Visitor, signed: Signed, offer: Offer, code: str) -> SignedIn:
    """Ask for codes from now on, if the app shows the right one; all sessions end but a new one.

    Raises Invalid, and Conflict if something else was offered since.
    """
    user = await users.get(having.redis, signed.user)
    if not user.totp_new:
        raise Conflict("No second factor was begun; begin anew.")
    secret = having.vault.open(user.totp_new, *second_factor.place(user.id))
    if secret != offer.secret:
        raise Conflict(_ANOTHER)
    _check_offered(user, offer)
    having.brakes.take(visitor.address, f"user {user.id}")
    step = second_factor.step_of(secret, code, await having.now())
    if step is None:
        raise Invalid("code", "The code field must be the code that your app shows now.")
    having.brakes.give_back(visitor.address, f"user {user.id}")
    changes = [
        Setting("totp", user.totp_new),
        Setting("totp_new", None),
        Setting("totp_step", step),
        *_taken(user),
    ]
    return await change_and_open(
        having, visitor, signed, user=user, operation="add-second-factor", changes=changes
    )


async def remove(having: Accounts, visitor: Visitor, signed: Signed, *, current: str, code: str) -> SignedIn:
    """Ask for no more codes, by the password and a last one; all sessions end but a new one."""
    user = await proof.by_both(having, visitor, signed, current=current, code=code)
    gone = ("totp", "totp_new", "totp_step", "recovery", "recovery_new")
    changes = [Setting(name, None) for name in gone]
    return await change_and_open(
        having, visitor, signed, user=user, operation="remove-second-factor", changes=changes
    )


async def offer_codes(
    having: Accounts, visitor: Visitor, signed: Signed, *, current: str, code: str
) -> Offer:
    """Offer ten other recovery codes, by the password and a code; those before count until `take_codes`."""
    user = await proof.by_both(having, visitor, signed, current=current, code=code)
    offer = Offer(second_factor.new_recovery_codes())
    write = having.write(visitor, signed, "begin-recovery-codes")
    await change(having, signed, user, [Setting("recovery_new", _digests(offer.codes))], write)
    return offer


async def take_codes(having: Accounts, visitor: Visitor, signed: Signed, offer: Offer) -> SignedIn:
    """Put the recovery codes that were offered in the place of those before; all sessions end but a new one.

    Raises Conflict if others were offered since.
    """
    user = await users.get(having.redis, signed.user)
    if not user.totp:
        raise Conflict("There is no second factor.")
    _check_offered(user, offer)
    return await change_and_open(
        having, visitor, signed, user=user, operation="renew-recovery-codes", changes=_taken(user)
    )


def _digests(codes: Sequence[str]) -> str:
    return ",".join(map(second_factor.digest_of, codes))


def _check_offered(user: StoredUser, offer: Offer) -> None:
    """Raise Conflict unless these codes were offered last: nobody is to keep others than those that count."""
    if not user.recovery_new or user.recovery_new != _digests(offer.codes):
        raise Conflict(_ANOTHER)


def _taken(user: StoredUser) -> list[Setting]:
    return [Setting("recovery", user.recovery_new), Setting("recovery_new", None)]
