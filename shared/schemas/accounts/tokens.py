"""Tokens: what each may do, and what is known of it."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from shared.schemas.base import NO_BOOL, Instant, Name, Schema, without_defaults
from shared.schemas.instants import End

T = TypeVar("T")

MOST_PATTERNS = 50
SCOPES = ("read", "write", "admin")
"""Each covers those before it."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?P<name>(?:\*\.)?{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")


def host_of(pattern: str) -> tuple[str, int | None]:
    """Of a name, `*.` and a name, or an address: that, and the port after it if there is one."""
    found = _HOST.fullmatch(pattern)
    if found is None:
        return "", None
    return found["name"].strip("[]"), int(found["port"]) if found["port"] else None


def _check_host(text: str) -> str:
    text = text.strip().lower().rstrip(".")
    found = _HOST.fullmatch(text)
    port = int(found["port"] or 1) if found else 0
    if found is None or not 1 <= port <= 65_535:
        raise ValueError("must be a host as api.example.com, *.example.com or api.example.com:8443")
    if text.startswith("["):
        try:
            text = text.replace(found["name"], f"[{IPv6Address(found['name'][1:-1])}]")
        except ValueError:
            raise ValueError("must be a host; what stands in brackets is no IPv6 address") from None
    return text


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(scopes), key=SCOPES.index))


Host = Annotated[str, Field(min_length=1, max_length=260), AfterValidator(_check_host)]
QueuePattern = Annotated[Name, Field(description="A name, or one with stars for any text")]
Scopes = Annotated[
    tuple[Literal["read", "write", "admin"], ...],
    Field(min_length=1, max_length=3, description="What it may do; each covers those before it"),
    AfterValidator(_in_order),
]
Most = Annotated[int, Field(ge=1, le=10**9), NO_BOOL] | None
TokenName = Annotated[Name, BeforeValidator(_trimmed)]


class TokenLimits(Schema):
    """What a token may do less than its scopes say; null is no limit."""

    queues: Annotated[
        Annotated[
            tuple[QueuePattern, ...], Field(min_length=1, max_length=MOST_PATTERNS), AfterValidator(_once)
        ]
        | None,
        Field(description="Only these queues, as mail or mail-*"),
    ] = None
    hosts: Annotated[
        Annotated[tuple[Host, ...], Field(min_length=1, max_length=MOST_PATTERNS), AfterValidator(_once)]
        | None,
        Field(description="Only these hosts are called, as api.example.com or *.example.com:443"),
    ] = None
    min_interval_seconds: Annotated[
        Annotated[int, Field(ge=1, le=31_536_000), NO_BOOL] | None,
        Field(description="No cron of it fires more often"),
    ] = None
    may_delete: Annotated[bool, Field(description="Whether it may delete and purge")] = True
    calls_per_hour: Annotated[Most, Field(description="Most calls an hour")] = None
    calls_per_day: Annotated[Most, Field(description="Most calls a day")] = None
    runs_per_hour: Annotated[Most, Field(description="Most jobs, runs and replays an hour")] = None
    runs_per_day: Annotated[Most, Field(description="Most jobs, runs and replays a day")] = None
    expires_at: Annotated[End | None, Field(description="From then on it is refused")] = None


class TokenCreate(TokenLimits):
    """A token to be made for the team."""

    name: Annotated[TokenName, Field(description="What to call it; unique in the team")]
    scopes: Scopes


class TokenUpdate(TokenLimits):
    """Only the fields that are given change."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: Annotated[TokenName, Field(description="What to call it; unique in the team")] = ""
    scopes: Scopes = ("read",)


class Token(TokenCreate):
    """A token, without itself: that is shown once, when it is made."""

    id: int
    last_four: str
    """Its last four characters; empty for one of an earlier version."""
    fingerprint: str
    """The beginning of its SHA-256, by which the audit trail and `recuro token list` name it."""
    created_at: Instant | None
    created_by: str
    """The name of the token, or `operator`, that made it; empty for one of an earlier version."""
    user_id: Annotated[int | None, Field(description="Whose it is; null of one that an operator made")]
    """It may do no more than this user by now, and ends with the user's membership."""
    last_used_at: Instant | None
    """Within a minute or so."""
    last_used_by: str | None
    """By which interface: rest or mcp."""
    last_used_from: str | None
    """From which address."""
    refused: dict[str, int]
    """How often it was refused, by the reason: scope, owner, people, calls, runs, or a limit."""


class TokenCreated(Token):
    """A new token, shown once."""

    token: str
