"""What became of a request."""

from typing import NamedTuple

from services.worker.http.outgoing import Outgoing
from services.worker.http.phases import Phases
from shared.schemas.runs import FailureReason, FailureStage


class Exchange(NamedTuple):
    """What became of it: no `failure_reason` means a 2xx as asserted; header names are in lower case."""

    response_status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: str | None
    response_truncated: bool
    duration_ms: int
    error_message: str | None
    failure_reason: FailureReason | None
    started_at_ms: int
    executed_at_ms: int
    failure_stage: FailureStage | None = None
    sent: Outgoing | None = None
    """The request, if it went out."""
    phases: Phases | None = None
    """Where its time went; none if it never came to a connection."""
    asked_wait_seconds: int | None = None
    """How long the target wants no request, where its `Retry-After` does not say it as RFC 9110 does."""


def unsent(reason: FailureReason, sentence: str, now_ms: int) -> Exchange:
    """What became of a request that was never made."""
    return without_response(reason, sentence, now_ms, 0)


def without_response(
    reason: FailureReason | None, sentence: str | None, started_at_ms: int, duration_ms: int
) -> Exchange:
    """What became of what is answered by nothing that is kept."""
    return Exchange(
        response_status=None,
        response_headers=(),
        response_body=None,
        response_truncated=False,
        duration_ms=duration_ms,
        error_message=sentence,
        failure_reason=reason,
        started_at_ms=started_at_ms,
        executed_at_ms=started_at_ms + duration_ms,
    )
