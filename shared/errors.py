"""What can go wrong for a caller; each interface translates these errors once."""

import math


class RecuroError(Exception):
    """The caller can mend it: `str(error)` says what is wrong, `hint` what to do."""

    hint = ""


HOW_TO_GET_ONE = (
    "An admin of the team makes tokens (POST /api/tokens, or Settings → API), an operator with "
    "`recuro token create`."
)


class Unauthenticated(RecuroError):
    """There is no token, or it is not known here; a hint tells no more of one that is not."""

    hint = f"It may be mistyped, deleted or regenerated: send another one. {HOW_TO_GET_ONE}"


class NoToken(Unauthenticated):
    """The call came without one."""

    hint = f'Send one as the header "Authorization: Bearer <token>". {HOW_TO_GET_ONE}'

    def __init__(self) -> None:
        super().__init__("Missing authorization token")


class Ended(Unauthenticated):
    """The token is known, and is good for nothing any more: what it was good for has ended."""

    hint = f"Use another one. {HOW_TO_GET_ONE}"


class TooManyGuesses(RecuroError):
    """The token is not known here yet, and too many wrong ones came from the same address."""

    hint = "Wait as long as the Retry-After header says. A token that was right before is not braked."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("Too many invalid authorization tokens came from your address; wait before the next")
        self.wait_seconds = math.ceil(wait_seconds)


class TooManyAttempts(TooManyGuesses):
    """Too many wrong passwords or codes came from one address, or for one user."""

    hint = "Wait as long as the Retry-After header says."

    def __init__(self, wait_seconds: float) -> None:
        RecuroError.__init__(self, "Too many attempts to sign in failed; wait before the next")
        self.wait_seconds = math.ceil(wait_seconds)


class Forbidden(RecuroError):
    """The token is good but its scopes or its limits do not cover the call.

    `reason` is what of it does not, in a word; `field` is set where one field of the request names it.
    """

    def __init__(self, sentence: str, reason: str = "scope", field: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.field = reason, field
        self.hint = _WAYS.get(reason, _WIDER)


_WIDER = "Use a token without this limit; one with the admin scope can change limits."
_WAYS = {
    "scope": f"Use a token with the needed scope. {HOW_TO_GET_ONE}",
    "owner": "Ask the owner, whom GET /api/team names, or use a token that an operator made.",
    "people": HOW_TO_GET_ONE,
    "readonly": "Connect to /mcp, with a token that may write, to change something.",
}


class ProviderAway(RecuroError):
    """The provider by which people sign in does not answer, or not as one does."""

    hint = "Try again in a moment; the log says what is wrong with it."

    def __init__(self, name: str) -> None:
        super().__init__(f"The provider of {name} does not answer as it should")


class TooManyCalls(RecuroError):
    """The token has used up its calls or runs of the hour or the day; nothing was done."""

    def __init__(self, sentence: str, reason: str, wait_seconds: float) -> None:
        super().__init__(sentence)
        self.reason, self.wait_seconds = reason, math.ceil(wait_seconds)
        self.hint = f"Wait {self.wait_seconds} s, or use a token with a wider limit."


class TooManyWaits(RecuroError):
    """So many requests wait for an end in this process that no more may; nothing was done."""

    hint = "Ask again in a moment as the Retry-After header says, or without wait, which is always answered."
    wait_seconds = 1


class NotFound(RecuroError):
    """The caller's team has no such record."""

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun} not found")
        self.hint = f"Use list-{noun.lower()}s to find valid ids."


class Conflict(RecuroError):
    """Somebody else has the name, or changed the record first."""


class Stale(RecuroError):
    """The caller wanted to change it only as it was before."""

    def __init__(self) -> None:
        super().__init__("Precondition failed")

    hint = (
        "It was changed since you read it: read it again, and send the ETag of that answer with the change."
    )


class Damaged(RecuroError):
    """Its stored data cannot be used; nothing else is affected."""

    hint = "Ask whoever runs Recuro: `recuro doctor` names the record."

    def __init__(self, said: str, what: str = "What is stored of this") -> None:
        super().__init__(f"{what} is damaged: {said[:500].rstrip('.')}.")


class Invalid(RecuroError):
    """One field is wrong in a way that only the stored data shows."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Unfit(RecuroError):
    """This Redis must not be used as it is set up: `str(error)` names the setting and the remedy."""
