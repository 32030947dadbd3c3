"""Instants as callers give them: with an offset from UTC, within the years that Recuro can compute with."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ValidationInfo

from shared.schemas.base import STORED, Instant

T = TypeVar("T")

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The bound leaves room: a search for fires goes a hundred years further, and Lua writes 14 digits."""
NEVER_YEAR: Final = 9999

_BOUNDS = "must be a moment from 1970-01-01T00:00:00Z to 2999-12-31T23:59:59Z"


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


Given = Annotated[AwareDatetime, AfterValidator(_within)]
"""A moment with any offset, converted to UTC."""
InQuery = Annotated[Given, BeforeValidator(_with_plus)]
"""The same in a query."""
Start = Annotated[Instant, AwareDatetime, AfterValidator(_within), AfterValidator(_whole_second)]
"""From when on something is valid, in whole seconds."""
Deadline = Annotated[AwareDatetime, AfterValidator(_unless_never)]
"""Until when something is valid; None for no end."""
End = Annotated[Instant, AwareDatetime, AfterValidator(_unless_never), AfterValidator(_whole_second)]
"""The same in whole seconds."""
