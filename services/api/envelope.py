"""Around every request: its id, one line in the log, and an answer whatever happens."""

import time
from collections.abc import Sequence

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import internal_error
from services.api.routing import Resource
from shared.runtime.lines import Lines
from shared.runtime.serving import request_ids

log = structlog.get_logger()

PROBES = ("/healthz", "/readyz")
STATUS = "recuro.status"
"""Where a request has the status of its answer, once that has begun, and before that 0."""
METER = "recuro.meter"
"""Where a request has the meter of its token, whose headers every answer carries."""


class Envelope:
    """Thin on purpose: every request pays for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lines = Lines("request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            try:
                await self._app(scope, receive, send)
            finally:  # of the lifespan: all are answered
                self._lines.flush()
            return
        started, scope[STATUS] = time.perf_counter(), 0
        request_id = request_ids.give(scope)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope[STATUS] = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *_headers_of(scope),
                    (request_ids.HEADER, request_id),
                ]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("request_failed", request_id=request_ids.of(scope))
            if scope[STATUS]:
                raise  # half an answer is out: the server cuts the connection
            await internal_error()(scope, receive, watched)
        finally:
            self._tell(scope, scope[STATUS], time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        # Probes come every few seconds, for ever; one that fails is of interest.
        if _is_well(scope, status):
            log.debug("request", **_fields(scope, status, seconds))
        else:
            self._lines.tell(_fields, scope, status, seconds)


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, object]:
    """Of the line of a request."""
    resource = scope.get("endpoint")
    return {
        "method": scope["method"],
        # The pattern, not the path: people paste tokens and addresses into paths and queries.
        "route": resource.path if isinstance(resource, Resource) else None,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "team": scope.get("recuro.team"),
        "request_id": request_ids.of(scope),
    }


def _headers_of(scope: Scope) -> Sequence[tuple[bytes, bytes]]:
    """Those of the limits of its token."""
    if METER not in scope:
        return ()
    return [(name.lower().encode(), value.encode()) for name, value in scope[METER].headers.items()]


def _is_well(scope: Scope, status: int) -> bool:
    return status < 400 and scope["path"] in PROBES
