"""Runs: one HTTP exchange of a job or an execution."""

from enum import StrEnum

from shared.schemas.base import Instant, Schema


class FailureReason(StrEnum):
    """Why a run counts as failed."""

    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    DNS_ERROR = "dns_error"
    SSL_ERROR = "ssl_error"
    HTTP_CLIENT_ERROR = "http_client_error"
    HTTP_SERVER_ERROR = "http_server_error"
    INVALID_URL = "invalid_url"
    ASSERTION_FAILED = "assertion_failed"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNKNOWN = "unknown"
    BLOCKED_ADDRESS = "blocked_address"
    REDIRECT = "redirect"
    RESPONSE_TOO_LARGE = "response_too_large"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_PING = "no_ping"
    PING_FAILED = "ping_failed"


class FailureStage(StrEnum):
    """How far a request without a complete response came; at the first three it was never sent."""

    LOOKUP = "lookup"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"
    """It was sent, and nothing came back."""
    RESPONSE = "response"
    """A response began and did not end, or cannot be read."""


class ConnectionUse(StrEnum):
    """How a request came to its connection."""

    NEW = "new"
    KEPT = "kept"
    """It was there from a request before."""


class Phases(Schema):
    """Where the time of a run went, in whole ms; None is a phase that did not happen.

    All but the first add up to its duration. The phase in which it failed lasts until then.
    """

    waited_ms: int
    """From when it was due until its request began."""
    dns_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    sent_ms: int | None = None
    first_byte_ms: int | None = None
    body_ms: int | None = None


class RunSummary(Schema):
    """The six keys that the MCP reference documents."""

    response_status: int | None = None
    response_body: str | None = None
    duration_ms: int | None = None
    error_message: str | None = None
    started_at: Instant | None = None
    executed_at: Instant | None = None


class Run(RunSummary):
    """One HTTP exchange: what was sent, what came back, and what that means."""

    failure_reason: FailureReason | None = None
    failure_stage: FailureStage | None = None
    response_headers: dict[str, str | list[str]] | None = None
    """A list if a name came more than once."""
    response_truncated: bool = False
    request_headers: dict[str, str] | None = None
    """As sent, with secret values masked; None if nothing was sent."""
    request_body: str | None = None
    """As sent, up to 64 KiB."""
    attempt: int = 1
    request_method: str | None = None
    request_url: str | None = None
    """As sent, as the next; None if nothing was sent."""
    request_truncated: bool = False
    """Whether more was sent than is kept of the body."""
    phases: Phases | None = None
    """None if no connection was wanted."""
    address: str | None = None
    """The IP address that was dialled; None by way of a proxy."""
    connection: ConnectionUse | None = None
    worker: str | None = None
    """Which worker sent it: `<host>:<pid>`."""


STORED = (
    "attempt",
    "response_status",
    "duration_ms",
    "started_at",
    "response_body",
    "response_headers",
    "response_truncated",
    "failure_reason",
    "error_message",
    "failure_stage",
    "request_headers",
    "request_body",
    "phases",
    "request_method",
    "request_url",
    "request_truncated",
)
"""The order in which a run is stored as a JSON array, times in ms: names would be half of its size."""
PHASES = (
    "waited_ms",
    "sent_ms",
    "first_byte_ms",
    "body_ms",
    "worker",
    "address",
    "dns_ms",
    "connect_ms",
    "tls_ms",
)
"""The order in which `phases` is stored as an array; of a kept connection without the last three."""
