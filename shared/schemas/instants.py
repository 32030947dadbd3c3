"""Instants as callers give them: with an offset from UTC, within the years that Recuro can compute with."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ValidationInfo

from shared.schemas.base import STORED, Instant

T = TypeVar("T")

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The bound leaves room: a search for fires goes a hundred years further, and Lua writes 14 digits."""
NEVER_YEAR: Final = 9999

_NUMBER = re.compile(r"\s*[-+]?[0-9.]+(e[-+]?[0-9]+)?\s*", re.IGNORECASE)
_FORM = "must be a moment with its offset, as in 2026-11-27T09:00:00Z, not a number"
_BOUNDS = "must be a moment from 1970-01-01T00:00:00Z to 2999-12-31T23:59:59Z"


def _no_number(value: T, info: ValidationInfo) -> T:
    """Refuse seconds and milliseconds since 1970: which of the two a number is, nobody could say."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if info.context is not STORED and (is_number or _NUMBER.fullmatch(str(value))):
        raise ValueError(_FORM)
    return value


def _with_plus(value: T) -> T | str:
    """Restore the plus of an offset: unencoded in a query, it arrives as a space."""
    return value.replace(" ", "+") if isinstance(value, str) and "T" in value else value


def _within(moment: datetime, info: ValidationInfo) -> datetime:
    """The moment in UTC; raises ValueError if it is out of bounds, but moves a stored one to the bound."""
    if FIRST <= moment <= LAST:
        return moment.astimezone(UTC)
    if info.context is STORED:
        return FIRST if moment < FIRST else LAST
    raise ValueError(_BOUNDS)


def _unless_never(moment: datetime, info: ValidationInfo) -> datetime | None:
    """None for the year 9999, which some callers write for "never"."""
    if moment.year == NEVER_YEAR:
        return None
    try:
        return _within(moment, info)
    except ValueError:
        raise ValueError(f"{_BOUNDS}; leave it out, or give null, for never") from None


def _whole_second(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(microsecond=0)


_CHECKED = BeforeValidator(_no_number)
Given = Annotated[AwareDatetime, AfterValidator(_within), _CHECKED]
"""A moment with any offset, converted to UTC."""
InQuery = Annotated[Given, BeforeValidator(_with_plus)]
"""The same in a query."""
Start = Annotated[Instant, AwareDatetime, AfterValidator(_within), AfterValidator(_whole_second), _CHECKED]
"""From when on something is valid, in whole seconds."""
Deadline = Annotated[AwareDatetime, AfterValidator(_unless_never), _CHECKED]
"""Until when something is valid; None for no end."""
End = Annotated[
    Instant, AwareDatetime, AfterValidator(_unless_never), AfterValidator(_whole_second), _CHECKED
]
"""The same in whole seconds."""
