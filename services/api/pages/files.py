"""What pages load: the style sheet, scripts and icons."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from services.api.pages.rendering import HEADERS, HERE, version_of
from services.api.routing import at

FILES = ("pages.css", "pages.js", "live.js", "htmx.min.js", "icon.svg", "icon-failing.svg")
_FOR_EVER = "public, max-age=31536000, immutable"


async def file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    is_this_version = request.query_params.get("v") == version_of(name)
    kept = _FOR_EVER if is_this_version else "no-cache"
    return FileResponse(HERE / "static" / name, headers={**HEADERS, "Cache-Control": kept})


routes = [at("/static/{name}", GET=file)]
