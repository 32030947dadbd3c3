"""Plays a script of calls by a Python SDK: `python play.py PLAY`, in the environment of that SDK; PLAY is JSON."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

play = json.loads(sys.argv[1])
headers = {"Authorization": f"Bearer {play.get('token')}"}
command, *arguments = play.get("command") or [""]


async def sdk_1(stack: AsyncExitStack) -> Any:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamablehttp_client

    if command:
        server = StdioServerParameters(command=command, args=arguments, env=play["env"])
        streams: Any = await stack.enter_async_context(stdio_client(server))
    else:
        streams = await stack.enter_async_context(streamablehttp_client(play["url"], headers=headers))
    session = ClientSession(*streams[:2], read_timeout_seconds=timedelta(seconds=60))
    await stack.enter_async_context(session)
    await session.initialize()
    return session


async def sdk_2(stack: AsyncExitStack) -> Any:
    import httpx2
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client

    if command:
        server: Any = StdioServerParameters(command=command, args=arguments, env=play["env"])
    else:
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        server = streamable_http_client(play["url"], http_client=http)
    return await stack.enter_async_context(Client(server, mode=play["era"]))


async def fastmcp(stack: AsyncExitStack) -> Any:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

    transport = (
        StdioTransport(command, arguments, env=play["env"])
        if command
        else StreamableHttpTransport(play["url"], headers=headers)
    )
    return await stack.enter_async_context(Client(transport))


def filled(value: Any, saved: dict[str, int]) -> Any:
    match value:
        case str() if value.startswith("$"):
            return saved[value[1:]]
        case list():
            return [filled(inner, saved) for inner in value]
        case dict():
            return {name: filled(inner, saved) for name, inner in value.items()}
    return value


def shown(result: Any) -> dict[str, Any]:
    is_error = result.is_error if hasattr(result, "is_error") else result.isError
    structured = (
        result.structured_content if hasattr(result, "structured_content") else result.structuredContent
    )
    return {"error": bool(is_error), "text": result.content[0].text, "structured": structured}


async def main() -> None:
    saved: dict[str, int] = {}
    results = []
    async with AsyncExitStack() as stack:
        client = await {"sdk-1": sdk_1, "sdk-2": sdk_2, "fastmcp": fastmcp}[play["sdk"]](stack)
        listed = await client.list_tools()
        tools = [tool.name for tool in (listed if isinstance(listed, list) else listed.tools)]
        extra = {"raise_on_error": False} if play["sdk"] == "fastmcp" else {}
        for call in play["calls"]:
            given = filled(call["arguments"], saved)
            results.append(shown(await client.call_tool(call["tool"], given, **extra)))
            if call["saves"]:
                saved[call["saves"]] = results[-1]["structured"]["id"]
    print(json.dumps({"tools": tools, "results": results}))


asyncio.run(main())
