"""The MCP gateway: streamable HTTP at /mcp, stateless, plain JSON answers; health routes beside it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolRequestParams, CallToolResult
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.mcp.direct import Direct
from services.mcp.gate import (
    MAX_BODY_BYTES,
    Gate,
    caller_of,
    error_body,
    is_for_reading,
    request_id_of,
)
from services.mcp.other_paths import Elsewhere
from services.mcp.rights import READONLY_PATH
from services.mcp.server import Asked, Asker, Context, answer, build_for, client_of
from shared.runtime import garbage, preflight, probes, start
from shared.runtime.serving import server
from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.metrics import serving_metrics
from shared.runtime.serving.proxies import Proxies
from shared.runtime.steadily import Troubles, beside
from shared.runtime.waiting.ending import Ending
from shared.runtime.waiting.waits import Check, Waits
from shared.schedule import zone_data
from shared.security import vault
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.tokens import Callers
from shared.settings import Settings
from shared.store import connection
from shared.store.streams import READ_MILLISECONDS

DRAIN_SECONDS = 10
ANY_HOST = "*"


def create_app(settings: Settings, waits: Waits) -> Starlette:
    """The gateway as an ASGI application; one lifespan an application."""
    policy = Policy(settings.egress_allow, settings.egress_ports)
    keys, troubles = vault.load(settings), Troubles()
    redis, admission = connection.connect(settings), Admission(policy, keys)

    async def call(ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        asker = _asker_of(ctx)
        caller = asker.caller
        check = Check(caller.digest, partial(callers.as_now, caller)) if caller else None
        ending = Ending(waits, check=check)  # of a client that hangs up the SDK tells nobody
        asked = Asked(
            request_id_of(ctx.request), client_of(ctx), callers.uses, ending, reads_only=asker.reads_only
        )
        return await answer(redis, admission, asker.caller, params, asked)

    mcp = build_for(call, _asker_of)
    manager = StreamableHTTPSessionManager(
        mcp,
        json_response=True,
        stateless=True,
        max_request_body_size=MAX_BODY_BYTES,
    )
    callers = Callers(redis, "mcp")
    doors = _doors(Direct(mcp, StreamableHTTPASGIApp(manager)), callers, settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with (
            manager.run(),
            waits.serving(redis),
            beside(preflight.CHECKING, lambda: preflight.keep_fit(redis, keys, troubles.over), troubles),
            serving_metrics(settings),
        ):
            yield
        await callers.uses.written()
        await redis.aclose()

    routes = [*doors, *_probes(redis, troubles), Route("/{path:path}", Elsewhere())]
    return Starlette(routes=routes, lifespan=lifespan)


def _asker_of(ctx: Context) -> Asker:
    return Asker(caller_of(ctx.request), is_for_reading(ctx.request))


def _doors(served: ASGIApp, callers: Callers, settings: Settings) -> list[Route]:
    """With a slash too: Starlette's redirect would come before the gate, and say http behind TLS."""
    return [
        Route(path, Gate(served, callers, _security(settings), reads_only=door == READONLY_PATH))
        for door in ("/mcp", READONLY_PATH)
        for path in (door, f"{door}/")
    ]


def _probes(redis: Redis, troubles: Troubles) -> list[Route]:
    async def live(_request: Request) -> Response:
        return probes.live()

    async def ready(_request: Request) -> Response:
        return await probes.ready(redis, "mcp", troubles)

    return [Route("/healthz", live), Route("/readyz", ready)]


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
    settings = start.begin("mcp")
    garbage.collect_rarely()
    zone_data.announce()
    logging.getLogger("mcp").setLevel(logging.WARNING)  # at INFO it logs every request
    start.end_when_asked()
    waits = Waits(
        settings.api_max_waits,
        lambda: connection.connect(settings, blocking_seconds=READ_MILLISECONDS / 1000 + 1),
    )
    made = server.create(
        create_app(settings, waits),
        (settings.mcp_host, settings.mcp_port),
        Bounds(settings.max_connections, settings.max_connections_per_address),
        grace_seconds=DRAIN_SECONDS,
        error_body=error_body,
        proxies=Proxies(settings.trusted_proxies),
    )
    made.at_end = waits.stop
    made.run()
