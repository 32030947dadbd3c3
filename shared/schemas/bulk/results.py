"""What became of many crons or jobs."""

from shared.schemas.accounts.audit import AuditChange
from shared.schemas.base import Schema


class BulkRefusal(Schema):
    id: int
    reason: str


class BulkMatch(Schema):
    """One of those that are meant; `name` is the URL of a job."""

    id: int
    name: str
    changes: dict[str, AuditChange]
    """What of its fields would change."""


class BulkResult(Schema):
    """How many were meant, and what became of each."""

    dry_run: bool = False
    matched: int
    looked_at: int | None = None
    """How many of the newest the search looked at; null if that was all, or there was no search."""
    done: int = 0
    unchanged: int = 0
    """They were so already."""
    missing: int = 0
    refused: int = 0
    remaining: int = 0
    """For these there was no time: repeat the call, under the same key if it had one."""
    refusals: tuple[BulkRefusal, ...] = ()
    """The first 100 of the refused."""
    sample: tuple[BulkMatch, ...] = ()
    """Of a dry run the first 20."""
