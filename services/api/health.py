"""/healthz and /readyz, without a token: no operations, since they are about the process and no team."""

from contextlib import suppress

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.routing import at
from shared import health, overdue
from shared.errors import Damaged
from shared.store import AWAY, OutcomeUnknown


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Whether this process can serve: Redis takes a write. What schedulers left undone is told beside it."""
    redis: Redis = request.state.redis
    if troubles := request.state.troubles.sentences:
        return JSONResponse({"error": "; ".join(troubles.values())}, 503)
    await health.require_writable(redis)
    try:
        with suppress(Damaged):  # of the signs of all processes: `recuro doctor` names them
            await health.beat(redis, "api")
    except OutcomeUnknown as error:  # nobody asked for this write: why it failed is all there is to say
        raise error.__cause__ or error from None
    late = None
    with suppress(Damaged, *AWAY):
        late = int(await overdue.longest(redis))
    return JSONResponse({"status": "ready", "overdue_seconds": late})


routes = [
    at("/healthz", GET=live),
    at("/readyz", GET=ready),
]
