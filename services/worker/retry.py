"""What becomes of a job after its request: complete, retry, dead letter or plain failure (spec §3)."""

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

from pydantic_core import from_json

from services.worker.http.exchange import Exchange
from services.worker.work import Complete, Dead, Fail, Job, Notice, Retry, Verdict, Work
from shared import clock
from shared.schemas.queues import QueueSettings

LONGEST_WAIT_SECONDS = 24 * 3600
"""What a target may ask for at most."""
LONGEST_NOTICE_WAIT_SECONDS = 300
"""What the receiver of a notice may ask for at most: a failure of today is no news tomorrow."""
OF_NOTICES = QueueSettings(retry_delays=(5, 30, 300))
"""A callback has retries of its own: after 5 s, 30 s and 5 min (spec §3)."""
NO_RETRY_STATUSES = frozenset((410, 489))
NO_RETRY_HEADER = "recuro-no-retry"
_OWN_RETRIES = '"retry_delays":'


def decide(
    exchange: Exchange,
    settings: QueueSettings | None,
    attempt: int,
    longest_wait_seconds: int = LONGEST_WAIT_SECONDS,
) -> Verdict:
    """The verdict on attempt number `attempt`, from 1; an execution (no settings) is never retried.

    The target has a say: it may ask for a later retry with `Retry-After`, or for none at all.
    """
    if exchange.failure_reason is None:
        return Complete()
    if settings is None or not settings.retries_enabled:
        return Fail()
    if attempt > len(settings.retry_delays) or _wants_no_retry(exchange):
        return Dead()
    wait = min(retry_after_seconds(exchange), longest_wait_seconds)
    return Retry(max(settings.retry_delays[attempt - 1], wait))


def settings_of(work: Work) -> QueueSettings | None:
    """Its queue's settings, with the retries of the job itself; nothing for an execution."""
    if isinstance(work, Job):
        settings = work.settings
        return _with_own_retries(settings, work.spec) if settings and _OWN_RETRIES in work.spec else settings
    return OF_NOTICES if isinstance(work, Notice) else None


def _with_own_retries(settings: QueueSettings, spec: str) -> QueueSettings:
    try:
        own = from_json(spec).get("retry_delays")
    except (ValueError, AttributeError):  # which its request will say
        return settings
    if not isinstance(own, list):
        return settings
    return settings.model_copy(update={"retries_enabled": True, "retry_delays": tuple(own)})


def longest_wait_of(work: Work) -> int:
    """Seconds, how much later at most it is tried again because its target asks for that."""
    return LONGEST_NOTICE_WAIT_SECONDS if isinstance(work, Notice) else LONGEST_WAIT_SECONDS


def _wants_no_retry(exchange: Exchange) -> bool:
    said = _header(exchange, NO_RETRY_HEADER)
    return exchange.response_status in NO_RETRY_STATUSES or said.lower() == "true"


def retry_after_seconds(exchange: Exchange) -> int:
    """Seconds, a day at most, that `Retry-After` asks for (RFC 9110, 10.2.3); 0 if nobody can read it."""
    if exchange.asked_wait_seconds is not None:
        return min(exchange.asked_wait_seconds, LONGEST_WAIT_SECONDS)
    said = _header(exchange, "retry-after")
    if said.isascii() and said.isdigit():
        return min(int(said[:9]), LONGEST_WAIT_SECONDS)
    until_ms = _milliseconds_of(said)
    if until_ms is None:
        return 0
    now_ms = _milliseconds_of(_header(exchange, "date"))
    # Who says a moment means it by a clock of its own, perhaps hours from ours: that of `Date`.
    if now_ms is None or until_ms - now_ms > LONGEST_WAIT_SECONDS * 1000:
        now_ms = exchange.executed_at_ms
    return max(0, min(math.ceil((until_ms - now_ms) / 1000), LONGEST_WAIT_SECONDS))


def _milliseconds_of(date: str) -> int | None:
    """Of an HTTP date, which is in GMT whatever it says or leaves out; nothing if nobody can read it."""
    try:
        return clock.milliseconds(parsedate_to_datetime(date).replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _header(exchange: Exchange, name: str) -> str:
    return next((value for given, value in exchange.response_headers if given == name), "")
