"""A plain request of the handshake eras, and a call of the modern one, served in the task of its request.

For the former the SDK makes a transport, a dispatcher and a task of its own each, which is most of what it
costs; for the latter it looks at each twice that the gate looked at, and writes it by models. It still does
so for what is not plain: a handshake, a notification, a body without a length, headers that do not fit; and
for all if it is a version that this was not tried with.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.connection import Connection
from mcp.server.runner import modern_error_data, serve_one
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import DEFAULT_NEGOTIATED_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic_core import from_json, to_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.mcp import outside
from shared.basics.memory import MEBIBYTE, remembered

TRIED = "2.3."
"""The versions of the SDK that tests/mcp/test_direct.py compares this with."""
CLIENT_CHARACTERS = 100
_SESSION, _VERSION = "mcp-session-id", "mcp-protocol-version"
_PARAM = "mcp-param-"
_CLIENT = "recuro.client"
_SERVED = frozenset({*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS})
_MEMBERS = frozenset({"jsonrpc", "id", "method", "params"})


@dataclass(slots=True)
class _Exchange:
    """What the SDK asks of the way on which a request came: nothing goes to the client but the answer."""

    request_id: int | str
    message_metadata: ServerMessageMetadata
    transport: TransportContext
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)
    can_send_request: bool = False

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        return None

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        return None


class Direct:
    """Serves plain requests by `server`, and passes all others on."""

    def __init__(self, server: Server[dict[str, Any]], otherwise: ASGIApp) -> None:
        self._server = server
        self._otherwise = otherwise
        self._is_tried = version("mcp").startswith(TRIED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        era = headers.get(_VERSION, DEFAULT_NEGOTIATED_VERSION)
        if era not in _SERVED or "content-length" not in headers or not self._is_tried:
            await self._otherwise(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        message = _read(body)
        if message.get("method") == "initialize" and era in HANDSHAKE_PROTOCOL_VERSIONS:
            await self._otherwise(scope, _again(body, receive), _naming(send, message))
        elif (connection := _connection(message, era, headers)) is None:
            await self._otherwise(scope, _again(body, receive), send)
        else:
            scope[_CLIENT] = _client_in(headers.get(_SESSION, ""))
            response = await self._answer(request, connection, message)
            await response(scope, receive, send)

    async def _answer(self, request: Request, connection: Connection, message: dict[str, Any]) -> Response:
        exchange = _Exchange(
            message["id"],
            ServerMessageMetadata(request_context=request),
            TransportContext(kind="streamable-http", can_send_request=False, headers=request.headers),
        )
        status = 200
        try:
            result = await serve_one(
                *(self._server, exchange, message["method"], message.get("params")),
                connection=connection,
                lifespan_state={},
            )
            said: dict[str, Any] = {"result": result}
        except Exception as error:
            problem = modern_error_data(error)
            if connection.protocol_version in MODERN_PROTOCOL_VERSIONS:
                status = ERROR_CODE_HTTP_STATUS.get(problem.code, status)
            said = {"error": problem.model_dump(mode="json", exclude_none=True)}
        answer = to_json({"jsonrpc": "2.0", "id": message["id"], **said})
        return Response(answer, status, media_type="application/json")


def _connection(message: dict[str, Any], era: str, headers: Headers) -> Connection | None:
    """What a plain request says of itself; None for what is left to the SDK."""
    if not _is_plain(message):
        return None
    if era in HANDSHAKE_PROTOCOL_VERSIONS:
        return Connection.from_envelope(era, None, None)
    given = headers.items()
    if message["method"] != "tools/call" or any(name.startswith(_PARAM) for name, _ in given):
        return None
    if find_duplicated_routing_header(given) is not None:
        return None
    verdict = classify_inbound_request(message, headers=dict(given))
    if isinstance(verdict, InboundLadderRejection):
        return None
    return Connection.from_envelope(
        verdict.protocol_version, verdict.client_info, verdict.client_capabilities
    )


def client_of(scope: Scope) -> str:
    """The name and version that the client gave in its handshake, if it says which that was."""
    name: str = scope.get(_CLIENT, "")
    return name


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = from_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_plain(message: dict[str, Any]) -> bool:
    """Whether it is a request, and nothing that the SDK would refuse or answer otherwise."""
    return (
        message.keys() <= _MEMBERS
        and message.get("jsonrpc") == "2.0"
        and type(message.get("id")) in (int, str)
        and isinstance(message.get("method"), str)
        and isinstance(message.get("params", {}), dict)
    )


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, and then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _naming(send: Send, handshake: dict[str, Any]) -> Send:
    """Gives the client a session id that is its own name, as there are no sessions to remember it in.

    Only the handshake has the name, and clients send the id with every request after it.
    """
    match handshake:
        case {"params": {"clientInfo": {"name": str(name), "version": str(number)}}}:
            client = outside.clean(f"{name} {number}").strip()[:CLIENT_CHARACTERS]
        case _:
            return send
    text = json.dumps([client, secrets.token_hex(8)], separators=(",", ":"))
    session = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)[_SESSION] = session
        await send(message)

    return named


@remembered(MEBIBYTE)
def _client_in(session: str) -> str:
    """The name in a session id of ours, which the client says, as it says all names; empty in any other."""
    try:
        match json.loads(base64.urlsafe_b64decode(session + "=" * (-len(session) % 4))):
            case [str(client), str()]:
                return outside.clean(client)[:CLIENT_CHARACTERS]
            case _:
                return ""
    except (ValueError, RecursionError):
        return ""
