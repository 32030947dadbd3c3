"""The form of a queue: what is typed as its settings, and back."""

from collections.abc import Mapping

from services.api.pages.forms import Form, listed, number, parsed
from shared.schemas.queues import Queue, QueueCreate, QueueUpdate

VERSION = "version"
"""The field that carries which version the page showed."""
_NUMBERS = ("timeout_seconds", "dlq_retention_days", "weight")
_LIMITS = ("max_parallelism", "key_max_parallelism")
_RATES = ("rate_limit", "key_rate_limit")
FIELDS = ("name", "retry_delays", "labels", *_NUMBERS, *_LIMITS, *_RATES)
_EMPTY = {"timeout_seconds": 30, "dlq_retention_days": 14, "weight": 1}


def empty() -> Form:
    usual = {name: str(value) for name, value in _EMPTY.items()}
    return Form({**usual, "retry_delays": "60, 1800, 10800", "retries_enabled": "on"})


def created(form: Form) -> QueueCreate:
    """Raises Refused."""
    return parsed(QueueCreate, _given(form))


def changed(form: Form) -> QueueUpdate:
    """Raises Refused."""
    return parsed(QueueUpdate, _given(form))


def shown(queue: Queue, version: str) -> Form:
    """A queue as its form has it."""
    fields = {
        "name": queue.name,
        "retry_delays": ", ".join(map(str, queue.retry_delays)),
        "labels": ", ".join(f"{name}: {value}" for name, value in queue.labels.items()),
        VERSION: version,
        **{name: str(getattr(queue, name) or "") for name in (*_NUMBERS, *_LIMITS)},
    }
    for name in _RATES:
        limit = getattr(queue, name)
        fields[name] = str(limit.count) if limit else ""
        fields[f"{name}_seconds"] = str(limit.per_seconds) if limit else "1"
    for name in ("retries_enabled", "alerts_enabled"):
        if getattr(queue, name):
            fields[name] = "on"
    return Form(fields)


def _given(form: Form) -> dict[str, object]:
    return {
        "name": form.get("name").strip(),
        "retry_delays": listed(form.get("retry_delays")) or [],
        "retries_enabled": form.has("retries_enabled"),
        "alerts_enabled": form.has("alerts_enabled"),
        "labels": _labels(form.get("labels")),
        **{name: number(form.get(name)) or _EMPTY[name] for name in _NUMBERS},
        **{name: number(form.get(name)) for name in _LIMITS},
        **{name: _rate(form, name) for name in _RATES},
    }


def _rate(form: Form, name: str) -> Mapping[str, object] | None:
    count = number(form.get(name))
    return {"count": count, "per_seconds": number(form.get(f"{name}_seconds")) or 1} if count else None


def _labels(text: str) -> dict[str, str]:
    parts = (one.partition(":") for one in listed(text) or ())
    return {name.strip(): value.strip() for name, _, value in parts}
