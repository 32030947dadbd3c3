"""What tools answer: the keys of the MCP reference first and in its order, then what more is known."""

from typing import Annotated

from pydantic import Field

from shared.schemas.assertions import Assertions
from shared.schemas.base import Instant, Method, Schema, Warnings
from shared.schemas.crons import CronDetail, CronMode
from shared.schemas.jobs import FinalStatus, JobDetail, JobStatus
from shared.schemas.runs import FailureReason
from shared.schemas.timing import Timing

Text = Annotated[str | None, Field(exclude_if=lambda text: text is None)]
"""Only there if there is one."""
DryRun = Annotated[bool, Field(description="Nothing was made", exclude_if=lambda is_dry: not is_dry)]


class CronShown(CronDetail):
    description: str | None
    """The schedule in a sentence; null if this host cannot read it."""
    success_assertions: Assertions
    pause_after_failures: int | None
    redact: tuple[str, ...]
    labels: dict[str, str]
    grace_seconds: Annotated[int | None, Field(exclude_if=lambda seconds: seconds is None)]
    """Of a heartbeat."""
    last_ping_at: Annotated[Instant | None, Field(exclude_if=lambda at: at is None)]


class CronChanged(CronShown):
    warnings: Warnings = ()


class _CreatedByReference(Schema):
    id: Annotated[int | None, Field(description="null of a dry run")]
    name: str
    url: str
    method: Method
    cron_expression: str
    is_active: bool
    next_run_at: Instant | None


class CronCreated(Timing, _CreatedByReference):
    timezone: str
    mode: CronMode
    has_ended: bool
    next_runs: list[Instant]
    description: str | None
    dry_run: DryRun = False
    warnings: Warnings = ()


class CronRow(Schema):
    """A cron in a list: what get-cron shows of it is left out but for what a list is looked through for."""

    id: int
    name: str
    url: str
    method: Method
    cron_expression: str
    consecutive_failures: int
    is_active: bool
    next_run_at: Instant | None
    last_status: str | None
    timezone: Annotated[str, Field(exclude_if=lambda zone: zone == "UTC")] = "UTC"
    mode: Annotated[CronMode, Field(exclude_if=lambda mode: mode == CronMode.REQUEST)] = CronMode.REQUEST
    last_error: Text = None


class JobMade(Schema):
    id: Annotated[int | None, Field(description="null of a dry run")]
    queue_id: Annotated[int | None, Field(description="null of a dry run whose queue would be new")]
    queue_name: str
    url: str
    method: Method
    status: JobStatus
    scheduled_at: Instant
    queue_is_new: bool
    dry_run: DryRun = False
    warnings: Warnings = ()


class JobShown(JobDetail):
    labels: dict[str, str]
    key: str | None


class JobRow(Schema):
    """The same of a job."""

    id: int
    url: str
    method: Method
    queue: str
    status: JobStatus
    final_status: FinalStatus | None
    attempt_number: int
    scheduled_at: Instant
    response_status: Annotated[int | None, Field(exclude_if=lambda code: code is None)] = None
    failure_reason: Annotated[FailureReason | None, Field(exclude_if=lambda why: why is None)] = None
