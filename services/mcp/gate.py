"""The bearer gate in front of /mcp: who is calling, and POST only."""

import json

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Unauthenticated
from shared.store import AWAY
from shared.tokens import Caller, Callers

MAX_BODY_BYTES = 1_048_576
UNAUTHENTICATED = -32010
_CALLER = "recuro.caller"


class Gate:
    """Lets a POST with a good token through; everybody else gets an error shaped as JSON-RPC."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _unservable(scope) or await self._admit(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _admit(self, scope: Scope) -> Response | None:
        token = _bearer(Headers(scope=scope))
        try:
            scope[_CALLER] = await self._callers.caller_of(token)
        except Unauthenticated as error:
            challenge = 'Bearer realm="recuro"' + (', error="invalid_token"' if token else "")
            return refuse(401, UNAUTHENTICATED, f"{error}. {error.hint}", {"WWW-Authenticate": challenge})
        except AWAY:
            scope[_CALLER] = None  # listing still works; a call says that the storage is away
        return None


def caller_of(request: Request | None) -> Caller | None:
    """Who passed the gate; None if Redis was away then."""
    caller: Caller | None = request.scope[_CALLER] if request else None
    return caller


def refuse(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An HTTP error whose body is JSON-RPC, so that clients show the message and not the bare status."""
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, headers, "application/json")


def _unservable(scope: Scope) -> Response | None:
    if scope["method"] != "POST":
        # Sessionless: nothing could ever arrive on a standing GET stream, and there is nothing to DELETE.
        return refuse(405, -32000, "Only POST is served here", {"Allow": "POST"})
    size = Headers(scope=scope).get("content-length", "")
    if size.isdecimal() and int(size[:20]) > MAX_BODY_BYTES:
        return refuse(413, -32600, f"The request is larger than {MAX_BODY_BYTES} bytes")
    return None


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
