"""Whether a body is as its owner expects.

It runs beside the worker too (`beside`), so that it imports no models: that process is to start quickly.
"""

from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from services.worker.http.heads import shown
from services.worker.http.response import READ_BYTES
from shared.basics.memory import MEBIBYTE, remembered
from shared.basics.patterns import RUN_BYTES, compiled, steps

PATTERN = "body_matches"


class Wanted(NamedTuple):
    """One assertion of a body, as `shared.schemas.assertions` has it; most have no path."""

    type: str
    value: str
    path: str = ""


def why_not(wanted: Wanted, body: bytes, *, is_whole: bool) -> str | None:
    """Why it does not hold, or nothing if it does; of a body that is not whole only what was read counts."""
    return _CHECKS[wanted.type](wanted.value, wanted.path, body, is_whole)


def _contains(value: str, _path: str, body: bytes, is_whole: bool) -> str | None:
    return None if value.encode() in body else f"{_body(body, is_whole)} does not contain {shown(value)}"


def _contains_not(value: str, _path: str, body: bytes, is_whole: bool) -> str | None:
    if value.encode() in body:
        return f"{_size(body)} contains {shown(value)}"
    return None if is_whole else f"{_read(body)} cannot tell"


def _matches(value: str, _path: str, body: bytes, is_whole: bool) -> str | None:
    if _pattern(value).search(body):
        return None
    return f"{_body(body, is_whole)} does not match {shown(value)}"


def _at_path(value: str, path: str, body: bytes, is_whole: bool) -> str | None:
    try:
        found = from_json(body)
    except ValueError:
        return f"{_body(body, is_whole)} is no JSON"
    for step in steps(path):
        try:
            if isinstance(found, str):
                raise TypeError  # a text has no first item
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return f"there is nothing at {shown(path)}"
    text = found if isinstance(found, str) else to_json(found).decode()
    return None if text == value else f"{shown(path)} is {shown(text)}, not {shown(value)}"


def _body(body: bytes, is_whole: bool) -> str:
    return _size(body) if is_whole else _read(body)


def _size(body: bytes) -> str:
    return f"the body of {len(body)} bytes"


def _read(body: bytes) -> str:
    is_long = len(body) >= READ_BYTES
    return f"the body {'is longer than 1 MiB' if is_long else 'was cut short'}, and what was read of it"


@remembered(64 * MEBIBYTE, per_entry=RUN_BYTES)
def _pattern(text: str) -> Any:
    return compiled(text, RUN_BYTES)


_CHECKS = {
    "body_contains": _contains,
    "body_not_contains": _contains_not,
    PATTERN: _matches,
    "json_path_equals": _at_path,
}
