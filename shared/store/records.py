"""Read what transitions return: flat lists into mappings, stored text into values."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from shared import clock
from shared.errors import Damaged
from shared.schemas.notices import NoticeStatus
from shared.schemas.runs import Run
from shared.store import stored

Fields = dict[str, str]
T = TypeVar("T")

log = structlog.get_logger()


def fields_of(flat: Sequence[str]) -> Fields:
    """Name, value, name, value, … as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def each(noun: str, rows: Sequence[Sequence[Any]], read: Callable[..., T]) -> list[T]:
    """The rows as records. Of several rows, one that cannot be read is left out.

    Raises Damaged if it is the only row, as then the caller wants this one.
    """
    found: list[T] = []
    for row in rows:
        try:
            found.append(read(*row))
        except (LookupError, ValueError, TypeError, OverflowError) as error:
            if len(rows) == 1:
                raise Damaged(_why(error), f"The record of {noun} {row[0]}") from error
            log.error("record_left_out", noun=noun, id=row[0], why=_why(error))
    return found


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"its field {error.args[0]} is lost"
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return str(error)[:200]


def instant(fields: Fields, name: str) -> datetime | None:
    return clock.moment(fields[name]) if fields.get(name) else None


def callback_status(fields: Fields) -> NoticeStatus | None:
    """The status of the callback, once it was tried."""
    outcome = fields.get("callback", "none")
    return NoticeStatus(outcome) if outcome in set(NoticeStatus) else None


def run(text: str | None) -> Run | None:
    """The run as `services.worker.processor` stores it, or the object that a transition wrote."""
    if not text:
        return None
    return Run.model_validate(stored.read_run(text).fields, extra="ignore")
