"""`recuro-mcp`: MCP on standard input and output, a bridge to the gateway."""

import sys
from dataclasses import dataclass

import anyio
from mcp import Client, MCPError
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
)
from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.mcp.gate import UNAUTHENTICATED
from services.mcp.server import Call, Context, List, build, failed, list_own
from services.mcp.upstream import connect

SET_TOKEN = (
    "Set RECURO_API_TOKEN (or MCP_API_TOKEN) in the env of this server's entry in the MCP configuration, "
    "then restart it."
)


class BridgeSettings(BaseSettings):
    """What `recuro-mcp` reads from its environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    url: str = Field(
        "http://127.0.0.1:8001/mcp", validation_alias="RECURO_MCP_URL", pattern=r"^https?://[^\s/]+"
    )
    token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("RECURO_API_TOKEN", "MCP_API_TOKEN")
    )


@dataclass(frozen=True, slots=True)
class Bridge:
    """Passes on what the host asks; whatever the gateway or the network says against it is a tool error."""

    gateway: Client

    async def list_tools(self, ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        """What the gateway lists, which may be newer than this; our own list while it cannot be asked."""
        try:
            return await self.gateway.session.send_request(ListToolsRequest(params=params), ListToolsResult)
        except MCPError:
            return await list_own(ctx, params)

    async def call(self, _ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        request = CallToolRequest(params=CallToolRequestParams(name=params.name, arguments=params.arguments))
        try:
            return await self.gateway.session.send_request(request, CallToolResult)
        except MCPError as error:
            if error.code == UNAUTHENTICATED:
                return failed("unauthenticated", f"{error} {SET_TOKEN}")
            return failed("gateway", str(error))


async def _without_token(_ctx: Context, _params: CallToolRequestParams) -> CallToolResult:
    return failed("unauthenticated", f"There is no usable API token. {SET_TOKEN}")


async def _serve(call: Call, list_tools: List = list_own) -> None:
    server = build(call, list_tools)
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


async def _run(url: str, token: str) -> None:
    # Listing needs neither gateway nor token: a client with a bad one starts, and its first call says so.
    if not (token.isascii() and token.isprintable() and token):
        await _serve(_without_token)
        return
    async with connect(url, token) as gateway:
        bridge = Bridge(gateway)
        await _serve(bridge.call, bridge.list_tools)


def main() -> None:
    try:
        settings = BridgeSettings()
    except ValidationError:
        sys.exit("RECURO_MCP_URL is wrong: it must look like http://127.0.0.1:8001/mcp")
    anyio.run(_run, settings.url, settings.token.get_secret_value().strip())
