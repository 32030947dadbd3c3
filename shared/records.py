"""Reading what scripts return: flat lists into mappings, stored text into values."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import from_json

from shared import clock
from shared.schemas.notices import NoticeStatus
from shared.schemas.runs import STORED, Run

Fields = dict[str, str]


def fields_of(flat: Sequence[str]) -> Fields:
    """Name, value, name, value, … as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def instant(fields: Fields, name: str) -> datetime | None:
    return clock.moment(fields[name]) if fields.get(name) else None


def callback_status(fields: Fields) -> NoticeStatus | None:
    """What became of the callback, once it was tried."""
    outcome = fields.get("callback", "none")
    return None if outcome == "none" else NoticeStatus(outcome)


def run(text: str | None) -> Run | None:
    """The run as `services.worker.processor` stores it, or the object that a script wrote."""
    if not text:
        return None
    stored = from_json(text)
    if isinstance(stored, list):
        stored = {name: value for name, value in zip(STORED, stored, strict=False) if value is not None}
        stored["executed_at"] = stored["started_at"] + stored["duration_ms"]
    return Run.model_validate(stored, extra="ignore")
