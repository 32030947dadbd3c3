"""What became of many crons or jobs."""

from enum import StrEnum

from pydantic import JsonValue

from shared.schemas.accounts.audit import AuditChange
from shared.schemas.base import Instant, Schema


class BulkRefusal(Schema):
    id: int
    reason: str


class BulkMatch(Schema):
    """One of those that are meant; `name` is the URL of a job."""

    id: int
    name: str
    changes: dict[str, AuditChange]
    """What of its fields would change."""


class BulkCounts(Schema):
    """How many are meant, and what became of them."""

    matched: int
    looked_at: int | None = None
    """How many of the newest the search looked at; null if that was all, or there was no search."""
    done: int = 0
    unchanged: int = 0
    """They were so already."""
    missing: int = 0
    refused: int = 0
    remaining: int = 0
    """At once: for these there was no time: repeat the call, under the same key if it had one."""
    refusals: tuple[BulkRefusal, ...] = ()
    """The first 100 of the refused."""


class BulkResult(BulkCounts):
    """What one call did, or would do."""

    dry_run: bool = False
    unchanged_ids: tuple[int, ...] = ()
    """The first 100 of those that were so already."""
    sample: tuple[BulkMatch, ...] = ()
    """Of a dry run the first 20."""


class BulkState(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class BulkReason(StrEnum):
    """Why it was cancelled."""

    REQUESTED = "requested"
    TOKEN_ENDED = "token_ended"
    """The token that wanted it is gone, has expired or may not write any more."""
    LOST = "lost"
    """What was stored of it was damaged: the remaining ones are not known any more."""


class BulkProgress(BulkCounts):
    """A change of many in the background, and how far it is."""

    id: int
    state: BulkState
    reason: BulkReason | None
    noun: str
    """cron or job."""
    action: str | None
    change: dict[str, JsonValue] | None
    """Of each; null if it is an action."""
    actor: str
    """Who wants it, as the audit trail says it: the name of the token."""
    token: str
    started_at: Instant
    ended_at: Instant | None
