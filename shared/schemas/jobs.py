"""Jobs: one-off HTTP requests in a queue."""

import json
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import to_json

from shared.schemas.accounts.makers import CreatedBy
from shared.schemas.base import (
    NO_BOOL,
    Cut,
    Headers,
    Id,
    Instant,
    Labels,
    Method,
    Name,
    OlderQuery,
    Problem,
    Schema,
    Timeout,
    Url,
    Warnings,
)
from shared.schemas.instants import Deadline, Given
from shared.schemas.notices import NoticeStatus
from shared.schemas.queues import RetryDelay
from shared.schemas.runs import FailureReason, FailureStage, Run, RunSummary

_LONGEST_NUMBER = 4300
"""The digits of the longest integer that Python writes."""


def _check_finite(payload: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        if not _may_be_odd(payload):
            return payload
        json.dumps(payload, allow_nan=False)
    except ValueError:
        raise ValueError("must not contain NaN, Infinity or a number beyond 1.8e308") from None
    return payload


def _may_be_odd(payload: dict[str, JsonValue]) -> bool:
    """Whether a closer check is needed: the fast writer writes odd numbers as words, long ones in full."""
    try:
        text = to_json(payload, inf_nan_mode="constants")
    except ValueError:
        return True
    return b"NaN" in text or b"Infinity" in text or len(text) > _LONGEST_NUMBER


Payload = Annotated[dict[str, JsonValue], AfterValidator(_check_finite)]
"""A JSON object; the check is needed as Python also reads numbers that JSON does not have."""


class JobStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class FinalStatus(StrEnum):
    SUCCESS = "success"
    RETRYING = "retrying"
    FAILED_WITH_RETRIES = "failed_with_retries"
    FAILED_NO_RETRIES = "failed_no_retries"
    DEAD_LETTERED = "dead_lettered"


class JobFilter(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"
    DEAD_LETTERED = "dead_lettered"
    ALL = "all"


class JobSpec(Schema):
    """The fields that a caller gives, as the MCP reference documents create-job."""

    queue: Annotated[Name, Field(description="Queue name (auto-created if new)")]
    url: Annotated[Url, Field(description="Target URL to call")]
    method: Annotated[Method, Field(description="HTTP method")] = Method.POST
    headers: Annotated[Headers | None, Field(description="Key-value HTTP headers")] = None
    payload: Annotated[Payload | None, Field(description="JSON request body")] = None
    callback_url: Annotated[Url | None, Field(description="URL called after the job completes")] = None
    delay: Annotated[int, Field(ge=0, le=86_400, description="Seconds to wait before executing"), NO_BOOL] = 0
    body: Annotated[
        str | None, Field(max_length=1_048_576, description="Raw request body, instead of payload")
    ] = None
    timeout_seconds: Annotated[
        Timeout | None, Field(description="Total deadline of the request; the queue's unless given")
    ] = None
    retry_delays: Annotated[
        Annotated[tuple[RetryDelay, ...], Field(max_length=10)] | None,
        Field(description="Seconds before each retry; the queue's unless given"),
    ] = None


class JobCreate(JobSpec):
    """A job to be scheduled; REST takes fields that MCP does not."""

    at: Annotated[
        Given | None, Field(description="When to start it, up to a year ahead, instead of a delay")
    ] = None
    expires_at: Annotated[
        Deadline | None, Field(description="A job still waiting then fails and is not sent")
    ] = None
    labels: Labels = Field(default_factory=dict)
    key: Annotated[
        Name | None,
        Field(description="Whose job it is: the limits by key of the queue hold for each by itself"),
    ] = None

    @model_validator(mode="after")
    def _one_start(self) -> "JobCreate":
        if self.at and self.delay:
            raise ValueError("The at field cannot be combined with delay: give one of them")
        return self


class JobUpdate(Schema):
    """When a job that waits shall start instead."""

    at: Annotated[Given, Field(description="When to start it, up to a year ahead; at once if it is past")]


class JobBatchCreate(Schema):
    """Up to 1,000 jobs at once; each is validated by itself, as a `JobCreate`."""

    jobs: Annotated[list[JsonValue], Field(min_length=1, max_length=1000)]


class JobQuery(OlderQuery):
    filter: Annotated[JobFilter, Field(description="Only jobs with this status")] = JobFilter.ALL
    queue_id: Annotated[Id | None, Field(description="Only jobs of this queue")] = None


class JobScheduled(Schema):
    """The REST answer to a new job, and to each accepted one of a batch."""

    success: bool = True
    queue_id: int
    job_id: int
    scheduled_at: Instant
    message: str = "Scheduled successfully"
    warnings: Warnings = ()


class JobRefused(Schema):
    """The answer to a refused job of a batch."""

    success: bool = False
    message: str
    errors: dict[str, list[str]]


class JobBatchResults(Schema):
    """The answer to a batch: one result a job, in order."""

    results: list[JobScheduled | JobRefused]


class JobSummary(Schema):
    """A job as the MCP reference documents get-job."""

    id: int
    url: str
    method: Method
    headers: dict[str, str] | None
    payload: dict[str, JsonValue] | None
    callback_url: str | None
    queue: str
    queue_id: int
    status: JobStatus
    final_status: FinalStatus | None
    attempt_number: int
    is_retry: bool
    delay_seconds: int
    scheduled_at: Instant
    created_at: Instant
    run: RunSummary | None


class JobDetail(JobSummary):
    """The same, with more explanation: the MCP answer for one job."""

    failure_reason: FailureReason | None
    failure_stage: FailureStage | None
    original_job_id: int
    has_pending_retry: bool
    dead_lettered_at: Instant | None
    callback_status: NoticeStatus | None
    waits_for: str | None
    body: str | None
    timeout_seconds: int | None
    retry_delays: tuple[int, ...] | None
    idempotency_key: str | None
    expires_at: Instant | None
    replay_of: int | None
    replayed_as: int | None
    created_by: CreatedBy
    problem: Problem = None


class Job(JobSummary):
    """A job with all its fields."""

    run: Run | None
    original_job_id: int
    """The id of the chain's first job, which names the chain; the first job has its own id here."""
    has_pending_retry: bool
    dead_lettered_at: Instant | None
    callback_status: NoticeStatus | None
    waits_for: str | None
    body: str | None
    timeout_seconds: int | None
    """The job's own timeout; without one the queue's timeout applies."""
    retry_delays: tuple[int, ...] | None
    idempotency_key: str | None
    """The `Idempotency-Key` that all its attempts carry."""
    expires_at: Instant | None
    replay_of: int | None
    replayed_as: int | None
    labels: dict[str, str]
    """As its caller gave them; retries and replays have the same."""
    problem_id: int | None
    """The problem in which its last failure counts."""
    key: str | None
    """By which the queue limits it, and serves it in turn with others."""
    created_by: CreatedBy
    retry_ids: Annotated[
        tuple[int, ...],
        Field(
            description="Only of the first job of a chain: those that tried again, in their order",
            exclude_if=lambda ids: not ids,
        ),
    ] = ()
    cut: Cut = ()
    problem: Problem = None
