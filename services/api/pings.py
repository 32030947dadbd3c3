"""/ping/{key}, without a token: the key says for which heartbeat"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.requests import key_of, text_of
from services.api.routing import at
from shared import pings


async def ping(request: Request) -> Response:
    """What is in the body is kept with the run, as far as it is text."""
    return await _noted(request, failed=False)


async def fail(request: Request) -> Response:
    return await _noted(request, failed=True)


async def _noted(request: Request, *, failed: bool) -> Response:
    said, key = await text_of(request), request.path_params["key"]
    once = key_of(request, pings.team_of(key), None, said)
    if once:
        once.text = f"{key} {once.text}"  # nobody without a token learns what keys the team has used
    await pings.ping(request.state.redis, key, said, failed=failed, once=once)
    return JSONResponse({"ok": True})


routes = [
    at("/ping/{key}", look="/api/crons", GET=ping, POST=ping),
    at("/ping/{key}/fail", look="/api/crons", GET=fail, POST=fail),
]
