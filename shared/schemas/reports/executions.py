"""Executions of all crons of a team, and their fires to come."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import NO_BOOL, Id, Instant, Page, Schema, Searched
from shared.schemas.crons import Execution
from shared.schemas.instants import InQuery
from shared.schemas.reports.coming import ComingFire


class ListedFilter(StrEnum):
    ALL = "all"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    LATE = "late"
    DUE = "due"


class ListedQuery(Schema):
    """Which executions: newest first, 25 a page by default."""

    model_config = ConfigDict(populate_by_name=True)

    cron_id: Annotated[Id | None, Field(description="Only those of this cron")] = None
    filter: Annotated[
        ListedFilter,
        Field(description="late: those made over 1 s after their moment; due: only fires to come"),
    ] = ListedFilter.ALL
    from_: Annotated[InQuery | None, Field(alias="from", description="None before this moment")] = None
    to: Annotated[
        InQuery | None,
        Field(
            description="None after this moment; without it none to come, or with filter=due a day of them"
        ),
    ] = None
    page: Annotated[int, Field(ge=1, le=10_000_000, description="Page number, from 1"), NO_BOOL] = 1
    per_page: Annotated[int, Field(ge=1, le=100, description="Rows a page"), NO_BOOL] = 25
    q: Searched = None

    @model_validator(mode="after")
    def _consistent(self) -> "ListedQuery":
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("The to field must not be before from")
        return self


class ListedExecution(Schema):
    """What was made of a fire, or a fire to come; the other of the two is null."""

    cron_id: int
    cron_name: str
    status: Annotated[str, Field(description="Of the execution, or `due` of a fire to come")]
    scheduled_at: Instant
    execution: Execution | None
    coming: ComingFire | None


class ListedExecutions(Page[ListedExecution]):
    """One page, newest first; with `to` as it is answered, the next pages go on where it ends."""

    to: Annotated[Instant, Field(description="None is later")]
    looked_from: Annotated[
        Instant | None,
        Field(description="Where the list ends, for it looked at 10,000 executions; older ones may be there"),
    ]
    looked_to: Annotated[
        Instant | None,
        Field(description="Where the fires to come end, as there are over 10,000; later ones are left out"),
    ]
