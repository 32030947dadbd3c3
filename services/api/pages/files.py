"""What pages load: the style sheet, scripts and icons."""

import gzip
from functools import cache
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from services.api.pages.packing import FILE_LEVEL, takes_gzip
from services.api.pages.rendering import HEADERS, HERE, version_of
from services.api.routing import at

_SCRIPT, _ICON = "text/javascript", "image/svg+xml"
FILES = {
    "pages.css": "text/css",
    "pages.js": _SCRIPT,
    "live.js": _SCRIPT,
    "htmx.min.js": _SCRIPT,
    "icon.svg": _ICON,
    "icon-failing.svg": _ICON,
}
"""Each with its type, which browsers believe: nosniff."""
_FOR_EVER = "public, max-age=31536000, immutable"


class File(NamedTuple):
    """As it is, and as it is sent to browsers that take gzip."""

    plain: bytes
    packed: bytes


@cache
def read() -> dict[str, File]:
    """All of them by name, read and packed once a process."""
    plain = {name: (HERE / "static" / name).read_bytes() for name in FILES}
    return {name: File(text, gzip.compress(text, FILE_LEVEL, mtime=0)) for name, text in plain.items()}


async def file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        return Response("Not found", 404, HEADERS, "text/plain")
    is_this_version = request.query_params.get("v") == version_of(name)
    is_packed = takes_gzip(request)
    tag = f'"{version_of(name)}{"-gzip" if is_packed else ""}"'
    headers = {
        **HEADERS,
        "Cache-Control": _FOR_EVER if is_this_version else "no-cache",
        "Vary": "Accept-Encoding",
        "ETag": tag,
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    found = read()[name]
    if not is_packed:
        return Response(found.plain, 200, headers, FILES[name])
    return Response(found.packed, 200, {**headers, "Content-Encoding": "gzip"}, FILES[name])


routes = [at("/static/{name}", GET=file)]
