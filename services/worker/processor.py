"""One piece of work, from request to result."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic_core import from_json, to_json
from redis.exceptions import ResponseError

from services.worker.context import Context
from services.worker.dispatch import send
from services.worker.http.exchange import Exchange, unsent
from services.worker.http.heads import Headers
from services.worker.http.outgoing import Outgoing
from services.worker.http.phases import Phases
from services.worker.http.response import KEPT_BYTES
from services.worker.masking import masked
from services.worker.notices.alerts import alert_notice
from services.worker.notices.callbacks import callback_of
from services.worker.permits import REFUSED_SECONDS, NotPermitted, SendPermit
from services.worker.redaction import redacted
from services.worker.requests import request_of
from services.worker.retry import decide, longest_wait_of, settings_of
from services.worker.signing import signed
from services.worker.targets import target_of
from services.worker.work import Complete, Execution, Job, Notice, Postpone, Release, Result, Verdict, Work
from shared.errors import NotFound
from shared.runtime.mail import Letter
from shared.schemas.runs import FailureReason
from shared.security import signing, vault
from shared.security.vault import Unsealable
from shared.store import stored
from shared.store.connection import AWAY

LAST_RESPONSE_CHARACTERS = 4096
FACT_CHARACTERS = 500

log = structlog.get_logger()


async def process(work: Work, context: Context) -> Result:
    """Send, decide, and say how it ended; only a cancellation is raised."""
    try:
        exchange = await _send(work, context)
    except NotFound:  # what the notice is about was deleted, and nothing is sent
        return Result(work, Complete())
    except ResponseError:  # Redis is there and refuses: at once it would do so again
        return Result(work, Postpone(REFUSED_SECONDS, "the storage to answer"))
    except NotPermitted as refusal:
        return Result(work, refusal.verdict, facts=refusal.why)
    except AWAY:
        return Result(work, Release())
    if isinstance(exchange, Postpone):
        reason = "counted" if exchange.is_counted else ""
        return Result(work, exchange, reason=reason, facts=exchange.why)
    verdict = decide(exchange, settings_of(work), work.attempt, longest_wait_of(work))
    if context.tells_runs:  # checked here, for a log line that is dropped costs more
        _tell(work, verdict, exchange)
    exchange = redacted(exchange)  # after the verdict, which may read what is not kept
    is_execution = isinstance(work, Execution)
    response = (exchange.response_body or "")[:LAST_RESPONSE_CHARACTERS] if is_execution else ""
    waited_ms = max(0, exchange.started_at_ms - work.due_ms)
    run = run_of(exchange, work, waited_ms, context.worker)
    target, took_ms = _target_of(work, exchange), exchange.duration_ms
    result = Result(work, verdict, run, response, waited_ms=waited_ms, took_ms=took_ms, target=target)
    if exchange.failure_reason is None:
        return result
    reason = f"{exchange.failure_reason} {exchange.response_status or ''}".strip()
    return result._replace(reason=reason, facts=facts_of(work, exchange))


def _target_of(work: Work, exchange: Exchange) -> str:
    """Where it went, without ids; of what went well only where that may end a problem."""
    if exchange.failure_reason is None and not (isinstance(work, Job) and work.is_watched):
        return ""
    return "" if isinstance(work, Notice) else target_of(_url_in(work.spec) or "")


def _tell(work: Work, verdict: Verdict, exchange: Exchange) -> None:
    log.info(
        "run",
        work=work.key,
        name=work.name,  # of the queue or the cron
        team=work.team,
        request_id=work.idempotency_key,
        host=_host_of(work, exchange),
        attempt=work.attempt,
        verdict=type(verdict).__name__.lower(),
        status=exchange.response_status,
        reason=exchange.failure_reason,
        duration_ms=exchange.duration_ms,
    )


def _host_of(work: Work, exchange: Exchange) -> str | None:
    """Where it went, without the rest of the URL: people write secrets into users, paths and queries."""
    url = exchange.sent.url if exchange.sent else _url_in(work.spec)
    try:
        return urlsplit(url).netloc.rpartition("@")[2] if url else None
    except ValueError:
        return None


async def _send(work: Work, context: Context) -> Exchange | Postpone:
    if isinstance(work, Job) and work.problem:
        return unsent(
            FailureReason.UNKNOWN, f"Its queue's settings cannot be used. {work.problem}", work.now_ms
        )
    try:
        outgoing = await _outgoing(work, context)
        if isinstance(outgoing, Letter):
            return await context.mailer.send(outgoing, SendPermit(work, context.redis))
        exchange = await send(signed(outgoing, work, context.vault), work, context)
        if isinstance(exchange, Postpone):
            return exchange
        return masked(exchange, outgoing, work, context)
    except (NotFound, NotPermitted, *AWAY):
        raise
    except Unsealable as error:
        log.error("secret_not_opened", work=work.key)
        return unsent(FailureReason.UNKNOWN, str(error), work.now_ms)
    except Exception:  # ours to mend, yet the job must end and say so
        log.exception("request_not_made", work=work.key)
        sentence = "Recuro could not make this request; the worker's log says why."
        return unsent(FailureReason.UNKNOWN, sentence, work.now_ms)


async def _outgoing(work: Work, context: Context) -> Outgoing | Letter:
    if not isinstance(work, Notice):
        return request_of(work, context.vault)
    if work.is_alert:
        return await alert_notice(work, context.redis, context.vault, context.public_url)
    return await callback_of(context.redis, work)


def facts_of(work: Work, exchange: Exchange) -> str:
    """What an alert says of a failure (`AlertData`); of a notice, only what went wrong."""
    if isinstance(work, Notice):
        return exchange.error_message or ""
    facts = {
        "url": _url_in(work.spec),
        "response_status": exchange.response_status,
        "failure_reason": exchange.failure_reason,
        "error_message": exchange.error_message,
        "response": (exchange.response_body or "")[:FACT_CHARACTERS],
    }
    if isinstance(work, Job) and (labels := _in_spec(work.spec, "labels")):
        facts["labels"] = labels
    return to_json(facts).decode()


def _url_in(spec: str) -> str | None:
    url = _in_spec(spec, "url")
    return None if url is None else str(url)


def _in_spec(spec: str, field: str) -> Any:
    """Nothing of what nobody can read, which failed for just that."""
    try:
        return from_json(spec)[field]
    except (ValueError, LookupError, TypeError):
        return None


def run_of(exchange: Exchange, work: Work, waited_ms: int, worker: str) -> str:
    """The run as stored: `shared.schemas.runs.STORED` in this order; what a job sends stands on the job."""
    sent = exchange.sent
    run: list[Any] = [
        work.attempt,
        exchange.response_status,
        exchange.duration_ms,
        exchange.started_at_ms,
        exchange.response_body,
        _gathered(_first_of(exchange.response_headers)),
        exchange.response_truncated,
        exchange.failure_reason,
        exchange.error_message,
        exchange.failure_stage,
        _masked(sent.headers, work) if sent else None,
    ]
    if isinstance(work, Notice):
        return stored.run(run)
    body = sent.body if sent and isinstance(work, Execution) else None
    run.append(body[:KEPT_BYTES].decode("utf-8", "replace") if body is not None else None)
    run.append(_packed(exchange.phases, waited_ms, worker) if exchange.phases else None)
    if sent and isinstance(work, Execution):
        run += [sent.method, sent.url]
        if body is not None and len(body) > KEPT_BYTES:
            run.append(True)
    return stored.run(run)


def _masked(headers: Mapping[str, str], work: Work) -> dict[str, str] | None:
    """Headers as sent, without their secrets and the signatures, which prove a request for minutes."""
    shown = vault.masked(headers)
    if shown and work.of_team.signing:
        shown.update((name, vault.MASK) for name in signing.SIGNATURES if name in shown)
    return shown


def _packed(phases: Phases, waited_ms: int, worker: str) -> list[int | str | None]:
    """In the order of `shared.schemas.runs.PHASES`."""
    dns, connect, tls, sent, first_byte, body, address, is_kept = phases
    packed = [waited_ms, sent, first_byte, body, worker, address]
    return packed if is_kept else [*packed, dns, connect, tls]


def _first_of(headers: Headers) -> Headers:
    """As many as are kept: a target may send four times that."""
    left = KEPT_BYTES
    for number, (name, value) in enumerate(headers):
        left -= len(name) + len(value)
        if left < 0:
            return headers[:number]
    return headers


def _gathered(headers: Headers) -> dict[str, str | list[str]]:
    """Headers by name, with all the values of one that came more than once."""
    gathered: dict[str, str | list[str]] = dict(headers)
    if len(gathered) < len(headers):
        values: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in headers:
            values[name].append(value)
        gathered.update((name, several) for name, several in values.items() if len(several) > 1)
    return gathered
