"""What of a tool's input schema a model is shown: every argument is checked by all of it all the same."""

from typing import Any

Part = dict[str, Any]
FAR = 1_000
"""A bound of a number that no model has to know."""
WORDS = {
    "alert_threshold": "Alert after 1-3 failures in a row",
    "at": "ISO 8601, instead of delay",
    "body": "Instead of payload: raw",
    "callback_url": "Called after each run",
    "cron_expression": "5 fields, e.g. */5 * * * *",
    "delay": "Seconds, up to 86400",
    "ends_at": "ISO 8601",
    "expires_at": "Not sent after it",
    "grace_seconds": "Of a heartbeat",
    "is_active": "",
    "key": "Whose job: the queue's limits by key hold for it",
    "labels": "As team: billing",
    "max_parallelism": "Jobs at once",
    "max_runs": "",
    "method": "",
    "misfire_policy": "Missed fires: run the last, none or all",
    "misfire_window_seconds": "",
    "name": "",
    "overlap_policy": "While one still runs",
    "pause_after_failures": "",
    "payload": "",
    "rate_limit": "",
    "redact": "Not kept, as headers.X-Id, body.**.pin",
    "retry_delays": "Seconds before each retry",
    "spread_seconds": "",
    "starts_at": "ISO 8601",
    "timeout_seconds": "",
    "timezone": "IANA name",
    "url": "",
}
"""Of fields that REST has too: as few words as say what the name does not; by default those of REST."""
_BOUNDS_OF_TEXTS = ("pattern", "minLength", "maxLength", "minItems", "maxItems", "format")
_DEFAULTS = frozenset({"method", "timeout_seconds", "is_active", "delay", "timezone", "count"})
"""Fields whose default a model may want to know; what is not given of others changes nothing."""


def brief(schema: Part) -> Part:
    """The schema of a tool without what costs a model's context and tells it nothing.

    Fields of an object within an argument are described where a tool has them as arguments.
    """
    fields = {name: _field(name, _within(field)) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def _field(name: str, field: Part) -> Part:
    kept = _plain(field)
    if name not in _DEFAULTS:
        kept.pop("default", None)
    if kept.get("description"):
        kept["description"] = WORDS.get(name, kept["description"])
    return {key: value for key, value in kept.items() if (key, value) != ("description", "")}


def _within(field: Part) -> Part:
    match field:
        case {"items": dict(items)}:
            return {**field, "items": _plain(_within(items))}
        case {"properties": dict(fields), **rest}:
            rest.pop("additionalProperties", None)
            inner = {name: _plain(_within(one), "description", "default") for name, one in fields.items()}
            return {**rest, "properties": inner}
    return field


def _plain(field: Part, *dropped: str) -> Part:
    """Without bounds that only a mistake comes to."""
    return {
        key: value
        for key, value in field.items()
        if key not in (*_BOUNDS_OF_TEXTS, *dropped)
        and not (key == "minimum" and value <= 1)
        and not (key == "maximum" and value >= FAR)
    }
