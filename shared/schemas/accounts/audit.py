"""The audit trail: who changed what, by which operation, and why."""

from typing import Annotated, Literal, get_args

from pydantic import Field, JsonValue

from shared.schemas.base import Instant, Schema
from shared.schemas.instants import InQuery

_Interface = Literal["rest", "mcp", "web", "cli"]
INTERFACES = get_args(_Interface)
Short = Annotated[str, Field(max_length=255)]


class AuditChange(Schema):
    """A field that was changed; long texts are cut, and secrets are masked."""

    before: Annotated[JsonValue, Field(description="What the field was")]
    after: Annotated[JsonValue, Field(description="What it is then")]


class AuditLine(Schema):
    """One write that was done."""

    id: str
    """It grows with time; not a number."""
    at: Instant
    operation: str
    """The name of the operation or tool."""
    actor: str
    """Who did it: the name of the token, the address of the user, or `recuro`."""
    token: str
    """Its id, or that of the session; empty of what Recuro did itself."""
    interface: str
    """rest, mcp or web, or cli for the command line; empty of what Recuro did itself."""
    client: str
    """What the caller's program calls itself."""
    request_id: str
    reason: str
    """As the caller gave it in `Recuro-Reason`; empty without."""
    about: tuple[str, ...]
    """What was changed, as `cron:7`; jobs made in one call as `job:8-12`."""
    changes: dict[str, AuditChange]


class AuditQuery(Schema):
    operation: Annotated[Short | None, Field(description="Only this operation, as update-cron")] = None
    about: Annotated[Short | None, Field(description="Only what changed this, as cron:7")] = None
    actor: Annotated[Short | None, Field(description="Only by tokens of this name")] = None
    token: Annotated[Short | None, Field(description="Only by the token with this id")] = None
    interface: Annotated[_Interface | None, Field(description="Only by this interface")] = None
    after: Annotated[InQuery | None, Field(description="Only from this moment on")] = None
    before: Annotated[
        str | None,
        Field(pattern=r"^\d{1,20}-\d{1,20}$", description="Only what is older than the line with this id"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many lines at most")] = 25
    q: Annotated[
        str | None, Field(max_length=500, description="Words and keys, as by:ci action:update-cron")
    ] = None


class AuditPage(Schema):
    """Lines of the audit trail, newest first."""

    data: tuple[AuditLine, ...]
    next: str | None
    """What `before` has to be for the lines that follow; null at the end."""
    looked_at: Annotated[
        int | None,
        Field(
            description="Only where it ended before it had found so many: at so many lines, from `before` on",
            exclude_if=lambda number: number is None,
        ),
    ] = None
