"""Metrics of a service for Prometheus, on a port of its own if `RECURO_METRICS_PORT` is set.

The loop that does the work serves them, within the bounds of the interfaces: a scrape without an answer
shows a stuck loop, which a thread would hide, and a scraper that hangs blocks no thread.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.server import ServerState

from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.server import bounded
from shared.settings import Settings

Refresh = Callable[[], Awaitable[None]]

BOUNDS = Bounds(64, 32)

log = structlog.get_logger()


async def nothing() -> None:
    """The refresh for metrics that need nothing from Redis."""


@asynccontextmanager
async def serving_metrics(settings: Settings, refresh: Refresh = nothing) -> AsyncIterator[None]:
    """Serve /metrics while the block runs, each time after a `refresh`; a taken port is only logged."""
    if not settings.metrics_port:
        yield
        return
    state = ServerState()
    try:
        listener = await _listen(settings, refresh, state)
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        log.error(
            "metrics_unavailable", where=where, error=error.strerror, remedy="set another RECURO_METRICS_PORT"
        )
        yield
        return
    log.info("metrics_ready", port=settings.metrics_port)
    try:
        yield
    finally:
        listener.close()
        for connection in tuple(state.connections):
            connection.shutdown()


async def _listen(settings: Settings, refresh: Refresh, state: ServerState) -> asyncio.Server:
    async def metrics(_request: Request) -> Response:
        await refresh()
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = Starlette(routes=[Route("/metrics", metrics)])
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
    config.load()
    protocol, loop = bounded(BOUNDS), asyncio.get_running_loop()
    return await loop.create_server(
        lambda: protocol(config=config, server_state=state, app_state={}),
        settings.metrics_host,
        settings.metrics_port,
    )
