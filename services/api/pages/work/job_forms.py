"""The form of a new job: what is typed as a request, and a job that is to be sent again as what was typed."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from services.api.errors import Refused
from services.api.pages.forms import Form, number, parsed
from shared.basics.redaction import REDACTED
from shared.basics.spelling import Spelled, spelled
from shared.schemas.base import Method
from shared.schemas.jobs import Job, JobCreate
from shared.security.vault import MASK

FIELDS = ("queue", "url", "method", "headers", "body", "delay", "key", "callback_url", "timeout_seconds")
METHODS = tuple(Method)
_HIDDEN = frozenset((MASK, REDACTED))


def empty(queue: str = "") -> Form:
    return Form({"method": Method.POST.value, "queue": queue, "headers": "", "body": ""})


def headers_of(text: str, field: str = "headers") -> dict[str, str] | None:
    """Lines as Name: value; raises Refused."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Refused({field: [f"The {field} field has a line without a colon: write Name: value."]})
        if name.strip() in found:
            raise Refused({field: [f"The {field} field names a header twice: {name.strip()[:60]}."]})
        found[name.strip()] = value.strip()
    return found or None


def created(form: Form) -> JobCreate:
    """Raises Refused."""
    given: dict[str, object] = {
        "queue": form.get("queue").strip(),
        "url": form.get("url").strip(),
        "method": form.get("method"),
        "headers": headers_of(form.get("headers")),
        "delay": number(form.get("delay")) or 0,
        "key": form.get("key").strip() or None,
        "callback_url": form.get("callback_url").strip() or None,
        "timeout_seconds": number(form.get("timeout_seconds")),
    }
    body = form.get("body")
    payload = _object(body)
    if payload is None:
        return parsed(JobCreate, {**given, "body": body or None})
    job = parsed(JobCreate, {**given, "payload": payload})
    text = next(iter(spelled(f'{{"payload":{body}}}'.encode())), None)
    return job.model_copy(update={"payload": Spelled(payload, text)}) if text else job


def _object(text: str) -> dict[str, JsonValue] | None:
    """A JSON object, which is sent as JSON; anything else is sent as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def copied(job: Job) -> tuple[Form, list[str]]:
    """A job as its form has it, and which of its headers are kept secret and must be typed anew."""
    headers = job.headers or {}
    hidden = [name for name, value in headers.items() if value in _HIDDEN]
    fields = {
        "queue": job.queue,
        "url": job.url,
        "method": job.method.value,
        "headers": _lines({name: value for name, value in headers.items() if name not in hidden}),
        "body": json.dumps(job.payload, ensure_ascii=False, indent=2)
        if job.payload is not None
        else job.body or "",
        "key": job.key or "",
        "callback_url": job.callback_url or "",
        "timeout_seconds": str(job.timeout_seconds or ""),
    }
    return Form(fields), hidden


def _lines(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())
