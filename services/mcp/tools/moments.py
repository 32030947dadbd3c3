"""Moments as agents write them: ISO 8601 with an offset, or so long ago or ahead."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.instants import InQuery
from shared.store import moments

_SPAN = re.compile(r"\s*([-+]?)([0-9]{1,6})\s*([smhdw])\s*", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOMENT = TypeAdapter[datetime](InQuery)
_FORM = (
    "must be a moment with its offset, as in 2026-11-27T09:00:00Z, or a span: -24h is a day ago, +2h is ahead"
)

From = Annotated[str | None, Field(max_length=64, description="ISO 8601, or 24h for a day ago")]
To = Annotated[str | None, Field(max_length=64, description="ISO 8601, -1h ago or +1h ahead")]


async def searched(call: Call, q: str | None, since: str | None, until: str | None) -> str | None:
    """The search for what also was made since then and before then; raises Invalid."""
    if since is None and until is None:
        return q
    now = await moments.now(call.redis, call.team.shard)
    bounds = {"since": of(since, now, "from", "-"), "until": of(until, now, "to", "+")}
    return " ".join([q or "", *(f"{key}:{at.isoformat()}" for key, at in bounds.items() if at)]).strip()


def of(text: str | None, now: datetime, field: str, sign: str) -> datetime | None:
    """The moment; a span without a sign has the given one. Raises Invalid, which names the field."""
    if text is None:
        return None
    if span := _SPAN.fullmatch(text):
        length = timedelta(**{_UNITS[span[3].lower()]: int(span[2])})
        try:
            return now - length if (span[1] or sign) == "-" else now + length
        except OverflowError:
            raise Invalid(field, f"The {field} field {_FORM}.") from None
    try:
        return _MOMENT.validate_python(text)
    except ValidationError:
        raise Invalid(field, f"The {field} field {_FORM}.") from None
