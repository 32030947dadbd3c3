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
)
"""The order in which a run is stored as a JSON array, times in ms: names would be half of its size."""
