"""From a spec to the request that leaves (spec §4)."""

import hashlib
import random

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from services.worker.http.outgoing import Outgoing
from services.worker.work import Execution, Job
from shared import clock
from shared.basics.memory import MEBIBYTE, Remembered
from shared.schemas.assertions import Assertions
from shared.schemas.base import STORED
from shared.security.destinations import origin_of
from shared.security.vault import Vault
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
    body, content_type = _body(work, spec)
    if body is not None and not (given and any(name.lower() == "content-type" for name in given)):
        headers["Content-Type"] = content_type
    headers.setdefault("User-Agent", USER_AGENT)
    headers.setdefault("Idempotency-Key", key)
    if "traceparent" not in headers:
        headers["traceparent"] = _trace(key)
    headers |= _identity(work)
    timeout, assertions = _rules(work, spec.get("timeout_seconds"))
    rules = (float(timeout), assertions)
    return Outgoing(spec.get("method", "POST"), url, headers, body, *rules, team=work.team)


def _of_caller(given: dict[str, str]) -> dict[str, str]:
    return {_CALLERS.get(name.lower(), name): value for name, value in given.items()}


def _rules(work: Job | Execution, own_timeout: int | None) -> tuple[int, Assertions]:
    """Its own timeout or its queue's, and what its answers must be."""
    if isinstance(work, Job) and work.settings:
        return own_timeout or work.settings.timeout_seconds, work.settings.success_assertions
    read = _known_assertions_of if len(work.spec) <= _SHORT_CHARACTERS else _assertions_of
    return own_timeout or 30, read(work.spec)


class _SpecAssertions(BaseModel):
    """Of a cron's spec, what its answers must be."""

    success_assertions: Assertions = ()


def _assertions_of(spec: str) -> Assertions:
    return _SpecAssertions.model_validate_json(spec, context=STORED).success_assertions


_known_assertions_of = Remembered(_assertions_of, 8 * MEBIBYTE, per_byte=6)
"""Of short specs only: there may be a megabyte of payload in one."""


def _body(work: Job | Execution, spec: dict[str, object]) -> tuple[bytes | None, str]:
    """The bytes, and their type if the caller gave none."""
    if "payload_json" in spec:  # whose numbers are spelled in a way that reading them would change
        return str(spec["payload_json"]).encode(), "application/json"
    payload = spec.get("payload")
    is_job = isinstance(work, Job)
    if is_job and payload is not None:
        return to_json(payload), "application/json"
    text = spec.get("body") if is_job else payload
    if text is None:
        return None, ""
    raw = str(text).encode()
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
