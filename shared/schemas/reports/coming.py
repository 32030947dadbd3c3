"""What is to come: the fires of one cron, and how many there are of all crons in each interval."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import NO_BOOL, Instant, Schema
from shared.schemas.crons import Timezone
from shared.schemas.explain import ClockChange
from shared.schemas.instants import InQuery


class ComingBy(StrEnum):
    HALF_HOUR = "half_hour"
    HOUR = "hour"
    DAY = "day"


class ComingQuery(Schema):
    """Which fires to come: of a range, by intervals of a time zone."""

    model_config = ConfigDict(populate_by_name=True)

    by: Annotated[ComingBy, Field(description="How long each interval is; days are those of `timezone`")] = (
        ComingBy.HALF_HOUR
    )
    from_: Annotated[
        InQuery | None,
        Field(
            alias="from", description="From the interval of this moment on; now without it, and never before"
        ),
    ] = None
    to: Annotated[
        InQuery | None,
        Field(
            description="Until before this moment, and the end of its interval; without it a day later, "
            "or 31 days where `by` is `day`"
        ),
    ] = None
    timezone: Annotated[Timezone, Field(description="Whose half hours, hours and days the intervals are")] = (
        "UTC"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "ComingQuery":
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("The to field must not be before from")
        return self


class OffsetChange(Schema):
    """A change of a zone's clock."""

    at: Instant
    utc_offset_before: str
    utc_offset_after: str


class ComingInterval(Schema):
    """How many fires are to come in it; the present one has what is left of it."""

    starts_at: Instant
    ends_at: Instant
    local: Annotated[str, Field(description="When it starts by the clock of the zone, with its offset")]
    fires: int
    clock_changes: Annotated[
        list[OffsetChange], Field(description="Those of the zone after its start, until its end")
    ]


class CronName(Schema):
    id: int
    name: str


class BusiestMinute(Schema):
    """The minute that has most fires, the first of those that have as many."""

    at: Instant
    local: str
    fires: int
    cron_count: Annotated[int, Field(description="How many crons fire then")]
    crons: Annotated[list[CronName], Field(description="The first 20 of them, by their ids")]


class Coming(Schema):
    """The fires to come of a team's active crons, as they are by now."""

    by: ComingBy
    timezone: str
    starts_at: Instant
    ends_at: Instant
    total: int
    cron_count: Annotated[
        int, Field(description="How many active crons were counted, with or without a fire")
    ]
    has_more: Annotated[
        bool, Field(description="There are more than 10,000 active crons: the later ones are not counted")
    ]
    unreadable: Annotated[
        list[int],
        Field(
            description="Of crons that cannot be computed here, as their zone is unknown, the first 20 ids"
        ),
    ]
    busiest_minute: BusiestMinute | None
    data: Annotated[list[ComingInterval], Field(description="Earliest first")]


class CronComingQuery(Schema):
    count: Annotated[
        int, Field(ge=1, le=1000, description="How many of the next fires are wanted"), NO_BOOL
    ] = 10
    to: Annotated[InQuery | None, Field(description="None after this moment")] = None


class ComingFire(Schema):
    """A fire to come: `nominal_at` by the expression, `scheduled_at` with the offset of its spread."""

    nominal_at: Instant
    scheduled_at: Instant
    local: Annotated[
        str, Field(description="`scheduled_at` by the clock of the cron's zone, with its offset")
    ]
    clock_change: Annotated[
        ClockChange | None,
        Field(
            description="If the zone's clock has another offset than at the fire before, or now: its change"
        ),
    ]


class CronComing(Schema):
    """The fires to come of a cron; of one that is paused or has ended none, and null for how they come."""

    cron_id: int
    timezone: str | None
    offset_seconds: Annotated[int | None, Field(description="How much later than its expression it fires")]
    runs_left: Annotated[int | None, Field(description="By `max_runs`; null: any number")]
    zone_data: Annotated[str, Field(description="The time zone rules that the fires are computed by")]
    data: Annotated[list[ComingFire], Field(description="Earliest first")]
