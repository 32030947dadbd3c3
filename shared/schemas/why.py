"""What happened to a cron's fires, and why."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.base import Instant, Schema
from shared.schemas.instants import InQuery

MOST_FIRES = 100
HOUR, INSTANT = timedelta(hours=1), timedelta(milliseconds=999)


class WhyQuery(Schema):
    """An instant, or a range of them; the last hour if neither is given."""

    model_config = ConfigDict(populate_by_name=True)

    at: Annotated[InQuery | None, Field(description="What happened at this instant")] = None
    from_: Annotated[InQuery | None, Field(alias="from", description="What happened from then on")] = None
    to: Annotated[InQuery | None, Field(description="What happened until then; now by default")] = None

    @model_validator(mode="after")
    def _one_way(self) -> "WhyQuery":
        if (self.at and (self.from_ or self.to)) or (self.to and not self.from_):
            raise ValueError("Ask either for at, or for from and to")
        if self.from_ and self.to and self.to < self.from_:
            raise ValueError("Ask for a range whose to is not before its from")
        return self

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """The range in UTC; an instant means its whole second, as runs by hand are not at whole seconds."""
        since = (self.at or self.from_ or now - HOUR).astimezone(UTC).replace(microsecond=0)
        return since, since + INSTANT if self.at else (self.to or now).astimezone(UTC)


class Verdict(StrEnum):
    """What happened at an instant: the five states of an execution, and others."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    COLLAPSED = "collapsed"
    """It was missed, and a later execution stands for it too."""
    DUE = "due"
    """It is still to come."""
    OVERDUE = "overdue"
    """It is due, and no scheduler has made it yet."""
    PAUSED = "paused"
    ENDED = "ended"
    NO_FIRE = "no_fire"
    """The cron does not fire at that instant."""
    UNKNOWN = "unknown"
    """There is no record of it, or no longer one."""


class Reason(Schema):
    """One fire, or the queried instant, and in a sentence what happened."""

    at: Instant
    verdict: Verdict
    why: str
    execution_id: int | None = None
    lateness_ms: int | None = None


class Why(Schema):
    """Oldest first, at most 100; `is_whole` is false if there were more."""

    cron_id: int
    reasons: list[Reason]
    is_whole: bool
