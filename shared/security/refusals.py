"""How many calls were refused to whoever made them, and why: they leave no line in the audit trail."""

from prometheus_client import Counter

from shared.errors import (
    Forbidden,
    RecuroError,
    TooManyAttempts,
    TooManyCalls,
    TooManyGuesses,
    Unauthenticated,
)

REFUSED = Counter(
    "recuro_calls_refused_total",
    "Calls that were refused to whoever made them: without a good token, or beyond its scopes and limits",
    ["reason"],
)


def count(error: RecuroError) -> None:
    """Count a refusal by its reason; nothing else that goes wrong for a caller is one."""
    if reason := _reason_of(error):
        REFUSED.labels(reason).inc()


def _reason_of(error: RecuroError) -> str | None:
    match error:
        case Forbidden() | TooManyCalls():
            return error.reason
        case TooManyAttempts():
            return "attempts"
        case TooManyGuesses():
            return "guesses"
        case Unauthenticated():
            return "unauthenticated"
    return None
