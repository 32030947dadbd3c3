"""Numbers as their caller spelled them, where reading and writing a payload again would change that."""

import json
import re
import secrets
from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import to_json

_HAS_DECIMALS = re.compile(rb"[0-9][.eE][0-9+-]")


class Spelled(dict[str, JsonValue]):
    """A payload whose numbers are not exactly what floats can say; `text` is its JSON as it was given."""

    def __init__(self, payload: dict[str, JsonValue], text: str) -> None:
        super().__init__(payload)
        self.text = text


def spelled(raw: bytes | bytearray) -> Sequence[str | None]:
    """Of a job, or of each of a batch, the payload as compact JSON if floats would spell it differently."""
    if not _HAS_DECIMALS.search(raw):
        return ()
    mark = secrets.token_hex(8)  # in no text of the caller's
    body = json.loads(raw, parse_float=lambda text: _mark(text, mark))
    jobs = body.get("jobs", [body])
    return [_text(job.get("payload"), mark) if isinstance(job, dict) else None for job in jobs]


def _mark(text: str, mark: str) -> str | float:
    value = float(text)
    return value if to_json(value).decode() == text else mark + text


def _text(payload: object, mark: str) -> str | None:
    text = to_json(payload).decode()
    return re.sub(f'"{mark}([^"]*)"', r"\1", text) if mark in text else None
