"""The errors that an operation may be answered with, by status, for the OpenAPI document."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from shared.errors import Forbidden, NoToken, RecuroError, TooManyGuesses
from shared.operations import Operation
from shared.schemas.base import Schema


def _is_none(value: str | None) -> bool:
    return value is None


class Error(Schema):
    """What is wrong, as a sentence."""

    error: Annotated[str, Field(description="What is wrong")]
    message: Annotated[
        str | None,
        Field(
            description="What to do about it, where there is more to say",
            exclude_if=_is_none,
        ),
    ] = None


class InvalidFields(Schema):
    """Which fields are wrong, and how to mend them."""

    message: Annotated[str, Field(description="The first sentence of `errors`")]
    errors: Annotated[dict[str, list[str]], Field(description="By field, the sentences that name the remedy")]


DESCRIPTIONS = {
    400: "The body is not valid JSON",
    401: "There is no token, or it is not known",
    403: "The token lacks the scope, or its limits do not allow it",
    404: "The team has no such record",
    409: "The record does not allow it: it has ended, is being changed by others, or is damaged",
    412: "It has another version than If-Match says: it was changed since it was read",
    413: "The body is larger than 1 MiB",
    414: "The address is longer than 8 KiB",
    422: "A field, query parameter or header is wrong",
    428: "There is no If-Match, which this installation wants of every change",
    429: "The token has used up its calls or runs, as RateLimit says; or too many wrong tokens came from the "
    "address",
    500: "An error of ours; the log has its cause under the X-Request-Id",
    503: "Storage unavailable, or too many wait already: nothing was done. Or outcome unknown: it may have "
    "been done",
}


def _said(error: RecuroError) -> dict[str, str]:
    return {"error": str(error), "message": error.hint}


EXAMPLES = {
    400: {"error": "The body is not valid JSON: EOF while parsing an object at line 1 column 8"},
    401: _said(NoToken()),
    403: _said(Forbidden("The token lacks the write scope")),
    404: {"error": "Cron not found"},
    409: {"error": "The job has ended; there is nothing to cancel."},
    412: {"error": "Precondition failed", "message": "It was changed since you read it: read it again."},
    413: {"error": "The body must not be larger than 1 MiB"},
    414: {"error": "The address of the request must not be longer than 8192 bytes"},
    422: {"message": "The url field is required.", "errors": {"url": ["The url field is required."]}},
    428: {"error": "Precondition required", "message": "Read it first, and send the ETag as If-Match."},
    429: _said(TooManyGuesses(2)),
    500: {"error": "Internal error"},
    503: {"error": "Storage unavailable"},
}


def statuses_of(operation: Operation) -> Iterator[int]:
    """Those of the errors that the operation may be answered with."""
    if operation.takes:
        yield 400
    yield from (401, 403)
    if any(each.type is int for each in operation.ids):
        yield 404
    yield 409
    if operation.takes_version:
        yield 412
    if operation.takes:
        yield 413
    if operation.query:
        yield 414
    if operation.takes or operation.query or operation.is_write:
        yield 422
    if operation.takes_version:
        yield 428
    yield from (429, 500, 503)


def model_of(status: int) -> type[Schema]:
    return InvalidFields if status == 422 else Error
