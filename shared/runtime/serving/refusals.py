"""Why a connection is refused or closed before the application sees its request, with a sentence for each."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from shared.runtime.serving.bounds import (
    BYTES_PER_SECOND,
    HEAD_BYTES,
    HEADER_FIELDS,
    PIPELINED,
    REQUEST_LINE_BYTES,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Status and sentence for the peer, and the reason for logs and metrics."""

    reason: str
    status: HTTPStatus
    sentence: str

    def answer(self, body: bytes) -> bytes:
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        )
        retry = "Retry-After: 1\r\n" if self.status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        return f"{head}{retry}\r\n".encode() + body


REQUEST_LINE = Refusal(
    "request_line",
    HTTPStatus.REQUEST_URI_TOO_LONG,
    f"The address of the request must not be longer than {REQUEST_LINE_BYTES} bytes",
)
HEADERS = Refusal(
    "headers",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"The header must not have more than {HEADER_FIELDS} fields or {HEAD_BYTES} bytes",
)
HEAD_TIME = Refusal("header_time", HTTPStatus.REQUEST_TIMEOUT, "The header did not come in time")
BODY_TIME = Refusal(
    "body_time",
    HTTPStatus.REQUEST_TIMEOUT,
    f"The body came too slowly: send at least {BYTES_PER_SECOND} bytes a second",
)
BODY_SIZE = Refusal(
    "body_size", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body must not be larger than 1 MiB"
)
PIPELINE = Refusal(
    "pipelined",
    HTTPStatus.TOO_MANY_REQUESTS,
    f"At most {PIPELINED} requests may wait behind another on one connection",
)
MALFORMED = Refusal("malformed", HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1")
VERSION = Refusal("version", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1, not HTTP/2")
FULL = Refusal("full", HTTPStatus.SERVICE_UNAVAILABLE, "All connections are in use, try again")


def of_no_http(beginning: bytes) -> Refusal:
    """The refusal of a request that is not HTTP/1.1."""
    return VERSION if beginning == b"PRI * HTTP/2" else MALFORMED


def json_error(sentence: str) -> bytes:
    """The body of an error of the REST API."""
    return json.dumps({"error": sentence}, separators=(",", ":")).encode()
