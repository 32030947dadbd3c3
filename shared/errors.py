"""What can go wrong for a caller; each door translates these once."""

import math


class RecuroError(Exception):
    """The caller's to mend: `str(error)` says what is wrong, `hint` what to do about it."""

    hint = ""


class Unauthenticated(RecuroError):
    """No token, or one that is not known here."""

    hint = "Make a token with `recuro token create`."


class TooManyGuesses(RecuroError):
    """The token is not known here yet, and too many wrong ones came from the same address."""

    hint = "Wait as long as the Retry-After header says. A token that was right before is not braked."

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("Too many invalid authorization tokens came from your address; wait before the next")
        self.wait_seconds = math.ceil(wait_seconds)


class Forbidden(RecuroError):
    """The token is good but its scopes do not cover the call."""

    hint = "Use a token with the needed scope."


class NotFound(RecuroError):
    """There is no such thing in the caller's team."""

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun} not found")
        self.hint = f"Use list-{noun.lower()}s to find valid ids."


class Conflict(RecuroError):
    """Somebody else has the name, or changed the record first."""


class Damaged(RecuroError):
    """What is stored of it cannot be used; nothing else is hurt."""

    hint = "Ask whoever runs Recuro: `recuro doctor` names the record."

    def __init__(self, said: str, what: str = "What is stored of this") -> None:
        super().__init__(f"{what} is damaged: {said[:500].rstrip('.')}.")


class Invalid(RecuroError):
    """One field is wrong in a way that only the store could tell."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Unfit(RecuroError):
    """This Redis must not be used as it is set up: `str(error)` names the setting and the remedy."""
