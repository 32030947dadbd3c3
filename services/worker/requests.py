"""From what was asked to the request that leaves (spec §4)."""

from functools import lru_cache

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from services.worker.delivery import Outgoing
from services.worker.work import Work
from shared import clock
from shared.addresses import origin_of
from shared.schemas.assertions import Assertions
from shared.vault import Vault
from shared.version import VERSION

USER_AGENT = f"Recuro/{VERSION}"


def request_of(work: Work, vault: Vault) -> Outgoing:
    """The request of a job or execution; a redelivery after a crash carries the same `Idempotency-Key`."""
    asked = from_json(work.spec)
    method, given = asked.get("method", "POST"), asked.get("headers") or {}
    body, content_type = (None, "") if method == "GET" else _body(work, asked.get("payload"))
    headers = vault.open_headers(given, work.team, origin_of(asked["url"]))
    if body is not None and not any(name.lower() == "content-type" for name in given):
        headers["Content-Type"] = content_type
    headers["User-Agent"] = USER_AGENT
    headers.update(_identity(work))
    if work.settings:
        timeout, assertions = work.settings.timeout_seconds, work.settings.success_assertions
    else:
        timeout, assertions = asked["timeout_seconds"], _assertions_of(work.spec)
    return Outgoing(method, asked["url"], headers, body, float(timeout), assertions)


class _Asserted(BaseModel):
    """Of a cron's spec, what its answers must be."""

    success_assertions: Assertions = ()


@lru_cache(4096)
def _assertions_of(spec: str) -> Assertions:
    return _Asserted.model_validate_json(spec).success_assertions


def _body(work: Work, payload: object) -> tuple[bytes | None, str]:
    if payload is None:
        return None, ""
    if work.kind == "j":
        return to_json(payload), "application/json"
    raw = str(payload).encode()
    try:
        from_json(raw)
    except ValueError:
        return raw, "text/plain; charset=utf-8"
    return raw, "application/json"


def _identity(work: Work) -> dict[str, str]:
    if work.kind == "j":
        return {
            "Recuro-Job-Id": str(work.id),
            "Recuro-Original-Job-Id": work.origin or str(work.id),
            "Recuro-Attempt": str(work.attempt),
            "Idempotency-Key": f"job-{work.team}-{work.id}",
        }
    return {
        "Recuro-Cron-Id": work.origin,
        "Recuro-Scheduled-At": clock.moment(work.due_ms).isoformat(timespec="seconds"),
        "Recuro-Attempt": str(work.attempt),
        "Idempotency-Key": f"execution-{work.team}-{work.id}",
    }
