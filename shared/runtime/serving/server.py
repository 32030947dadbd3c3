"""A server for an ASGI application that strangers may call."""

from collections.abc import Callable
from dataclasses import replace
from socket import socket

import structlog
import uvicorn
from starlette.types import ASGIApp

from shared.runtime.serving.bounds import RESERVED_FILES, Bounds, allow_files
from shared.runtime.serving.door import Door
from shared.runtime.serving.protocol import BoundedProtocol
from shared.runtime.serving.proxies import Proxies
from shared.runtime.serving.refusals import json_error

NO_PROXIES = Proxies()
log = structlog.get_logger()


def create(
    app: ASGIApp,
    address: tuple[str, int],
    bounds: Bounds,
    *,
    grace_seconds: int,
    error_body: Callable[[str], bytes] = json_error,
    proxies: Proxies = NO_PROXIES,
) -> "Server":
    """A server for the application, not started yet. `error_body` writes the body of a refusal."""
    host, port = address
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http=bounded(_within_files(bounds), error_body, proxies),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # it believes what stands first, which callers write; see `proxies`
            timeout_graceful_shutdown=grace_seconds,
        ),
    )


class Server(uvicorn.Server):
    """Calls `at_end` before it waits for the requests that it still answers: some would not end soon."""

    at_end: Callable[[], None] = staticmethod(lambda: None)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self.at_end()
        await super().shutdown(sockets)


def bounded(
    bounds: Bounds, error_body: Callable[[str], bytes] = json_error, proxies: Proxies = NO_PROXIES
) -> type[BoundedProtocol]:
    """The protocol class of one server, whose connections are counted together."""

    class ServerProtocol(BoundedProtocol):
        door = Door(bounds, error_body, proxies)

    return ServerProtocol


def _within_files(bounds: Bounds) -> Bounds:
    """Limit connections to the files available, each with one to Redis, so that accepting goes on."""
    files = allow_files(2 * bounds.connections + RESERVED_FILES)
    possible = max(16, (files - RESERVED_FILES) // 2)
    if possible >= bounds.connections:
        return bounds
    log.warning("fewer_connections", wanted=bounds.connections, possible=possible, open_files=files)
    return replace(bounds, connections=possible)
