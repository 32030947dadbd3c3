"""The way to the gateway: a client that outlives the gateway's restarts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation
from mcp_types.version import LATEST_MODERN_VERSION

from shared.version import VERSION

PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Between attempts to connect: together as long as a gateway takes to restart."""
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
UNREACHABLE = -32011
UNKNOWN = (
    "Outcome unknown: a tool that writes may have done so. Call it once more with the same idempotency_key, "
    "or list first to see."
)


class Unbreakable(httpx2.AsyncBaseTransport):
    """Turns every network failure into a 503 that carries a JSON-RPC error.

    The SDK's client does not expect its transport to raise: it ends, and the caller waits for ever.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        for pause in PAUSES_SECONDS:
            try:
                return await self._send(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):  # nothing was sent: safe to repeat
                await anyio.sleep(pause)
            except Exception as error:
                return _lost(request, error, UNKNOWN)
        return _lost(request, None, "Nothing was done. Is it running, and is RECURO_MCP_URL right?")

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        response.request = request
        await response.aread()  # an answer torn off half-way must fail in here; the gateway never streams
        if response.status_code >= 400 and "json" not in response.headers.get("content-type", ""):
            advice = f" {UNKNOWN}" if response.status_code >= 500 else ""
            return _error(f"{request.url} answered {response.status_code} {response.text[:200]!r}{advice}")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator[Client]:
    """A client of the gateway; nothing is sent until the first call."""
    async with (
        httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}", "User-Agent": f"recuro-mcp/{VERSION}"},
            timeout=httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
            transport=Unbreakable(httpx2.AsyncHTTPTransport()),
        ) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=LATEST_MODERN_VERSION,  # our own gateway: no need to ask it first
            client_info=Implementation(name="recuro-mcp", version=VERSION),
        ) as client,
    ):
        yield client


def _lost(request: httpx2.Request, error: Exception | None, advice: str) -> httpx2.Response:
    reason = f" ({type(error).__name__})" if error else ""
    return _error(f"The Recuro gateway at {request.url} did not answer{reason}. {advice}")


def _error(message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": UNREACHABLE, "message": message}}
    return httpx2.Response(503, json=body)
