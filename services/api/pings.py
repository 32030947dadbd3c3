"""/ping/{key}, without a token: the key says for which heartbeat"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.requests import text_of
from services.api.routing import at
from shared import pings


async def ping(request: Request) -> Response:
    """What is in the body is kept with the run, as far as it is text."""
    await pings.ping(request.state.redis, request.path_params["key"], await text_of(request))
    return JSONResponse({"ok": True})


async def fail(request: Request) -> Response:
    await pings.ping(request.state.redis, request.path_params["key"], await text_of(request), failed=True)
    return JSONResponse({"ok": True})


routes = [
    at("/ping/{key}", GET=ping, POST=ping),
    at("/ping/{key}/fail", GET=fail, POST=fail),
]
