"""The gate in front of /mcp: it checks the host name, the bearer token and the method."""

import json
from dataclasses import replace

from mcp.server.streamable_http import check_accept_headers
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.errors import Damaged, TooManyGuesses, Unauthenticated
from shared.runtime.serving import request_ids
from shared.security import refusals
from shared.security.caller import Caller
from shared.security.tokens import Callers
from shared.store.connection import AWAY

MAX_BODY_BYTES = 1_048_576
SET_HEADER = (
    'Set the header "Authorization: Bearer <token>" in this server\'s entry of the MCP configuration.'
)
_HOSTS = "RECURO_MCP_ALLOWED_HOSTS"
UNAUTHENTICATED, DAMAGED = -32010, -32012
_CALLER, _READS_ONLY = "recuro.caller", "recuro.reads_only"
_READING = frozenset({"read"})
_ANYTHING = (b"accept", b"*/*")
"""What a client without an Accept header accepts (RFC 9110 §12.5.1)."""


class Gate:
    """Passes a POST with a good token on; every other request gets an error in the form of JSON-RPC.

    One that is for reading only takes all that its callers may beside that from them.
    """

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        security: TransportSecuritySettings,
        *,
        reads_only: bool = False,
    ) -> None:
        self._app = app
        self._callers = callers
        self._reads_only = reads_only
        self._names = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_READS_ONLY] = self._reads_only
        # Blanks around a value are not part of it (RFC 9110 §5.5); the server leaves those at the end.
        headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        scope["headers"] = headers if "accept" in Headers(scope=scope) else [*headers, _ANYTHING]
        send_with_id = request_ids.echoed(send, request_ids.give(scope))
        refusal = _unservable(scope) or await self._unnamed(scope) or await self._admit(scope)
        await (refusal or self._app)(scope, receive, send_with_id)

    async def _unnamed(self, scope: Scope) -> Response | None:
        """The sentence that refuses a host name that is not ours; None for one that is."""
        refused = await self._names.validate_request(Request(scope), is_post=True)
        if refused is None:
            return None
        headers = Headers(scope=scope)
        host, origin = headers.get("host", "")[:255], headers.get("origin", "")[:255]
        known = f"list it in {_HOSTS} of the gateway, comma-separated, and start it again"
        said = {
            421: f"This gateway does not answer to the name {host!r}: {known}, or call it by another.",
            403: f"This gateway does not answer to pages of {origin!r}: if you trust that host, {known}.",
        }
        sentence = said.get(refused.status_code, "The Content-Type header must be application/json.")
        return refuse(refused.status_code, -32000, sentence)

    async def _admit(self, scope: Scope) -> Response | None:
        token, client = _bearer(Headers(scope=scope)), scope.get("client")
        try:
            caller = await self._callers.caller_of(token, client[0] if client else "")
            scope[_CALLER] = replace(caller, scopes=_READING) if self._reads_only else caller
        except Unauthenticated as error:
            refusals.count(error)
            challenge = 'Bearer realm="recuro"' + (', error="invalid_token"' if token else "")
            return refuse(
                401, UNAUTHENTICATED, f"{error}. {error.hint} {SET_HEADER}", {"WWW-Authenticate": challenge}
            )
        except TooManyGuesses as error:
            refusals.count(error)
            return refuse(
                429, UNAUTHENTICATED, f"{error}. {error.hint}", {"Retry-After": str(error.wait_seconds)}
            )
        except Damaged as error:
            return refuse(503, DAMAGED, f"{error} {error.hint}")
        except AWAY:
            scope[_CALLER] = None  # listing still works; a call reports that the storage is away
        return None


def caller_of(request: Request | None) -> Caller | None:
    """The caller who passed the gate; None if Redis was away then."""
    caller: Caller | None = request.scope[_CALLER] if request else None
    return caller


def is_for_reading(request: Request | None) -> bool:
    """Whether a request came by the address that is for reading only."""
    return bool(request and request.scope[_READS_ONLY])


def request_id_of(request: Request | None) -> str:
    """The id of the request that a call came with; an empty one for a call that came with none."""
    return request_ids.of(request.scope) if request else ""


def refuse(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An HTTP error with a JSON-RPC body, so that clients show the message and not only the status."""
    return Response(_as_rpc(code, message), status, headers, "application/json")


def error_body(message: str) -> bytes:
    """The body of a refusal before the gate sees the request."""
    return _as_rpc(-32600, message)


def _as_rpc(code: int, message: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}).encode()


def _unservable(scope: Scope) -> Response | None:
    if scope["method"] != "POST":
        # There are no sessions: nothing would arrive on a GET stream, and there is nothing to DELETE.
        return refuse(405, -32000, "Only POST is served here", {"Allow": "POST"})
    headers = Headers(scope=scope)
    takes_json, _ = check_accept_headers(Request(scope))
    if not takes_json:
        return refuse(406, -32000, "The Accept header must take application/json.")
    size = headers.get("content-length", "")
    if size.isdecimal() and int(size[:20]) > MAX_BODY_BYTES:
        return refuse(413, -32600, f"The request is larger than {MAX_BODY_BYTES} bytes")
    return None


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
