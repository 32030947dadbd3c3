"""The API: REST in, crons and jobs into Redis."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware

from services.api import bootstrap, errors, metrics
from services.api.envelope import Envelope
from services.api.table import ROUTES
from shared import durability, logs, store, tokens, vault, zone_data
from shared.addresses import Policy
from shared.security.admission import Admission
from shared.serving import server
from shared.serving.bounds import Bounds
from shared.serving.metrics import telling
from shared.settings import Settings, load
from shared.steadily import Troubles, beside

GRACE_SECONDS = 10


class State(TypedDict):
    redis: Redis
    callers: tokens.Callers
    admission: Admission
    troubles: Troubles


def create_app(settings: Settings) -> Starlette:
    """The application; it starts and answers 503 while Redis is away."""

    keys, troubles = vault.load(settings), Troubles()
    admission = Admission(Policy(settings.egress_allow, settings.egress_ports), keys)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with (
            store.connect(settings) as redis,
            _bootstrapping(redis, settings),
            beside(durability.CHECKING, lambda: durability.keep_fit(redis, keys, troubles.over), troubles),
            telling(settings, lambda: metrics.look(redis)),
        ):
            callers = tokens.Callers(redis)
            yield {"redis": redis, "callers": callers, "admission": admission, "troubles": troubles}

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Envelope)],
        exception_handlers=errors.handlers,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would lose the token or the body of many a client
    return app


@asynccontextmanager
async def _bootstrapping(redis: Redis, settings: Settings) -> AsyncIterator[None]:
    token = settings.bootstrap_token
    if token is None:
        yield
        return
    registered = await bootstrap.register(redis, token)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(bootstrap.keep_registered(redis, token, registered=registered))
        yield
        keeping.cancel()


def create_server(settings: Settings) -> uvicorn.Server:
    """The application behind its address; not started."""
    return server.create(
        create_app(settings),
        (settings.api_host, settings.api_port),
        Bounds(settings.max_connections, settings.max_connections_per_address),
        grace_seconds=GRACE_SECONDS,
    )


def main() -> None:
    settings = load()
    logs.configure(settings, "api")
    durability.require_fit(settings, vault.load(settings))
    zone_data.announce()
    # uvicorn raises the signal again once it has drained; a stop that was asked for is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    create_server(settings).run()
