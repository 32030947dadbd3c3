"""Keep numbers of a payload as their caller wrote them, where parsing and writing would change them."""

import json
import re
import secrets
from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import to_json

_HAS_DECIMALS = re.compile(rb"[0-9][.eE][0-9+-]")


class Spelled(dict[str, JsonValue]):
    """A payload with numbers that floats do not keep exactly; `text` is its JSON as it was given."""

    def __init__(self, payload: dict[str, JsonValue], text: str) -> None:
        super().__init__(payload)
        self.text = text


def spelled(raw: bytes) -> Sequence[str | None]:
    """For a job, or each of a batch, the payload as compact JSON if floats would write it differently."""
    if not _HAS_DECIMALS.search(raw):
        return ()
    mark = secrets.token_hex(8)  # random, so that no text of the caller contains it
    body = json.loads(raw, parse_float=lambda text: _mark(text, mark))
    jobs = body.get("jobs", [body])
    return [_text(job.get("payload"), mark) if isinstance(job, dict) else None for job in jobs]


def _mark(text: str, mark: str) -> str | float:
    value = float(text)
    return value if to_json(value).decode() == text else mark + text


def _text(payload: object, mark: str) -> str | None:
    text = to_json(payload).decode()
    return re.sub(f'"{mark}([^"]*)"', r"\1", text) if mark in text else None
