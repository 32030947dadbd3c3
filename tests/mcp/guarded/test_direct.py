"""A plain call is answered as the SDK answers it, which is asked the same."""

from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp_types import CallToolRequestParams, CallToolResult
from redis.asyncio import Redis
from starlette.types import ASGIApp, Receive, Scope, Send

from services.mcp.direct import TRIED, Direct
from services.mcp.server import Asked, Asker, Context, answer, build_for
from shared.security.addresses import Policy
from shared.security.admission import Admission
from tests.conftest import LOOPBACK, VAULT
from tests.mcp.clients import ADMIN, CRON

CALL = {"name": "get-cron", "arguments": {"id": 1}}
HANDSHAKE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


def message(method: str, params: Any = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **({"params": params} if params else {}), **more}


PLAIN: dict[str, Any] = {
    "tools": message("tools/list"),
    "cron": message("tools/call", CALL),
    "text id": message("tools/call", CALL, id="a"),
    "failed tool": message("tools/call", {"name": "get-cron", "arguments": {"id": 77}}),
    "unknown tool": message("tools/call", {"name": "nonsense", "arguments": {}}),
    "no arguments": message("tools/call", {"name": "list-crons"}),
    "no name": message("tools/call", {"arguments": {}}),
    "progress": message("tools/call", {**CALL, "_meta": {"progressToken": 1}}),
    "ping": message("ping"),
    "prompts": message("prompts/list"),
    "prompt": message("prompts/get", {"name": "investigate-failures"}),
    "unknown prompt": message("prompts/get", {"name": "nonsense"}),
    "unknown method": message("nonsense/list"),
    "resources": message("resources/list"),
}
OTHERS: dict[str, Any] = {
    "handshake": message("initialize", HANDSHAKE),
    "notification": {"jsonrpc": "2.0", "method": "notifications/initialized"},
    "answer": {"jsonrpc": "2.0", "id": 1, "result": {}},
    "batch": [message("ping")],
    "true as id": message("ping", id=True),
    "half an id": message("ping", id=1.5),
    "another version": message("ping", jsonrpc="1.0"),
    "list of params": message("ping", [1]),
    "no json": b"{",
    "nothing": b"",
}


MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ROUTED = [("Mcp-Method", "tools/call"), ("Mcp-Name", "get-cron")]


def routed(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [("Mcp-Method", body["method"]), ("Mcp-Name", body["params"].get("name", "get-cron"))]


class Ways:
    """The same server behind both, and which of them took the last request."""

    def __init__(self, redis: Redis) -> None:
        async def call(_ctx: Context, params: CallToolRequestParams) -> CallToolResult:
            return await answer(redis, Admission(Policy(LOOPBACK), VAULT), ADMIN, params, Asked("agent-7"))

        server = build_for(call, lambda _ctx: Asker(ADMIN))
        self.manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._sdk = StreamableHTTPASGIApp(self.manager)
        self._direct = Direct(server, self._counted)
        self.passed_on = 0

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed_on += 1
        await self._sdk(scope, receive, send)

    async def ask(
        self, body: Any, era: str | None, more: Sequence[tuple[str, str]] = (), *, directly: bool
    ) -> tuple[int, str, Any]:
        app: ASGIApp = self._direct if directly else self._sdk
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        headers |= {"MCP-Protocol-Version": era} if era else {}
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as http:
            got = await http.post("/mcp", headers=[*headers.items(), *more], **sent)
        return got.status_code, got.headers.get("content-type", ""), got.json() if got.content else None


@pytest.fixture
async def ways(redis: Redis) -> AsyncIterator[Ways]:
    both = Ways(redis)
    async with both.manager.run():
        await both.ask(message("tools/call", {"name": "create-cron", "arguments": CRON}), None, directly=True)
        both.passed_on = 0
        yield both


def test_the_installed_sdk_is_the_one_that_is_compared_here() -> None:
    assert version("mcp").startswith(TRIED)


@pytest.mark.parametrize("era", [None, "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
async def test_a_plain_request_is_answered_as_by_the_sdk(ways: Ways, body: Any, era: str | None) -> None:
    own = await ways.ask(body, era, directly=True)
    passed_on = ways.passed_on
    theirs = await ways.ask(body, era, directly=False)

    assert passed_on == 0
    assert own == theirs
    assert own[2]["id"] == body["id"]


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
async def test_what_is_not_plain_is_left_to_the_sdk(ways: Ways, body: Any) -> None:
    own = await ways.ask(body, "2025-11-25", directly=True)
    passed_on = ways.passed_on
    theirs = await ways.ask(body, "2025-11-25", directly=False)

    assert passed_on == 1
    assert own == theirs


def modern(method: str, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return message(method, {**params, "_meta": META}, **more)


@pytest.mark.parametrize(
    "body",
    [
        modern("tools/call", CALL),
        modern("tools/call", CALL, id="a"),
        modern("tools/call", {"name": "get-cron", "arguments": {"id": 77}}),
        modern("tools/call", {"name": "nonsense", "arguments": {}}),
        modern("tools/call", {"name": "list-crons"}),
        modern("tools/call", {"arguments": {}}),
        modern("tools/call", {"name": "get-cron", "arguments": [1]}),
        message("tools/call", {**CALL, "_meta": {**META, "progressToken": 1}}),
    ],
    ids=range(8),
)
async def test_a_call_of_the_modern_era_is_answered_as_by_the_sdk(ways: Ways, body: Any) -> None:
    more = routed(body)
    own = await ways.ask(body, MODERN, more, directly=True)
    passed_on = ways.passed_on
    theirs = await ways.ask(body, MODERN, more, directly=False)

    assert passed_on == 0
    assert own == theirs


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (modern("tools/list", {}), [("Mcp-Method", "tools/list")]),
        (modern("tools/call", CALL), [("Mcp-Method", "tools/call"), ("Mcp-Name", "get-job")]),
        (modern("tools/call", CALL), [("Mcp-Method", "tools/list"), ("Mcp-Name", "get-cron")]),
        (modern("tools/call", CALL), [*ROUTED, ("Mcp-Name", "get-cron")]),
        (modern("tools/call", CALL), [*ROUTED, ("Mcp-Param-Id", "1")]),
        (modern("tools/call", CALL), []),
        (message("tools/call", CALL), ROUTED),
        (modern("initialize", HANDSHAKE), [("Mcp-Method", "initialize")]),
        ([modern("tools/call", CALL)], ROUTED),
        (b"{", ROUTED),
    ],
    ids=range(10),
)
async def test_what_is_no_plain_call_of_the_modern_era_is_left_to_the_sdk(
    ways: Ways, body: Any, more: list[tuple[str, str]]
) -> None:
    own = await ways.ask(body, MODERN, more, directly=True)
    passed_on = ways.passed_on
    theirs = await ways.ask(body, MODERN, more, directly=False)

    assert passed_on == 1
    assert own == theirs


async def test_an_unknown_era_is_left_to_the_sdk(ways: Ways) -> None:
    own = await ways.ask(PLAIN["cron"], "1999-01-01", directly=True)
    theirs = await ways.ask(PLAIN["cron"], "1999-01-01", directly=False)

    assert ways.passed_on == 1
    assert own == theirs


async def test_a_version_of_the_sdk_that_was_not_tried_does_all_itself(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.mcp.direct.TRIED", "2.2.")
    other = Direct(ways.manager.app, ways._counted)

    transport = httpx.ASGITransport(other)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as http:
        got = await http.post("/mcp", json=PLAIN["cron"], headers={"Accept": "application/json"})

    assert got.json()["result"]["structuredContent"]["id"] == 1
    assert ways.passed_on == 1
