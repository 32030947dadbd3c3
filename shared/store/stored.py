"""Long texts are stored with their short fields first, so that lists need to read only the beginning."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from shared.schemas.runs import PHASES, STORED, ConnectionUse

LONG_CHARACTERS = 4096
"""A text up to this length is stored as it is, and always read whole."""
WHOLE_BYTES, LIST_BYTES, LOOK_BYTES = 0, 16_384, 8_448
"""How much to read of each text: all of it (0), for a row of a list, to search for a URL in many."""
BIG_OF_SPEC = ("payload", "payload_json", "body")
BIG_OF_RUN = ("request_headers", "response_headers", "response_body", "request_body")
LAST_OF_SPEC = "sealed"
"""What only the worker opens, so that nobody else needs to read so far."""
_FIRST_OF_SPEC = ("method", "name", "url", "labels")
"""A long spec begins with `{"method"`, older ones do not: by that, scripts know how far to read."""


class Read(NamedTuple):
    """The fields of a text, and the names of big ones that were not read to their end."""

    fields: dict[str, Any]
    unread: tuple[str, ...] = ()


def spec(given: Mapping[str, Any]) -> str:
    """A spec as JSON, with its big fields at the end."""
    ordered = {name: given[name] for name in _FIRST_OF_SPEC if name in given}
    last = (*BIG_OF_SPEC, LAST_OF_SPEC)
    rest = {name: value for name, value in given.items() if name not in ordered and name not in last}
    big = {name: given[name] for name in last if name in given}
    return to_json({**ordered, **rest, **big}).decode()


def run(values: Sequence[Any]) -> str:
    """A run as JSON: an array, or if it is long an object with its big fields at the end."""
    text = to_json(values).decode()
    if len(text) <= LONG_CHARACTERS:
        return text
    fields = _of_array(values)
    small = {name: value for name, value in fields.items() if name not in BIG_OF_RUN}
    return to_json({**small, **{name: fields[name] for name in BIG_OF_RUN if name in fields}}).decode()


def read_spec(text: str) -> Read:
    """A spec, or its beginning; `payload_json` counts as the payload."""
    found, last = _read(text)
    if last in ("", LAST_OF_SPEC):
        return Read(found)
    unread = ("payload", last) if last in ("headers", "payload_json") else (last,)
    return Read(found, tuple(name for name in unread if name != "payload_json"))


def read_run(text: str) -> Read:
    """A run stored by any version, or its beginning."""
    found, last = _read(text)
    if isinstance(found, list):
        return Read(_with_phases(_of_array(found)))
    found = _with_phases(found)
    if not last:
        return Read(found)
    after = BIG_OF_RUN.index(last) if last in BIG_OF_RUN else 0
    return Read(found, BIG_OF_RUN[after:])


def read_payload(text: str) -> Any:
    """JSON, or the beginning of it."""
    return _read(text)[0]


def _of_array(values: Sequence[Any]) -> dict[str, Any]:
    found = {name: value for name, value in zip(STORED, values, strict=False) if value is not None}
    found["executed_at"] = found["started_at"] + found["duration_ms"]
    return found


def _with_phases(found: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run with those that `phases` packs."""
    if not isinstance(packed := found.get("phases"), list):
        return found
    named = dict(zip(PHASES, packed, strict=False))
    worker, address = named.pop("worker"), named.pop("address")
    is_new = len(packed) == len(PHASES)
    was_dialled = is_new and named["connect_ms"] is not None
    connection = ConnectionUse.NEW if was_dialled else None if is_new else ConnectionUse.KEPT
    around = {"address": address or None, "connection": connection, "worker": worker or None}
    return {**found, "phases": named, **around}


def _read(text: str) -> tuple[Any, str]:
    """The value, and the field in which the text ends if the object is not complete."""
    try:
        return from_json(text), ""
    except ValueError:
        found = from_json(text, allow_partial="trailing-strings")
        return found, next(reversed(found), "")
