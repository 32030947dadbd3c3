"""Backfills: past fires of a cron that did not run, made in the background."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import NO_BOOL, Id, Instant, PageQuery, Schema, Warnings
from shared.schemas.instants import Given

MOST_FIRES, MOST_DAYS = 10_000, 3_660
"""Of one backfill; a longer range is not even counted."""


class BackfillCreate(Schema):
    """Which fires of a cron are made: those of a range in the past, by its schedule as it is now."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[Given, Field(alias="from", description="No fire before this moment")]
    to: Annotated[Given, Field(description="No fire after this moment; it is cut to the present")]
    dry_run: Annotated[bool, Field(description="Only say what would be made")] = False
    skip_completed: Annotated[
        bool, Field(description="Leave out moments that completed, or still wait or run; false makes all")
    ] = True
    max_parallelism: Annotated[
        int, Field(ge=1, le=100, description="So many at a time; 1 is strictly one after another"), NO_BOOL
    ] = 1
    rate: Annotated[
        Annotated[int, Field(ge=1, le=1000), NO_BOOL] | None,
        Field(description="At most so many a second; null is as fast as they end"),
    ] = None
    expected_count: Annotated[
        Annotated[int, Field(ge=0, le=MOST_FIRES), NO_BOOL] | None,
        Field(description="Refuse if it would make another number, as of a dry run"),
    ] = None

    @model_validator(mode="after")
    def _consistent(self) -> "BackfillCreate":
        if self.to < self.from_:
            raise ValueError("The to field must not be before from")
        return self


class BackfillQuery(PageQuery):
    cron_id: Annotated[Id | None, Field(description="Only those of this cron")] = None


class BackfillStatus(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class BackfillRange(Schema):
    """Of which cron, and which of its fires."""

    cron_id: int
    from_at: Instant
    to_at: Annotated[Instant, Field(description="The moment given, or the present where that was later")]
    fires: Annotated[int, Field(description="How many fires the range has")]
    warnings: Warnings = ()


class BackfillPreview(BackfillRange):
    """What a backfill would make now: `count` executions, and `skipped` moments that ran or still may."""

    count: int
    skipped: int
    moments: Annotated[list[Instant], Field(description="The first 20 that it would make")]


class Backfill(BackfillRange):
    """A backfill and how far it is; `completed` and `failed` are of the executions that it made.

    `left` moments are still to be looked at. `open` executions wait or run.
    """

    id: int
    status: BackfillStatus
    skip_completed: bool
    max_parallelism: int
    rate: int | None
    left: int
    made: int
    skipped: Annotated[int, Field(description="Moments that ran before, or still may")]
    open: int
    completed: int
    failed: int
    created_at: Instant
    ended_at: Instant | None
