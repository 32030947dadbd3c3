import pytest

from services.worker.delivery import Exchange
from services.worker.retry import decide
from services.worker.work import Complete, Dead, Fail, Retry, Verdict
from shared.schemas.queues import QueueSettings
from shared.schemas.runs import FailureReason

TWO_RETRIES = QueueSettings(retry_delays=(5, 60))


def ended(reason: FailureReason | None) -> Exchange:
    return Exchange(
        response_status=None,
        response_headers=(),
        response_body=None,
        response_truncated=False,
        duration_ms=1,
        error_message=None,
        failure_reason=reason,
        started_at_ms=0,
        executed_at_ms=1,
    )


@pytest.mark.parametrize(
    ("settings", "attempt", "verdict"),
    [
        (TWO_RETRIES, 1, Retry(5)),
        (TWO_RETRIES, 2, Retry(60)),
        (TWO_RETRIES, 3, Dead()),
        (QueueSettings(retry_delays=()), 1, Dead()),
        (QueueSettings(retries_enabled=False), 1, Fail()),
        (None, 1, Fail()),
    ],
)
def test_a_failure_is_retried_while_the_queue_says_so(
    settings: QueueSettings | None, attempt: int, verdict: Verdict
) -> None:
    assert decide(ended(FailureReason.TIMEOUT), settings, attempt) == verdict


@pytest.mark.parametrize("settings", [TWO_RETRIES, None])
def test_a_success_completes(settings: QueueSettings | None) -> None:
    assert decide(ended(None), settings, attempt=1) == Complete()
