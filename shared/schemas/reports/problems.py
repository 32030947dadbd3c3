"""Problems: failures that are alike, as one thing to look at."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from shared.schemas.base import Id, Instant, PageQuery, Schema
from shared.schemas.instants import Given
from shared.schemas.runs import FailureReason


class ProblemState(StrEnum):
    OPEN = "open"
    IGNORED = "ignored"
    RESOLVED = "resolved"


class ProblemQuery(PageQuery):
    """Which problems: last seen first, 25 a page by default; a search looks in reason, host and path."""

    state: Annotated[ProblemState | None, Field(description="Only those in this state")] = None
    queue_id: Annotated[Id | None, Field(description="Only those of this queue")] = None
    cron_id: Annotated[Id | None, Field(description="Only those of this cron")] = None


class ProblemUpdate(Schema):
    """What shall become of a problem."""

    state: Annotated[ProblemState, Field(description="What it shall be from now on")]
    until: Annotated[
        Given | None,
        Field(description="Until when it is ignored, up to a year; null: until it recovered and comes again"),
    ] = None

    @model_validator(mode="after")
    def _only_ignored(self) -> "ProblemUpdate":
        if self.until and self.state is not ProblemState.IGNORED:
            raise ValueError("The until field goes with state ignored alone: leave it out, or give null")
        return self


class Problem(Schema):
    """Failures of a queue or cron with the same reason, status, host and path, whose ids are replaced."""

    id: int
    state: ProblemState
    until: Annotated[Instant | None, Field(description="Until when it is ignored, if not until it recovers")]
    failure_reason: FailureReason
    response_status: int | None
    host: Annotated[str | None, Field(description="With its port if that is not the usual one")]
    path: Annotated[str | None, Field(description="With `{id}` and `{date}` for what differs, no query")]
    queue_id: int | None
    cron_id: int | None
    name: Annotated[str | None, Field(description="Of the queue or cron, while it is there")]
    count: Annotated[int, Field(description="Failed attempts and executions, since the first")]
    first_seen_at: Instant
    last_seen_at: Instant
    recovered_at: Annotated[
        Instant | None, Field(description="When it went well after the last failure, if that was seen")
    ]
    dead_letters: Annotated[int, Field(description="How many are in it now")]
    quarters: Annotated[
        list[int],
        Field(description="Failures of each quarter of an hour of the last day, oldest first"),
    ]
    quarters_from: Annotated[Instant, Field(description="When the first of these began")]
    job_id: Annotated[int | None, Field(description="The last that failed, by the first of its chain")]
    execution_id: int | None
    error_message: Annotated[str | None, Field(description="Of that one")]
