"""/openapi.json, and /docs, where a browser shows it; both without a token, for they say nothing of teams."""

import json
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from services.api.openapi.document import document
from services.api.routing import at

HERE = Path(__file__).parent
FILES = {
    "swagger-ui-bundle.js": HERE / "swagger-ui" / "swagger-ui-bundle.js",
    "swagger-ui.css": HERE / "swagger-ui" / "swagger-ui.css",
    "start.js": HERE / "start.js",
}
HEADERS = {
    # Swagger UI writes styles into the page, and draws its arrows from data URLs; no script does either.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


async def page(_request: Request) -> Response:
    return FileResponse(HERE / "index.html", headers=HEADERS)


async def file(request: Request) -> Response:
    """What the page loads."""
    path = FILES.get(request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, headers=HEADERS)


async def openapi(_request: Request) -> Response:
    return Response(_document(), media_type="application/json", headers={"Cache-Control": "no-cache"})


@cache
def _document() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


routes = [at("/openapi.json", GET=openapi), at("/docs", GET=page), at("/docs/{name}", GET=file)]
