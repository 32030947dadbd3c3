"""Reading what scripts return: flat lists into mappings, stored text into values."""

from collections.abc import Sequence
from datetime import datetime

from shared import clock
from shared.schemas.runs import Run

Fields = dict[str, str]


def fields_of(flat: Sequence[str]) -> Fields:
    """Name, value, name, value, … as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def instant(fields: Fields, name: str) -> datetime | None:
    return clock.moment(fields[name]) if fields.get(name) else None


def callback_status(fields: Fields) -> str | None:
    """`delivered`, `retrying` or `failed` once a callback was tried."""
    outcome = fields.get("callback")
    return None if outcome == "none" else outcome


def run(text: str | None) -> Run | None:
    return Run.model_validate_json(text, extra="ignore") if text else None
