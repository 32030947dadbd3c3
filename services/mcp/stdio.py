"""`recuro-mcp`: MCP on standard input and output, a bridge to the gateway."""

import argparse
import signal
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client, MCPError
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ErrorData,
    JSONRPCError,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
)
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.mcp.gate import UNAUTHENTICATED
from services.mcp.server import CallTool, Context, List, build, failed, list_own
from services.mcp.upstream import connect
from shared.schemas.base import check_url

Line = SessionMessage | Exception
Send = Callable[[SessionMessage], Awaitable[None]]

SET_TOKEN = (
    "Set RECURO_API_TOKEN (or MCP_API_TOKEN) in the env of this server's entry in the MCP configuration, "
    "then restart it."
)


class BridgeSettings(BaseSettings):
    """The settings of `recuro-mcp`, read from its environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    url: Annotated[str, AfterValidator(str.strip), AfterValidator(check_url)] = Field(
        "http://127.0.0.1:8001/mcp", validation_alias="RECURO_MCP_URL"
    )
    token: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("RECURO_API_TOKEN", "MCP_API_TOKEN")
    )


@dataclass(frozen=True, slots=True)
class Bridge:
    """Passes the host's requests on; errors of the gateway or the network become tool errors."""

    gateway: Client

    async def list_tools(self, ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        """The gateway's tools, which may be newer than ours; our own list while the gateway is away."""
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
                said = str(error).partition(".")[0]  # the rest is for hosts that set headers
                return failed("unauthenticated", f"{said}. {SET_TOKEN}")
            return failed("gateway", str(error))


async def _without_token(_ctx: Context, _params: CallToolRequestParams) -> CallToolResult:
    return failed("unauthenticated", f"There is no usable API token. {SET_TOKEN}")


async def _serve(call: CallTool, list_tools: List = list_own) -> None:
    server = build(call, list_tools)
    async with stdio_server() as (lines, writer), _understood(lines, writer.send) as reader:
        await server.run(reader, writer, server.create_initialization_options())


@asynccontextmanager
async def _understood(
    lines: AsyncIterable[Line], answer: Send
) -> AsyncIterator[MemoryObjectReceiveStream[Line]]:
    """The messages among the lines; other lines are answered here, as the SDK ignores them silently."""
    sender, reader = anyio.create_memory_object_stream[Line]()

    async def sort() -> None:
        async with sender:
            async for line in lines:
                if not isinstance(line, ValidationError):
                    await sender.send(line)
                elif error := _misread(line):
                    await answer(SessionMessage(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sort)
        yield reader
        tasks.cancel_scope.cancel()


def _misread(error: ValidationError) -> JSONRPCError | None:
    """The answer to a line that is no message, with the line's id if it has one; None for a blank line."""
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        if not str(problems[0]["input"]).strip():
            return None
        said = ErrorData(code=PARSE_ERROR, message="Parse error: a line must hold one message, as JSON")
        return JSONRPCError(jsonrpc="2.0", id=None, error=said)
    ids = (one["input"]["id"] for one in problems if isinstance(one["input"], dict) and "id" in one["input"])
    request_id = next(ids, None)
    said = ErrorData(
        code=INVALID_REQUEST, message="Invalid request: the line is JSON, and no JSON-RPC 2.0 message"
    )
    return JSONRPCError(jsonrpc="2.0", id=request_id if type(request_id) in (int, str) else None, error=said)


async def _run(url: str, token: str) -> None:
    # Listing needs neither gateway nor token: a client with a bad token starts, and its first call says so.
    if not (token.isascii() and token.isprintable() and token):
        await _serve(_without_token)
        return
    async with connect(url, token) as gateway:
        bridge = Bridge(gateway)
        await _serve(bridge.call, bridge.list_tools)


def main() -> None:
    argparse.ArgumentParser(
        prog="recuro-mcp",
        description="MCP on standard input and output, passed on to the Recuro gateway. MCP hosts start it.",
        epilog="It reads RECURO_API_TOKEN (or MCP_API_TOKEN), and RECURO_MCP_URL (http://127.0.0.1:8001/mcp).",
    ).parse_args()
    try:
        settings = BridgeSettings()
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        sys.exit(f"RECURO_MCP_URL {reason}; it looks like http://127.0.0.1:8001/mcp")
    # At its end Python would wait for the thread that reads the input.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(_run, settings.url, settings.token.get_secret_value().strip())
