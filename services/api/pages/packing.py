"""Pages and their files as gzip, for browsers that take it: a first page comes whole in the first packets."""

import gzip

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

PACKED_FROM_BYTES = 1024
"""What is smaller is one packet of the network either way."""
PAGE_LEVEL, FILE_LEVEL = 5, 9
"""A page is packed each time it is shown, a file once."""
_ELSEWHERE = ("cross-site", "same-site")


def takes_gzip(request: Request) -> bool:
    """Whether its Accept-Encoding names gzip, and not with a weight of 0."""
    for part in ",".join(request.headers.getlist("accept-encoding")).lower().split(","):
        name, _, weight = (piece.strip() for piece in part.partition(";"))
        if name == "gzip":
            return not weight.startswith("q=") or weight.removeprefix("q=").strip("0.") != ""
    return False


def packed(request: Request, response: Response) -> Response:
    """The page, packed unless its size could tell a site that led here what stands in it.

    What another site put into the address packs better where the page has the same once more; the site of a
    link, and who listens, would see that by the size. Nobody else chose the address of what a page of ours
    or nobody led to (CVE-2013-3587, known as BREACH).
    """
    if not isinstance(response, HTMLResponse) or len(response.body) < PACKED_FROM_BYTES:
        return response
    if not takes_gzip(request) or request.headers.get("sec-fetch-site") in _ELSEWHERE:
        return response
    response.body = gzip.compress(response.body, PAGE_LEVEL, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    return response
