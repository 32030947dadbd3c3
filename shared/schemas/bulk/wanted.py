"""What is to be done to many crons or jobs, and to which of them."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import NO_BOOL, Id, Method, Schema, Timeout, Url, without_defaults
from shared.schemas.crons import Expression, GraceSeconds, Timezone
from shared.schemas.timing import Timing

MOST_IDS, AT_ONCE = 10_000, 1_000
"""Of one call, and of one that does them before it answers."""


class Bulk(Schema):
    """Which ones: the given `ids`, or those that a search finds."""

    ids: Annotated[
        tuple[Id, ...] | None,
        Field(
            min_length=1,
            max_length=MOST_IDS,
            description="These, each once; more than 1,000 in the background",
        ),
    ] = None
    q: Annotated[
        str | None,
        Field(min_length=1, max_length=500, description="Those that this finds, as host:a.example"),
    ] = None
    dry_run: Annotated[bool, Field(description="Only say what would be done")] = False
    expected_count: Annotated[
        Annotated[int, Field(ge=0, le=2**53), NO_BOOL] | None,
        Field(description="Do nothing unless it is so many"),
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> "Bulk":
        if (self.ids is None) == (self.q is None):
            raise ValueError("The body must have either ids or q")
        return self


class CronAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    RUN = "run"
    DELETE = "delete"


class JobAction(StrEnum):
    CANCEL = "cancel"
    DELETE = "delete"


class CronBulkChange(Timing):
    """Only the fields that are given change: those that make sense for many."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    cron_expression: Annotated[Expression, Field(description="Standard 5-field cron expression")] = ""
    timezone: Annotated[Timezone, Field(description="IANA time zone of the expression")] = "UTC"
    method: Annotated[Method, Field(description="HTTP method")] = Method.POST
    timeout_seconds: Annotated[Timeout, Field(description="Timeout in seconds (1-300)")] = 30
    callback_url: Annotated[Url | None, Field(description="URL called after each execution completes")] = None
    alert_threshold: Annotated[
        Annotated[int, Field(ge=1, le=3), NO_BOOL] | None,
        Field(description="Alert after N consecutive failures: 1, 2, or 3"),
    ] = None
    is_active: Annotated[bool, Field(description="Whether the cron fires")] = True
    grace_seconds: GraceSeconds = 300

    @model_validator(mode="after")
    def _names_one(self) -> "CronBulkChange":
        if not self.model_fields_set:
            raise ValueError("must name a field at least")
        return self


class CronBulk(Bulk):
    """An `action`, or a `change` of fields."""

    action: CronAction | None = None
    change: CronBulkChange | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "CronBulk":
        if (self.action is None) == (self.change is None):
            raise ValueError("The body must have either an action or a change")
        return self


class JobBulk(Bulk):
    action: JobAction
