"""One route a path: the function of each method, so that a wrong method is answered with those there are."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class Resource:
    """What answers at a path; HEAD is answered as GET, and the server leaves the body out."""

    def __init__(self, path: str, methods: Mapping[str, Endpoint], look: str = "") -> None:
        self.path = path
        self.methods = dict(methods)
        self._look = look or (path if "GET" in methods else "")
        self._endpoints = {"HEAD": methods["GET"], **methods} if "GET" in methods else self.methods
        self._allow = ", ".join(sorted(self._endpoints))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is None:
            raise HTTPException(405, headers={"Allow": self._allow})
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    def look(self, request: Request) -> str:
        """What to GET to see whether a write here was done, or nothing where nothing shows it."""
        return self._look.format_map(request.path_params)


def at(path: str, *, look: str = "", **methods: Endpoint) -> Route:
    """The route of a path: `at("/readyz", GET=ready)`; `look`: where there is no GET."""
    return Route(path, Resource(path, methods, look), name=path)
