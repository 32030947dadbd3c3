"""The answers to other paths than /mcp: always JSON, as hosts show what they cannot parse."""

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from services.mcp.gate import SET_HEADER, refuse
from shared.errors import HOW_TO_GET_ONE

NO_OAUTH = f"Recuro has no OAuth: its tokens are made by hand. {SET_HEADER} {HOW_TO_GET_ONE}"
_WELL_KNOWN = "/.well-known/"
_STEPS = ("register", "authorize", "token", "revoke", "introspect")
"""The paths that a host tries without metadata, by their last part."""


class Elsewhere:
    """Answers every other path, with every method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(scope["path"])(scope, receive, send)


def _answer(path: str) -> Response:
    if _WELL_KNOWN in path:
        # Without metadata a host tries to register, and gets the sentence there too.
        return _oauth_error(404)
    if path.rpartition("/")[2] in _STEPS:
        return _oauth_error(400)
    return refuse(404, -32000, f"Nothing is served at {path[:200]}. MCP is at /mcp: let the URL end in it.")


def _oauth_error(status: int) -> Response:
    return JSONResponse({"error": "invalid_request", "error_description": NO_OAUTH}, status)
