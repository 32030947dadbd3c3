"""Whether a code of a user's second factor is right, each once."""

from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts
from shared.errors import Invalid, TooManyAttempts, Unauthenticated
from shared.security import second_factor
from shared.security.tokens import digest_of
from shared.store.transitions import accounts

MILLISECONDS = 1000
CODE_DIGITS = 6
_WRONG = "The code field must be the code that your app shows now, or a recovery code; each counts once."


async def prove(having: Accounts, user: StoredUser, code: str, *, pending: str | None = None) -> None:
    """Take the code; raises Invalid, TooManyAttempts, or Unauthenticated if `pending` is over."""
    now = await having.now()
    plain = "".join(code.split())
    step = recovery = None
    if plain.isdecimal() and len(plain) == CODE_DIGITS:
        secret = having.vault.open(user.totp, *second_factor.place(user.id))
        step = second_factor.step_of(secret, plain, now)
    else:
        recovery = second_factor.digest_of(code)
    said = await accounts.prove_code(
        having.redis,
        user=user.id,
        code_step=step,
        recovery=recovery,
        link=digest_of(pending) if pending else None,
        now_ms=round(now.timestamp() * MILLISECONDS),
    )
    match said:
        case "right":
            return
        case "wrong":
            raise Invalid("code", _WRONG)
        case "gone":
            raise over()
        case _:
            raise TooManyAttempts(said / MILLISECONDS)


def over() -> Unauthenticated:
    """A sign-in that waited too long for its code, or was tried too often."""
    return Unauthenticated("The sign-in is over; begin anew with your password")
