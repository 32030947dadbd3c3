"""From a spec to the request that leaves (spec §4)."""

import hashlib
import random

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from services.worker.http.outgoing import Outgoing
from services.worker.work import Execution, Job
from shared import clock
from shared.actions.redaction import of_jobs
from shared.basics.memory import MEBIBYTE, Remembered
from shared.schemas.assertions import Assertions
from shared.schemas.base import STORED
from shared.security.destinations import origin_of
from shared.security.vault import Vault
from shared.store.stored import LAST_OF_SPEC
from shared.version import VERSION

USER_AGENT = f"Recuro/{VERSION}"
_CALLERS = {"user-agent": "User-Agent", "idempotency-key": "Idempotency-Key", "traceparent": "traceparent"}
"""Headers that we write unless the caller did."""
_SHORT_CHARACTERS = 4096


def request_of(work: Job | Execution, vault: Vault) -> Outgoing:
    """The request of a job or execution; all attempts carry one `Idempotency-Key`, the caller's if given."""
    spec = from_json(work.spec)
    url, given, key = spec["url"], spec.get("headers"), work.idempotency_key
    headers = _of_caller(vault.open_headers(given, work.team, origin_of(url))) if given else {}
    body, content_type = _body(work, spec, vault)
    if body is not None and not (given and any(name.lower() == "content-type" for name in given)):
        headers["Content-Type"] = content_type
    headers.setdefault("User-Agent", USER_AGENT)
    headers.setdefault("Idempotency-Key", key)
    if "traceparent" not in headers:
        headers["traceparent"] = _trace(key)
    headers |= _identity(work)
    timeout, assertions, redact = _rules(work, spec.get("timeout_seconds"))
    rules = (float(timeout), assertions)
    redact = (*redact, *work.of_team.redact) if work.of_team.redact else redact
    return Outgoing(spec.get("method", "POST"), url, headers, body, *rules, team=work.team, redact=redact)


def _of_caller(given: dict[str, str]) -> dict[str, str]:
    return {_CALLERS.get(name.lower(), name): value for name, value in given.items()}


def _rules(work: Job | Execution, own_timeout: int | None) -> tuple[int, Assertions, tuple[str, ...]]:
    """Its own timeout or its queue's, what its answers must be, and what of them is not kept."""
    if isinstance(work, Job) and work.settings:
        its = work.settings
        return own_timeout or its.timeout_seconds, its.success_assertions, its.redact
    read = _known_rules_of if len(work.spec) <= _SHORT_CHARACTERS else _rules_of
    rules = read(work.spec)
    return own_timeout or 30, rules.success_assertions, rules.redact


class _SpecRules(BaseModel):
    """Of a cron's spec, what its answers must be, and what of them is not kept."""

    success_assertions: Assertions = ()
    redact: tuple[str, ...] = ()


def _rules_of(spec: str) -> _SpecRules:
    return _SpecRules.model_validate_json(spec, context=STORED)


_known_rules_of = Remembered(_rules_of, 8 * MEBIBYTE, per_byte=6)
"""Of short specs only: there may be a megabyte of payload in one."""


def _body(work: Job | Execution, spec: dict[str, object], vault: Vault) -> tuple[bytes | None, str]:
    """The bytes, and their type if the caller gave none."""
    if LAST_OF_SPEC in spec:
        place = of_jobs.body_place(work.team, str(spec["url"]))
        return _of_text(vault.open(str(spec[LAST_OF_SPEC]), *place))
    if "payload_json" in spec:  # whose numbers are spelled in a way that reading them would change
        return str(spec["payload_json"]).encode(), "application/json"
    payload = spec.get("payload")
    is_job = isinstance(work, Job)
    if is_job and payload is not None:
        return to_json(payload), "application/json"
    text = spec.get("body") if is_job else payload
    return (None, "") if text is None else _of_text(str(text))


def _of_text(text: str) -> tuple[bytes, str]:
    raw = text.encode()
    try:
        from_json(raw)
    except ValueError:
        return raw, "text/plain; charset=utf-8"
    return raw, "application/json"


def _trace(key: str) -> str:
    """A W3C traceparent: one trace for all attempts, one span for each request, to be sampled as its own."""
    trace = hashlib.blake2s(key.encode(), digest_size=16).hexdigest()
    span = random.getrandbits(64)  # told apart from others, and kept from nobody
    return f"00-{trace}-{span:016x}-01"


def _identity(work: Job | Execution) -> dict[str, str]:
    if isinstance(work, Job):
        number = str(work.id)
        return {
            "Recuro-Job-Id": number,
            "Recuro-Original-Job-Id": work.original or number,
            "Recuro-Attempt": str(work.attempt),
        }
    return {
        "Recuro-Cron-Id": work.cron,
        "Recuro-Scheduled-At": clock.moment(work.due_ms).isoformat(timespec="seconds"),
        "Recuro-Attempt": str(work.attempt),
    }
