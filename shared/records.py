"""Reading what scripts return: flat lists into mappings, stored text into values."""

from collections.abc import Sequence
from datetime import datetime

from shared import clock, stored
from shared.schemas.notices import NoticeStatus
from shared.schemas.runs import Run

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
    return Run.model_validate(stored.read_run(text).fields, extra="ignore")
