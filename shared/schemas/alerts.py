"""Alerts: records that something began to fail, failed for good, or recovered."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.schemas.base import Id, Instant, Page, PageQuery, Schema
from shared.schemas.instants import Given
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import Channel
from shared.schemas.runs import FailureReason


class AlertType(StrEnum):
    WARNING = "warning"
    FAILURE = "failure"
    RECOVERY = "recovery"
    LIMIT_WARNING = "limit_warning"
    STORAGE_WARNING = "storage_warning"


class Alertable(StrEnum):
    CRON = "cron"
    QUEUE = "queue"
    TEAM = "team"


class AlertQuery(PageQuery):
    """A search looks in the message."""

    filter: Annotated[AlertType | None, Field(description="Only alerts of this type")] = None
    cron_id: Annotated[Id | None, Field(description="Only alerts of this cron")] = None
    queue_id: Annotated[Id | None, Field(description="Only alerts of this queue")] = None


class AlertFacts(Schema):
    """The facts when it was recorded; `consecutive_failures` counts a job's attempts or a cron's runs."""

    url: str | None = None
    response_status: int | None = None
    failure_reason: FailureReason | None = None
    consecutive_failures: int = 0
    error_message: str | None = None
    response: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    """Those of the cron, or of the queue and over them those of the job."""
    problem_id: Annotated[int | None, Field(description="In which its failures are counted")] = None
    affected_crons: Annotated[
        int | None, Field(description="Of a cron: how many fail alike, and are told of by this alert")
    ] = None


class AlertNotice(Schema):
    """The status of an alert in one channel."""

    channel: Channel
    status: NoticeStatus
    error: str | None


class Alert(Schema):
    """`count` similar failures within an hour; `uncounted` more belong to the alert before it."""

    id: int
    type: AlertType
    alertable_type: Alertable
    alertable_id: int
    job_id: int | None
    message: str
    data: AlertFacts
    notified_at: Instant | None
    created_at: Instant
    name: str | None
    count: int
    uncounted: int
    since: Instant
    has_paused: bool
    """Whether its cron was paused for it, by `pause_after_failures`."""
    was_quiet: bool
    """Of a recovery: whether its problem or incident was ignored until then."""
    deliveries: tuple[AlertNotice, ...]


class AlertPage(Page[Alert]):
    """Alerts, newest first, and how much of what any of them tell of is not over."""

    open: Annotated[
        int,
        Field(
            description="Crons that fail, and open problems of queues, that alerts tell of: of the whole team"
        ),
    ]


class AlertQuiet(Schema):
    """How long nothing more is sent of what an alert tells of."""

    until: Annotated[
        Given | None, Field(description="Until when, up to a year; null: until it recovered and comes again")
    ] = None


class AlertResend(Schema):
    """By which channel the message of an alert is sent again."""

    channel: Annotated[
        Channel | None, Field(description="Only by this channel; null: by all that could not deliver it")
    ] = None


class ChannelTestCreate(Schema):
    channel: Annotated[Channel, Field(description="Which channel to try")]


class ChannelTest(Schema):
    """`status` is delivered or failed."""

    id: int
    channel: Channel
    status: NoticeStatus
    error: str | None


class ChannelTestPending(ChannelTest):
    """A test call whose outcome was not known after some seconds."""
