"""The explanation of an expression and a time policy, saved or not."""

from typing import Annotated

from pydantic import Field

from shared.schemas.base import NO_BOOL, Instant, Schema, Timeout
from shared.schemas.crons import Expression, Timezone
from shared.schemas.instants import Given
from shared.schemas.timing import Timing


class ExplainQuery(Timing):
    cron_expression: Expression
    timezone: Timezone = "UTC"
    timeout_seconds: Timeout = 30
    count: Annotated[
        int, Field(ge=1, le=100, description="How many of the next fires are wanted"), NO_BOOL
    ] = 5
    after: Annotated[Given | None, Field(description="From when on; now by default")] = None


class NextRun(Schema):
    utc: Instant
    local: str
    """With the offset that the time zone has then."""


class ClockChange(Schema):
    """What the next change of the time zone's clock does to the fires."""

    at: Instant
    utc_offset_before: str
    utc_offset_after: str
    effect: str


class Explanation(Schema):
    cron_expression: str
    timezone: str
    zone_data: str
    """The time zone rules in use: IANA's release, and whether it is the pinned one or the system's."""
    description: str
    next_runs: list[NextRun]
    clock_changes: list[ClockChange]
    """The next two changes."""
    fires_per_month: float
    """An average."""
    warnings: list[str]
