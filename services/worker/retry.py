"""What becomes of a job after its request: complete, retry, dead letter or plain failure (spec §3)."""

from services.worker.delivery import Exchange
from services.worker.work import Complete, Dead, Fail, Retry, Verdict
from shared.schemas.queues import QueueSettings


def decide(exchange: Exchange, settings: QueueSettings | None, attempt: int) -> Verdict:
    """The verdict on attempt number `attempt`, from 1; an execution (no settings) is never retried."""
    if exchange.failure_reason is None:
        return Complete()
    if settings is None or not settings.retries_enabled:
        return Fail()
    if attempt > len(settings.retry_delays):
        return Dead()
    return Retry(settings.retry_delays[attempt - 1])
