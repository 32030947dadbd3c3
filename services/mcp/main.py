"""The MCP gateway: streamable HTTP at /mcp, stateless, plain JSON answers; health routes beside it."""

import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolRequestParams, CallToolResult
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.mcp.gate import MAX_BODY_BYTES, Gate, caller_of, error_body
from services.mcp.other_paths import Elsewhere
from services.mcp.server import Context, answer, build
from shared import durability, health, logs, store, vault, zone_data
from shared.addresses import Policy
from shared.errors import Damaged
from shared.security.admission import Admission
from shared.serving import server
from shared.serving.bounds import Bounds
from shared.serving.metrics import telling
from shared.settings import Settings, load
from shared.steadily import Troubles, beside
from shared.store import AWAY
from shared.tokens import Callers

DRAIN_SECONDS = 10
ANY_HOST = "*"


def create_app(settings: Settings) -> Starlette:
    """The gateway as an ASGI application; one lifespan an application."""
    policy = Policy(settings.egress_allow, settings.egress_ports)
    keys, troubles = vault.load(settings), Troubles()
    redis, admission = store.connect(settings), Admission(policy, keys)

    async def call(ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        return await answer(redis, admission, caller_of(ctx.request), params)

    manager = StreamableHTTPSessionManager(
        build(call),
        json_response=True,
        stateless=True,
        max_request_body_size=MAX_BODY_BYTES,
    )
    gate = Gate(StreamableHTTPASGIApp(manager), Callers(redis), _security(settings))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with (
            manager.run(),
            beside(durability.CHECKING, lambda: durability.keep_fit(redis, keys, troubles.over), troubles),
            telling(settings),
        ):
            yield
        await redis.aclose()

    # Both paths are routes: Starlette's redirect would come before the gate, and say http behind TLS.
    doors = [Route(path, gate) for path in ("/mcp", "/mcp/")]
    routes = [*doors, *_probes(redis, troubles), Route("/{path:path}", Elsewhere())]
    return Starlette(routes=routes, lifespan=lifespan)


def _probes(redis: Redis, troubles: Troubles) -> list[Route]:
    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> JSONResponse:
        try:
            await health.require_writable(redis)
        except (Damaged, *AWAY):
            return JSONResponse({"error": "Storage unavailable"}, 503, {"Retry-After": "1"})
        if troubles.sentences:
            return JSONResponse({"error": "; ".join(troubles.sentences.values())}, 503)
        return JSONResponse({"status": "ok"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _security(settings: Settings) -> TransportSecuritySettings:
    """Host names of this gateway, so that a web page cannot call it under a name of its own."""
    names = ("localhost", "127.0.0.1", "[::1]", settings.mcp_host, *settings.mcp_allowed_hosts)
    hosts = [form for name in dict.fromkeys(names) for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=ANY_HOST not in settings.mcp_allowed_hosts,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts],
    )


def main() -> None:
    settings = load()
    logs.configure(settings, "mcp")
    durability.require_fit(settings, vault.load(settings))
    zone_data.announce()
    logging.getLogger("mcp").setLevel(logging.WARNING)  # at INFO it logs every request
    # uvicorn raises the signal again once it has drained; a requested stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    server.create(
        create_app(settings),
        (settings.mcp_host, settings.mcp_port),
        Bounds(settings.max_connections, settings.max_connections_per_address),
        grace_seconds=DRAIN_SECONDS,
        error_body=error_body,
    ).run()
