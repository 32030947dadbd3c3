"""One piece of work, from request to result."""

import logging
import time

import structlog
from pydantic_core import to_json

from services.worker.delivery import Exchange
from services.worker.notices import notice_of
from services.worker.reach import Reach
from services.worker.requests import request_of
from services.worker.retry import decide
from services.worker.signing import signed
from services.worker.work import Complete, Release, Result, Verdict, Work
from shared.errors import NotFound
from shared.schemas.runs import FailureReason
from shared.store import AWAY
from shared.vault import Unsealable

LAST_RESPONSE_CHARACTERS = 4096

log = structlog.get_logger()


async def process(work: Work, reach: Reach) -> Result:
    """Send, decide, and say how it ended; only a cancellation is raised."""
    try:
        exchange = await _send(work, reach)
    except NotFound:  # what the notice tells of was deleted, and nobody is told
        return Result(work, Complete())
    except AWAY:
        return Result(work, Release())
    verdict = decide(exchange, work.settings, work.attempt)
    if log.is_enabled_for(logging.INFO):  # asked, for to be told no costs more
        _tell(work, verdict, exchange)
    response = (exchange.response_body or "")[:LAST_RESPONSE_CHARACTERS] if work.kind == "e" else ""
    return Result(work, verdict, run_of(exchange, work.attempt), response)


def _tell(work: Work, verdict: Verdict, exchange: Exchange) -> None:
    log.info(
        "run",
        work=work.key,
        queue=work.queue,
        attempt=work.attempt,
        verdict=type(verdict).__name__.lower(),
        status=exchange.response_status,
        reason=exchange.failure_reason,
        duration_ms=exchange.duration_ms,
    )


async def _send(work: Work, reach: Reach) -> Exchange:
    try:
        outgoing = await notice_of(reach.redis, work) if work.kind == "n" else request_of(work, reach.vault)
        return await reach.sender.send(signed(outgoing, work, reach.vault))
    except (NotFound, *AWAY):
        raise
    except Unsealable as error:
        log.error("secret_not_opened", work=work.key)
        return _not_made(str(error))
    except Exception:  # ours to mend, yet the job must end and say so
        log.exception("request_not_made", work=work.key)
        return _not_made("Recuro could not make this request; the worker's log says why.")


def _not_made(sentence: str) -> Exchange:
    now = round(time.time() * 1000)
    return Exchange(
        response_status=None,
        response_headers=(),
        response_body=None,
        response_truncated=False,
        duration_ms=0,
        error_message=sentence,
        failure_reason=FailureReason.UNKNOWN,
        started_at_ms=now,
        executed_at_ms=now,
    )


def run_of(exchange: Exchange, attempt: int) -> str:
    """The run as stored: `shared.schemas.runs.STORED` in this order, without a failure that was none."""
    run = [
        attempt,
        exchange.response_status,
        exchange.duration_ms,
        exchange.started_at_ms,
        exchange.response_body,
        dict(exchange.response_headers),
        exchange.response_truncated,
    ]
    if exchange.failure_reason is not None:
        run += [exchange.failure_reason, exchange.error_message]
    return to_json(run).decode()
