"""The parts that all schemas share."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from shared.basics.memory import MEBIBYTE, remembered
from shared.schemas.marks import Mark

T = TypeVar("T")

MAX_HEADERS, MAX_HEADER_BYTES = 64, 8192

STORED = object()
"""The validation context for stored records: the rules for new input do not apply to them."""

HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f\\]")
_SERVER = re.compile(r"https?://[^/?#]*", re.IGNORECASE)

_KEY = re.compile(r"[!-~]{1,255}\Z")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\Z"
)

MAX_LABELS = 16
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?\Z")
_LABEL_FORM = "1 to 63 letters, digits, dots, dashes, slashes or underscores, a letter or digit at both ends"

OURS = frozenset(
    {
        *(
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
        ),
        *("expect", "proxy-authorization", "proxy-connection", "accept-encoding"),
        *("webhook-id", "webhook-timestamp", "webhook-signature"),
    }
)
"""Request headers that Recuro writes itself (spec §4), so that a caller cannot."""


class Schema(BaseModel):
    """Immutable, and strict about unknown fields."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,  # an answer always has all its keys
    )

    def as_json(self) -> str:
        """As it is answered; one of many parts may put together what these remember."""
        return self.model_dump_json()


class Method(StrEnum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def check_url(value: str) -> str:
    """The URL unchanged; raises ValueError if it cannot be called."""
    if _NOT_IN_URLS.search(value):
        raise ValueError("must not contain blanks, backslashes or control characters; percent-encode them")
    server = _SERVER.match(value)
    _check_server(server[0] if server else value)
    return value


@remembered(2 * MEBIBYTE)
def _check_server(value: str) -> None:
    """Of a URL as far as its path: many URLs have one server."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"must be a valid URL ({error})") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("must start with http:// or https://")
    if not host:
        raise ValueError("must name a host, as in https://api.example.com/path")
    if "@" in parts.netloc:
        raise ValueError("must not carry a user name or password; use an Authorization header")


def _check_headers(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MAX_HEADERS or sum(len(k) + len(v) for k, v in value.items()) > MAX_HEADER_BYTES:
        raise ValueError(f"must hold at most {MAX_HEADERS} headers and {MAX_HEADER_BYTES} characters")
    for name, content in value.items():
        if not HEADER_NAME.match(name):
            raise ValueError(f"has the name {name[:60]!r}, which is no valid HTTP header name")
        if not _VALUE.match(content):
            raise ValueError(f"has a value for {name} with a line break, NUL or a character outside Latin-1")
        _check_meaning(name, content)
        if name.lower() in OURS or name.lower().startswith(("recuro-", "x-recuro-")):
            raise ValueError(f"must not set {name}: Recuro sets it itself")
    lower = [name.lower() for name in value]
    if twice := [name for name in value if lower.count(name.lower()) > 1]:
        raise ValueError(f"names a header twice: {' and '.join(twice[:2])}")
    return value


def _check_merged(value: dict[str, str | None]) -> dict[str, str | None]:
    lower = [name.lower() for name in value]
    if twice := [name for name in value if lower.count(name.lower()) > 1]:
        raise ValueError(f"names a header twice: {' and '.join(twice[:2])}")
    _check_headers({name: content for name, content in value.items() if content is not None})
    return value


def _check_meaning(name: str, content: str) -> None:
    """Check headers that receivers and tracers act on."""
    if name.lower() == "idempotency-key" and not _KEY.match(content):
        raise ValueError(f"has a value for {name} that is not 1 to 255 visible ASCII characters")
    if name.lower() == "traceparent" and not _TRACEPARENT.match(content):
        raise ValueError(
            f"has a value for {name} that is none of W3C Trace Context, as 00-<32 hex>-<16 hex>-01"
        )


def _check_labels(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MAX_LABELS:
        raise ValueError(f"must hold at most {MAX_LABELS} labels")
    for key, text in value.items():
        if not _LABEL.match(key):
            raise ValueError(f"has the key {key[:64]!r}, which is not {_LABEL_FORM}")
        if text and not _LABEL.match(text):
            raise ValueError(f"has a value for {key} that is neither empty nor {_LABEL_FORM}")
    return value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be an integer")  # in Python true equals 1
    return value


def _iso(moment: datetime) -> str:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(timespec="seconds")


Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Url = Annotated[str, Field(max_length=2048), AfterValidator(check_url), Mark.URL]
"""An http(s) URL, kept exactly as the caller wrote it."""
UrlOrNone = Annotated[
    str, Field(max_length=2048), AfterValidator(lambda value: check_url(value) if value else value), Mark.URL
]
"""The same, or an empty text."""
Headers = Annotated[dict[str, str], AfterValidator(_check_headers), Mark.HEADERS]
"""Headers for the `url` of the same model."""
HeaderChanges = Annotated[dict[str, str], AfterValidator(_check_headers), Mark.HEADER_CHANGES]
"""Headers for the `url` that is stored; a mask in them stands for the value that is kept."""
HeadersMerged = Annotated[dict[str, str | None], AfterValidator(_check_merged), Mark.HEADER_CHANGES]
"""Headers that are put among stored ones, each by its name; null removes one."""
Labels = Annotated[
    dict[str, str],
    AfterValidator(_check_labels),
    Field(description="Texts by key, as team: billing, to find it by"),
]
NO_BOOL = BeforeValidator(_no_bool)
"""Stands after an integer's bounds: a bound after a validator would be `ge` in the schema, not `minimum`."""
Timeout = Annotated[int, Field(ge=1, le=300), NO_BOOL]
Id = Annotated[int, Field(ge=1, le=2**53), NO_BOOL]
Instant = Annotated[datetime, PlainSerializer(_iso, return_type=str)]
"""Written as ISO 8601 with `+00:00`, whole seconds; read from milliseconds since 1970 too."""


NULL = {"type": "null"}
OF_THE_CALL = "idempotency_key"
"""A field of the call, not of the changed record, so that null does not clear it."""


def without_defaults(schema: dict[str, Any]) -> None:
    """In an update's JSON schema a missing field means "unchanged", so no default is shown; null clears."""
    for name, field in schema.get("properties", {}).items():
        field.pop("default", None)
        said = field.get("description", "")
        if NULL in field.get("anyOf", ()) and "null" not in said and name != OF_THE_CALL:
            field["description"] = f"{said}; null clears it".lstrip("; ")


class PageQuery(Schema):
    """Which page of a list: newest first, 25 a page by default."""

    page: Annotated[int, Field(ge=1, le=10_000_000, description="Page number, from 1")] = 1
    per_page: Annotated[int, Field(ge=1, le=100, description="Rows a page")] = 25
    search: Annotated[str | None, Field(max_length=200, description="Part of the URL or name")] = None


Searched = Annotated[
    str | None, Field(max_length=500, description="Words and keys, as status:failed host:a.example")
]


class SearchQuery(PageQuery):
    """A page of a list that can be searched by what its rows say."""

    q: Searched = None


class OlderQuery(SearchQuery):
    """The same, where a search that did not look at all can go on."""

    before: Annotated[Id | None, Field(description="Only those of lower ids, as next_before has it")] = None


(SEARCHED,) = set(SearchQuery.model_fields) - set(PageQuery.model_fields)
"""The field that has the search."""


class WaitQuery(Schema):
    """For how long the answer may wait until what it is about has ended."""

    wait: Annotated[
        int | None,
        Field(
            ge=0, le=60, description="Wait for its end, for so many seconds at most; 202 if it has not come"
        ),
        NO_BOOL,
    ] = None


class Page(Schema, Generic[T]):
    """One page of a list, newest first."""

    data: list[T]
    current_page: int
    last_page: int
    per_page: int
    total: int
    looked_at: Annotated[
        int | None,
        Field(
            description="Only of a search that did not look at all: at so many of the newest rows",
            exclude_if=lambda number: number is None,
        ),
    ] = None
    next_before: Annotated[
        int | None,
        Field(
            description="The last of them: with it as `before` a search goes on, where that is a parameter",
            exclude_if=lambda number: number is None,
        ),
    ] = None


Problem = Annotated[
    str | None,
    Field(
        description="What of its record cannot be used, where something cannot",
        exclude_if=lambda found: found is None,
    ),
]
"""The last field of a shown record; present only if something is wrong with it."""
Warnings = Annotated[
    tuple[str, ...],
    Field(
        description="What will not do what was meant, and what to do about it",
        exclude_if=lambda found: not found,
    ),
]
"""The last field of the answer to a write; present only if there are warnings."""


Cut = Annotated[
    tuple[str, ...],
    Field(
        description="Of a row of a list: fields of which it has only the beginning; GET of the one has all",
        exclude_if=lambda names: not names,
    ),
]
"""The last field of a row of a list; present only if something was cut."""


class Deleted(Schema):
    deleted: bool = True
    id: int
