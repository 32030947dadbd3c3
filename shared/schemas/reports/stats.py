"""Figures of what was started and ended, and how long that waited and took."""

from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import Id, Instant, Schema
from shared.schemas.instants import InQuery


class StatsBy(StrEnum):
    MINUTE = "minute"
    TEN_MINUTES = "ten_minutes"
    HOUR = "hour"
    DAY = "day"


class StatsKind(StrEnum):
    ALL = "all"
    JOBS = "jobs"
    CRONS = "crons"


class StatsQuery(Schema):
    """Which figures: of a range, by the period (in UTC), of all work or a part of it."""

    model_config = ConfigDict(populate_by_name=True)

    by: Annotated[StatsBy, Field(description="How long each period is; days are those of UTC")] = StatsBy.HOUR
    from_: Annotated[
        InQuery | None,
        Field(
            alias="from",
            description="From the period of this moment on; without it the last hour, or day, "
            "or 30 days where `by` is `day`",
        ),
    ] = None
    to: Annotated[InQuery | None, Field(description="Until the period of this moment; now without it")] = None
    kind: Annotated[StatsKind, Field(description="Only jobs, or only crons")] = StatsKind.ALL
    queue_id: Annotated[Id | None, Field(description="Only jobs of this queue")] = None

    @model_validator(mode="after")
    def _consistent(self) -> "StatsQuery":
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("The to field must not be before from")
        if self.queue_id is not None and self.kind is StatsKind.CRONS:
            raise ValueError("The queue_id field cannot be combined with kind=crons: crons have no queue")
        return self


class Percentiles(Schema):
    """In ms, of so many as were measured, and null where none was; estimated from counts in buckets."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class Figures(Schema):
    """Attempts of jobs and fires of crons: each is counted when it started, ended or was skipped."""

    started: int
    completed: int
    failed: int
    retried: int
    skipped: int
    wait_ms: Percentiles
    duration_ms: Percentiles
    lateness_ms: Percentiles


class PeriodFigures(Figures):
    """The figures of the period that begins `at` a moment."""

    at: Instant

    @cached_property
    def json_text(self) -> str:
        """Written once for all answers that have it."""
        return self.as_json()


class Stats(Schema):
    """All periods from `starts_at` to `ends_at`, oldest first, and their sum."""

    by: StatsBy
    starts_at: Instant
    ends_at: Instant
    total: Figures
    data: list[PeriodFigures]

    def as_json(self) -> str:
        beginning = self.model_dump_json(exclude={"data"}).removesuffix("}")
        return f'{beginning},"data":[{",".join([one.json_text for one in self.data])}]}}'
