"""Queues: named containers of jobs with shared settings."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic_core import to_json

from shared.schemas.accounts.makers import CreatedBy
from shared.schemas.assertions import Assertions
from shared.schemas.base import (
    NO_BOOL,
    Instant,
    Labels,
    Name,
    Problem,
    Schema,
    Timeout,
    Warnings,
    without_defaults,
)
from shared.schemas.teams import Redact

RetryDelay = Annotated[int, Field(ge=1, le=86_400), NO_BOOL]


class RateLimit(Schema):
    """At most `count` starts within any `per_seconds`."""

    count: Annotated[int, Field(ge=1, le=10_000, description="Starts"), NO_BOOL]
    per_seconds: Annotated[int, Field(ge=1, le=86_400, description="In any so many seconds"), NO_BOOL]


class QueueSettings(Schema):
    """How the jobs of a queue are sent and retried; delays in seconds."""

    is_active: Annotated[bool, Field(description="Whether jobs are started")] = True
    timeout_seconds: Annotated[Timeout, Field(description="Total deadline of one request")] = 30
    retries_enabled: Annotated[bool, Field(description="Whether failed jobs are retried")] = True
    retry_delays: Annotated[
        tuple[RetryDelay, ...], Field(max_length=10, description="Seconds before each retry")
    ] = (60, 1800, 10800)
    success_assertions: Assertions = ()
    alerts_enabled: Annotated[
        bool, Field(description="Whether its failures are sent to the alert channels")
    ] = False
    max_parallelism: Annotated[
        Annotated[int, Field(ge=1, le=100_000), NO_BOOL] | None,
        Field(description="Jobs in flight at once; null is unlimited"),
    ] = None
    rate_limit: Annotated[RateLimit | None, Field(description="Starts in a time; null is unlimited")] = None
    key_max_parallelism: Annotated[
        Annotated[int, Field(ge=1, le=100_000), NO_BOOL] | None,
        Field(description="Jobs of each key in flight at once; null is unlimited"),
    ] = None
    key_rate_limit: Annotated[
        RateLimit | None, Field(description="Starts of each key in a time; null is unlimited")
    ] = None
    dlq_retention_days: Annotated[
        int, Field(ge=1, le=365, description="Days that dead letters are kept"), NO_BOOL
    ] = 14
    weight: Annotated[
        int,
        Field(ge=1, le=100, description="Its share of the workers beside the team's other queues"),
        NO_BOOL,
    ] = 1

    redact: Redact = ()
    labels: Labels = Field(default_factory=dict)

    def for_transitions(self) -> dict[str, str | int | None]:
        """What transitions decide by beside `is_active`, under the names of the queue's record."""
        limit, of_key = self.rate_limit, self.key_rate_limit
        return {
            "max_parallelism": self.max_parallelism or None,
            "rate_count": limit.count if limit else None,
            "rate_ms": limit.per_seconds * 1000 if limit else None,
            "key_max_parallelism": self.key_max_parallelism,
            "key_rate_count": of_key.count if of_key else None,
            "key_rate_ms": of_key.per_seconds * 1000 if of_key else None,
            "weight": self.weight,
            "dlq_days": self.dlq_retention_days,
            "alerts": self.alerts_enabled,
            "redact": to_json(self.redact).decode() if self.redact else None,
            "labels": to_json(self.labels).decode() if self.labels else None,
        }


class QueueCreate(QueueSettings):
    name: Annotated[Name, Field(description="Queue name, unique in the team")]


class QueueUpdate(QueueCreate):
    """Only the fields that are given change."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: Annotated[Name, Field(description="Queue name, unique in the team")] = ""


class KeyChoice(Schema):
    """One key of a queue."""

    key: Annotated[Name, Field(description="The key, as jobs have it")]


class KeyQuery(Schema):
    """Which page of a queue's keys, by their names."""

    page: Annotated[int, Field(ge=1, le=10_000_000, description="Page number, from 1")] = 1
    per_page: Annotated[int, Field(ge=1, le=100, description="Rows a page")] = 25


class QueueKey(Schema):
    """A key that jobs of a queue have, and how many of them wait for their turn and are in flight."""

    key: str
    is_paused: bool
    waiting: int
    in_flight: int


class QueueCounts(Schema):
    """Jobs of the queue by status; `failed` counts `retrying` and `dead_lettered` too."""

    pending: int
    processing: int
    completed: int
    failed: int
    retrying: int
    dead_lettered: int


class Queue(Schema):
    id: int
    name: str
    is_active: bool
    timeout_seconds: int
    retries_enabled: bool
    retry_delays: tuple[int, ...]
    success_assertions: Assertions
    alerts_enabled: bool
    max_parallelism: int | None
    rate_limit: RateLimit | None
    key_max_parallelism: int | None
    key_rate_limit: RateLimit | None
    dlq_retention_days: int
    weight: int
    redact: tuple[str, ...]
    labels: dict[str, str]
    created_at: Instant
    counts: QueueCounts
    created_by: CreatedBy
    problem: Problem = None


class QueueWithWarnings(Queue):
    """A queue after a write, with warnings."""

    warnings: Warnings = ()
