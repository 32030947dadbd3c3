"""Around every request: its id, one line in the log, and an answer whatever happens."""

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import internal_error
from services.api.routing import Resource

log = structlog.get_logger()

PROBES = ("/healthz", "/readyz")
_SANE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


class Envelope:
    """Thin on purpose: every request pays for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, request_id = time.perf_counter(), 0, _request_id(scope)
        scope["recuro.request_id"] = request_id.decode()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("request_failed", request_id=scope["recuro.request_id"])
            if status:
                raise  # half an answer is out: the server cuts the connection
            await internal_error()(scope, receive, send_with_id)
        finally:
            _tell(scope, status, time.perf_counter() - started)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(16).encode()


def _tell(scope: Scope, status: int, seconds: float) -> None:
    resource = scope.get("endpoint")
    # Probes come every few seconds, for ever; one that fails is of interest.
    tell = log.debug if scope["path"] in PROBES and status < 400 else log.info
    tell(
        "request",
        method=scope["method"],
        # The pattern, not the path: people paste tokens and addresses into paths and queries.
        route=resource.path if isinstance(resource, Resource) else None,
        status=status,
        duration_ms=round(seconds * 1000, 2),
        team=scope.get("recuro.team"),
        request_id=scope["recuro.request_id"],
    )
