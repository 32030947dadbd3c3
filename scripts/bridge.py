"""Write what the bridge answers while its gateway is away: `python -m scripts.bridge` (`make examples`)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp_types import CallToolRequestParams, CallToolResult
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

from services.mcp.server import Context, build, failed

OWN = Path(__file__).parents[1] / "clients" / "mcp" / "recuro_mcp" / "own.json"
_META = {
    "io.modelcontextprotocol/protocolVersion": LATEST_MODERN_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "own", "version": "1"},
}
_HANDSHAKE = {
    "protocolVersion": HANDSHAKE_PROTOCOL_VERSIONS[-1],
    "capabilities": {},
    "clientInfo": {"name": "own", "version": "1"},
}


async def own() -> dict[str, Any]:
    """The answers of a gateway by method, as they go over the wire, and the versions of the handshake."""

    async def call(_ctx: Context, _params: CallToolRequestParams) -> CallToolResult:
        return failed("gateway", "Only lists are asked for here.")

    manager = StreamableHTTPSessionManager(build(call), json_response=True, stateless=True)
    app = httpx.ASGITransport(StreamableHTTPASGIApp(manager))
    async with manager.run(), httpx.AsyncClient(transport=app, base_url="http://localhost") as http:
        handshake = await _result(http, "initialize", _HANDSHAKE)
        lists = [f"{kind}/list" for kind in handshake["capabilities"] if kind in ("tools", "prompts")]
        return {
            "versions": list(HANDSHAKE_PROTOCOL_VERSIONS),
            "initialize": handshake,
            "server/discover": await _result(http, "server/discover", {"_meta": _META}),
            **{method: await _result(http, method, {}) for method in lists},
        }


def as_text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


async def _result(http: httpx.AsyncClient, method: str, params: dict[str, Any]) -> dict[str, Any]:
    modern = (
        {"MCP-Protocol-Version": LATEST_MODERN_VERSION, "Mcp-Method": method} if params.get("_meta") else {}
    )
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Accept": "application/json, text/event-stream", **modern}
    response = await http.post("/mcp", json=message, headers=headers)
    result: dict[str, Any] = response.json()["result"]
    return result


if __name__ == "__main__":
    OWN.write_text(as_text(asyncio.run(own())))
