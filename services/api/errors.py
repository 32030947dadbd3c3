"""What goes wrong, as HTTP says it; nobody else here knows a status code of an error."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from services.api.routing import Resource
from shared.errors import (
    Conflict,
    Damaged,
    Forbidden,
    Invalid,
    NotFound,
    RecuroError,
    Stale,
    TooManyCalls,
    TooManyGuesses,
    TooManyWaits,
    Unauthenticated,
)
from shared.runtime import probes
from shared.runtime.waiting.waits import HungUp
from shared.security import refusals
from shared.store.connection import AWAY, OutcomeUnknown, translated

log = structlog.get_logger()


Handler = Callable[[Request, Exception], Awaitable[Response]]


class Malformed(Exception):
    """The body is not JSON; `str(error)` says where."""


class TooLarge(Exception):
    """The body is over the limit."""


class Unconditional(Exception):
    """The installation wants changes to say which version they are for."""


class Refused(Exception):
    """The request is well-formed, but fields of it are wrong."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__()
        self.errors = dict(errors)


def internal_error() -> Response:
    return _error(500, "Internal error")


def _saying(status: int) -> Handler:
    """A handler for errors that say themselves what is wrong."""

    async def handle(_request: Request, error: Exception) -> Response:
        return _error(status, str(error))

    return handle


async def _too_large(request: Request, _error_: Exception) -> Response:
    # A declared body is read to its end unseen, so that its sender gets to this answer; others are cut.
    headers = {} if "content-length" in request.headers else {"Connection": "close"}
    return _error(413, "The body must not be larger than 1 MiB", headers)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    first = next(iter(error.errors.values()))[0]
    return JSONResponse({"message": first, "errors": error.errors}, 422)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, Invalid)
    return await _refused(request, Refused({error.field: [str(error)]}))


def _refusing(status: int) -> Handler:
    """A handler for what is refused to a caller, which says what to do and is counted."""

    async def handle(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RecuroError)
        refusals.count(error)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if isinstance(error, TooManyGuesses | TooManyCalls):
            headers = {"Retry-After": str(error.wait_seconds)}
        return JSONResponse({"error": str(error), "message": error.hint}, status, headers)

    return handle


async def _full(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TooManyWaits)
    said = {"error": str(error), "message": error.hint}
    return JSONResponse(said, 503, {"Retry-After": str(error.wait_seconds)})


async def _away(request: Request, error: Exception) -> Response:
    known = translated(error)
    if isinstance(known, Damaged):  # of a pipeline, which nobody translates
        return await _damaged(request, known)
    return probes.unavailable(error)


async def _damaged(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Damaged)
    log.error("record_damaged", error=str(error))
    return JSONResponse({"error": "Record damaged", "message": f"{error} {error.hint}"}, 409)


async def _stale(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Stale)
    return JSONResponse({"error": str(error), "message": error.hint}, 412)


async def _unconditional(_request: Request, _error_: Exception) -> Response:
    sentence = (
        "Read it first, and send the ETag of the answer as If-Match: it is changed only as you know it."
    )
    return JSONResponse({"error": "Precondition required", "message": sentence}, 428)


async def _unknown(request: Request, error: Exception) -> Response:
    log.warning("outcome_unknown", error=repr(error))
    resource = request.scope["endpoint"]
    look = resource.look(request) if isinstance(resource, Resource) else ""
    ways = ["Send it again with the same Idempotency-Key: nothing is done twice, and you get the answer."]
    if "idempotency-key" not in request.headers:
        ways = ["It came without an Idempotency-Key, with which you could have sent it again."]
        ways[:0] = [f"Look before you send it again: GET {look}."] if look else []
    sentence = " ".join(["The storage did not answer, so that it may have been done.", *ways])
    return JSONResponse({"error": "Outcome unknown", "message": sentence}, 503, probes.RETRY)


async def _gone(_request: Request, _error_: Exception) -> Response:
    return _error(400, "The client went away")  # nobody reads this, but the log line has a status


async def _by_status(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail.capitalize(), error.headers)


def _error(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, headers)


handlers: dict[type[Exception], Handler] = {
    Unauthenticated: _refusing(401),
    TooManyGuesses: _refusing(429),
    TooManyCalls: _refusing(429),
    TooManyWaits: _full,
    Forbidden: _refusing(403),
    NotFound: _saying(404),
    Conflict: _saying(409),
    Stale: _stale,
    Unconditional: _unconditional,
    Damaged: _damaged,
    Malformed: _saying(400),
    TooLarge: _too_large,
    Refused: _refused,
    Invalid: _invalid,
    ClientDisconnect: _gone,
    HungUp: _gone,
    HTTPException: _by_status,
    **dict.fromkeys(AWAY, _away),
    OutcomeUnknown: _unknown,
}
