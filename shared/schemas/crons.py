"""Crons: recurring HTTP requests, and the executions they led to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from shared.schedule import occurrences, zone_data, zones
from shared.schemas.accounts.makers import CreatedBy
from shared.schemas.assertions import Assertions
from shared.schemas.base import (
    NO_BOOL,
    Cut,
    HeaderChanges,
    Headers,
    Instant,
    Labels,
    Method,
    Name,
    Problem,
    Schema,
    SearchQuery,
    Timeout,
    Url,
    UrlOrNone,
    Warnings,
    without_defaults,
)
from shared.schemas.notices import NoticeStatus
from shared.schemas.runs import FailureReason, Run
from shared.schemas.teams import Redact
from shared.schemas.timing import Timing


def _check_timezone(value: str) -> str:
    if value not in zone_data.release().names:
        raise ValueError(f"must be an IANA time zone such as Europe/Berlin or UTC{zones.advise(value)}")
    return value


Expression = Annotated[str, Field(max_length=255), AfterValidator(occurrences.check)]
Timezone = Annotated[str, Field(max_length=64), AfterValidator(_check_timezone)]


class CronFilter(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    ALL = "all"


class CronSpec(Schema):
    """The fields that a caller gives over REST and MCP (the default method differs)."""

    name: Annotated[Name, Field(description="Display name for the cron")]
    url: Annotated[Url, Field(description="Target URL to call")]
    cron_expression: Annotated[
        Expression, Field(description="Standard 5-field cron expression (e.g. */5 * * * *)")
    ]
    method: Annotated[Method, Field(description="HTTP method")] = Method.POST
    headers: Annotated[Headers | None, Field(description="Key-value HTTP headers")] = None
    payload: Annotated[str | None, Field(max_length=1_048_576, description="Raw request body")] = None
    callback_url: Annotated[Url | None, Field(description="URL called after each execution completes")] = None
    timeout_seconds: Annotated[Timeout, Field(description="Timeout in seconds (1-300)")] = 30
    alert_threshold: Annotated[
        Annotated[int, Field(ge=1, le=3), NO_BOOL] | None,
        Field(description="Alert after N consecutive failures: 1, 2, or 3"),
    ] = None
    is_active: Annotated[bool, Field(description="Whether the cron fires")] = True
    timezone: Annotated[Timezone, Field(description="IANA time zone of the expression")] = "UTC"


class CronMode(StrEnum):
    """Who calls: Recuro the target, or the target Recuro (`POST /ping/{ping_key}`) within a grace time."""

    REQUEST = "request"
    HEARTBEAT = "heartbeat"


PauseAfter = Annotated[
    Annotated[int, Field(ge=1, le=100), NO_BOOL] | None,
    Field(description="Pause the cron after N consecutive failures: 1 to 100"),
]
GraceSeconds = Annotated[
    int, Field(ge=1, le=604_800, description="Of a heartbeat: alert when no ping came for so long"), NO_BOOL
]


class CronCreate(Timing, CronSpec):
    """A cron to be created; REST takes fields that MCP does not. Only a `heartbeat` has no `url`."""

    url: Annotated[UrlOrNone, Field(description="Target URL to call")] = ""
    mode: Annotated[CronMode, Field(description="request, or heartbeat: your side pings Recuro")] = (
        CronMode.REQUEST
    )
    grace_seconds: GraceSeconds = 300
    success_assertions: Assertions = ()
    pause_after_failures: PauseAfter = None
    redact: Redact = ()
    labels: Labels = Field(default_factory=dict)


class CronSpecUpdate(CronSpec):
    """Only the fields that are given change; see `model_fields_set`."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: Annotated[Name, Field(description="Display name for the cron")] = ""
    url: Annotated[Url, Field(description="Target URL to call")] = ""
    cron_expression: Annotated[Expression, Field(description="Standard 5-field cron expression")] = ""
    headers: Annotated[HeaderChanges | None, Field(description="Key-value HTTP headers")] = None


class CronUpdate(Timing, CronSpecUpdate):
    """Fields of a cron to be changed; REST takes some that MCP does not."""

    grace_seconds: GraceSeconds = 300
    success_assertions: Assertions = ()
    pause_after_failures: PauseAfter = None
    redact: Redact = ()
    labels: Labels = Field(default_factory=dict)


class CronSort(StrEnum):
    """In which order a list has its crons; all but the first are found by a look at each."""

    NEWEST = "newest"
    ATTENTION = "attention"
    """Those that fail first, then the newest."""
    NEXT_RUN = "next_run"
    NAME = "name"


class CronQuery(SearchQuery):
    filter: Annotated[CronFilter, Field(description="Only crons in this state")] = CronFilter.ALL
    sort: Annotated[
        CronSort,
        Field(
            description="newest; attention: those that fail first; next_run or name. All but newest look at "
            "the newest 10,000 crons, and count them"
        ),
    ] = CronSort.NEWEST


class ExecutionStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Why a fire led to no run."""

    OVERLAP = "overlap"
    """The execution before it still waited or ran."""
    MISSED = "missed"
    """No scheduler made it in time, and it was too late to catch up."""
    LIMIT = "limit"
    """The cron had used up its `max_runs`."""
    PAUSED = "paused"
    """The cron was paused while it waited for a ping."""
    ENDED = "ended"
    """It was caught up only after the cron's `ends_at`."""
    MEMORY = "memory"
    """Redis had almost no memory left; consecutive fires of a cron skipped for this are one record."""


@dataclass(slots=True)
class RecentExecution:
    """What became of an execution that has ended, without its run."""

    # No model, and not frozen: a page of a hundred crons has 3,000, which took half of its time.
    __pydantic_config__ = ConfigDict(extra="forbid")

    id: int
    status: ExecutionStatus
    is_late: bool
    """Whether it was made over 1 s after its moment, and ran."""
    skip_reason: SkipReason | None
    duration_ms: int | None
    """Of its run; None if nothing was sent, or nobody knows."""


class CronSummary(Schema):
    """A cron as the MCP reference documents get-cron."""

    id: int
    name: str
    url: str
    method: Method
    headers: dict[str, str] | None
    payload: str | None
    callback_url: str | None
    cron_expression: str
    timeout_seconds: int
    alert_threshold: int | None
    consecutive_failures: int
    is_active: bool
    is_alerted: bool
    last_run_at: Instant | None
    next_run_at: Instant | None
    last_status: str | None
    last_response: str | None
    created_at: Instant


class CronDetail(Timing, CronSummary):
    """The same, with more explanation: the MCP answer for one cron."""

    last_failure_reason: FailureReason | None
    last_error: str | None
    """Why the last run failed, until one goes well."""
    timezone: str
    mode: CronMode
    has_ended: bool
    """Whether it will not fire any more, by `ends_at` or `max_runs`."""
    next_runs: list[Instant]
    """The next three fires, or as many as are left."""
    paused_reason: str | None
    """Why Recuro paused it, in a sentence; None unless `pause_after_failures` did."""
    created_by: CreatedBy
    problem: Problem = None


class Cron(CronDetail):
    """A cron with all its fields."""

    success_assertions: Assertions
    redact: tuple[str, ...]
    grace_seconds: int
    ping_key: str | None
    """The key of a heartbeat: it allows pings, and nothing else."""
    last_ping_at: Instant | None
    runs: int
    """Scheduled runs so far, without those started by hand."""
    lateness: dict[str, int]
    """How many runs were late by up to 100, 1000, 10000, 60000 ms, or more."""
    pause_after_failures: int | None
    recent_executions: tuple[RecentExecution, ...]
    """The last 30 that have ended, in the order in which they were made: the newest is the last."""
    labels: dict[str, str]
    key: str | None
    """The caller's own key, by which `PUT /api/crons/by-key/{cron_key}` finds it."""
    cut: Cut = ()


class CronWithWarnings(Cron):
    """A cron after a write, with warnings."""

    warnings: Warnings = ()


class CronMade(CronWithWarnings):
    """The same of a cron that the write made."""


class ExecutionQuery(SearchQuery):
    filter: ExecutionStatus | None = None


class Execution(Schema):
    """One nominal fire of a cron and its result.

    It also stands for `missed` earlier fires, the first of them due at `missed_since`. `lateness_ms` is the
    time from `scheduled_at` until it was made; 0 for what a backfill made, as nobody was late.
    """

    id: int
    cron_id: int
    status: ExecutionStatus
    scheduled_at: Instant
    created_at: Instant
    lateness_ms: int
    skip_reason: SkipReason | None
    missed: int
    missed_since: Instant | None
    callback_status: NoticeStatus | None
    waits_for: str | None
    idempotency_key: str | None
    is_backfill: bool
    backfill_id: int | None
    run: Run | None
    cut: Cut = ()
