"""The plan of a cron, read from its record."""

from datetime import timedelta

from shared.basics.memory import MEBIBYTE, remembered_of_several
from shared.schedule.policy import Plan
from shared.schemas.base import STORED
from shared.schemas.timing import Timing


@remembered_of_several(32 * MEBIBYTE, per_byte=1, per_entry=1000)
def plan_of(expression: str, timezone: str, offset: str | int, text: str) -> Plan:
    """The plan of a stored cron: `offset` in seconds, `text` its `Timing` as JSON, empty for the defaults."""
    # A newer version may have written it, or an older one that refused less.
    timing = Timing.model_validate_json(text or "{}", extra="ignore", context=STORED)
    return Plan(
        expression,
        timezone,
        offset=timedelta(seconds=int(offset or 0)),
        misfire=timing.misfire_policy,
        window=timedelta(seconds=timing.misfire_window_seconds),
        starts_at=timing.starts_at,
        ends_at=timing.ends_at,
    )
