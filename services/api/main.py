"""The API: REST in, crons and jobs into Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from services.api import bootstrap, errors, metrics
from services.api.application import Application
from services.api.envelope import Envelope
from services.api.pages.endpoint import or_no_page
from services.api.pages.live.stream import Streams
from services.api.pages.live.views import Views
from services.api.routes import ROUTES
from shared.actions.accounts.visits import Accounts
from shared.runtime import garbage, preflight, start
from shared.runtime.serving import server
from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.metrics import serving_metrics
from shared.runtime.serving.proxies import Proxies
from shared.runtime.steadily import Troubles, beside
from shared.runtime.waiting.waits import Waits
from shared.schedule import zone_data
from shared.security import tokens, vault
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.settings import Settings
from shared.store import connection, streams

GRACE_SECONDS = 10
_READ_SECONDS = streams.READ_MILLISECONDS / 1000


class State(TypedDict):
    redis: Redis
    callers: tokens.Callers
    accounts: Accounts
    admission: Admission
    troubles: Troubles
    requires_if_match: bool
    public_url: str
    waits: Waits
    streams: Streams


def create_app(settings: Settings, waits: Waits, views: Views) -> Starlette:
    """The application; it starts and answers 503 while Redis is away."""

    keys, troubles = vault.load(settings), Troubles()
    admission = Admission(Policy(settings.egress_allow, settings.egress_ports), keys)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with (
            connection.connect(settings) as redis,
            waits.serving(redis),
            views.serving(),
            _bootstrapping(redis, settings),
            beside(preflight.CHECKING, lambda: preflight.keep_fit(redis, keys, troubles.over), troubles),
            serving_metrics(settings, lambda: metrics.look(redis)),
        ):
            callers = tokens.Callers(redis)
            yield {
                "redis": redis,
                "callers": callers,
                "accounts": Accounts.of(redis, keys, settings),
                "admission": admission,
                "troubles": troubles,
                "requires_if_match": settings.api_require_if_match,
                "public_url": settings.public_url,
                "waits": waits,
                "streams": Streams(views, settings.max_connections),
            }
            await callers.uses.written()

    app = Application(
        routes=ROUTES,
        middleware=[Middleware(Envelope), *_cors(settings)],
        exception_handlers={**errors.handlers, HTTPException: or_no_page(errors.handlers[HTTPException])},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would lose the token or the body of many a client
    return app


def _cors(settings: Settings) -> list[Middleware]:
    """Lets pages of the origins that are named call the API with a token of theirs; cookies play no part."""
    if not settings.api_cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.api_cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "Recuro-Reason",
                "X-Request-Id",
            ),
            expose_headers=(
                *("ETag", "X-Request-Id", "Idempotent-Replayed", "Retry-After", "Location"),
                *("RateLimit", "RateLimit-Policy"),
            ),
        )
    ]


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

    def connect() -> Redis:
        return connection.connect(settings, blocking_seconds=_READ_SECONDS)

    waits, views = Waits(settings.api_max_waits, connect), Views(connect)
    made = server.create(
        create_app(settings, waits, views),
        (settings.api_host, settings.api_port),
        Bounds(settings.max_connections, settings.max_connections_per_address),
        grace_seconds=GRACE_SECONDS,
        proxies=Proxies(settings.trusted_proxies),
    )
    made.at_end = waits.stop
    return made


def main() -> None:
    settings = start.begin("api")
    garbage.collect_rarely()
    zone_data.announce()
    start.end_when_asked()
    create_server(settings).run()
