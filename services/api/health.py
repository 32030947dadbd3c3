"""/healthz and /readyz, without a token: no operations, since they are about the process and no team."""

from starlette.requests import Request
from starlette.responses import Response

from services.api.routing import at
from shared.runtime import probes


async def live(_request: Request) -> Response:
    return probes.live()


async def ready(request: Request) -> Response:
    return await probes.ready(request.state.redis, "api", request.state.troubles)


routes = [
    at("/healthz", GET=live),
    at("/readyz", GET=ready),
]
