"""The client of the gateway: it survives the gateway's restarts, and explains network errors."""

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation
from mcp_types.version import LATEST_MODERN_VERSION

from shared.version import VERSION

TRY_SECONDS, PAUSE_SECONDS = 2.0, 0.2
"""How long to retry a connection: the gateway may be restarting, and a host waits for the answer."""
CONNECT_SECONDS = 2.7
"""How long all attempts to connect may take together."""
READ_SECONDS = 45.0
"""How long to wait for an answer: the TypeScript SDK gives up at 60 s without a reason."""
UNREACHABLE = -32011
UNKNOWN = (
    "Outcome unknown: a tool that writes may have done so. Call it once more with the same idempotency_key, "
    "or list first to see."
)
REMEDY = "Set RECURO_MCP_URL to the address of the gateway, as in http://127.0.0.1:8001/mcp."

_SHOWN = 200


class Unbreakable(httpx2.AsyncBaseTransport):
    """Turns network errors, and answers that do not come from a gateway, into a 503 with a JSON-RPC error.

    The SDK's client does not expect its transport to raise: it would end, and the caller wait for ever.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        began = anyio.current_time()
        try:
            while True:
                spent = anyio.current_time() - began
                request.extensions["timeout"]["connect"] = max(CONNECT_SECONDS - spent, PAUSE_SECONDS)
                try:
                    with anyio.fail_after(READ_SECONDS):
                        return await self._send(request)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:  # nothing was sent
                    if anyio.current_time() - began > TRY_SECONDS or _is_of_tls(error):
                        return _error(_unreached(request, error))
                await anyio.sleep(PAUSE_SECONDS)
        except Exception as error:
            return _error(_lost(request, error))

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        response.request = request
        await response.aread()  # an answer cut off half-way must fail here; the gateway never streams
        wrong = _wrong(request, response)
        return _error(wrong) if wrong else response

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
            mode=LATEST_MODERN_VERSION,  # our own gateway: no need to negotiate
            client_info=Implementation(name="recuro-mcp", version=VERSION),
        ) as client,
    ):
        yield client


def _unreached(request: httpx2.Request, error: Exception) -> str:
    """Why there is no connection, so that nothing was done, and what to do."""
    where = f"{request.url} (RECURO_MCP_URL)"
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"The host name of {where} is not known. Nothing was done. {REMEDY}"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return (
            f"The certificate of {where} is not trusted: {error}. Set SSL_CERT_FILE to the CA that signed it."
        )
    if _is_of_tls(error):
        return f"{where} does not speak TLS: {error}. If it serves plain HTTP, write http:// there."
    return f"The Recuro gateway at {where} cannot be reached. Nothing was done. Is it running? {REMEDY}"


def _lost(request: httpx2.Request, error: Exception) -> str:
    """What went wrong after the request was sent."""
    if isinstance(error, httpx2.RemoteProtocolError) and "illegal" in str(error):
        return f"{request.url} does not answer as HTTP. If it serves TLS, write https:// in RECURO_MCP_URL."
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return f"The Recuro gateway at {request.url} did not answer within {READ_SECONDS:.0f} s. {UNKNOWN}"
    reason = type(error).__name__
    return f"The Recuro gateway at {request.url} did not answer ({reason}). {UNKNOWN}"


def _wrong(request: httpx2.Request, response: httpx2.Response) -> str | None:
    """What is wrong with an answer that is not from a gateway; None if it may be from one."""
    status, kind = response.status_code, response.headers.get("content-type", "").partition(";")[0]
    is_ours = b'"jsonrpc"' in response.content or kind == "text/event-stream"
    if status in (404, 405) and not _is_of_this_request(response):
        return f"{request.url} answered {status}: MCP is not served there. {REMEDY}"
    if response.has_redirect_location:
        target = request.url.join(response.headers["location"])
        is_near = target.copy_with(path=request.url.path, query=None) == request.url  # the SDK follows
        said = f"{request.url} answered {status} and leads to {target}: set RECURO_MCP_URL to that."
        return None if is_near else said
    if is_ours or (status == 202 and not response.content):
        return None
    if status >= 500:
        return (
            f"{request.url} answered {status} {response.text[:_SHOWN]!r}; is the gateway running? {UNKNOWN}"
        )
    what = "a web page" if kind == "text/html" else repr(response.text[:_SHOWN])
    return f"{request.url} answered {status} with {what}, which no gateway does. {REMEDY}"


def _is_of_this_request(response: httpx2.Response) -> bool:
    """Whether it is an answer to the request; a gateway also answers an unknown method with 404."""
    try:
        return response.json().get("id") is not None
    except (ValueError, AttributeError):
        return False


def _is_of_tls(error: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _error(message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": UNREACHABLE, "message": message}}
    return httpx2.Response(503, json=body)
