"""The routes of the REST API and of the pages: those of the operations, and those that need no token."""

from collections.abc import Iterable, Iterator

from starlette.routing import Route

from services.api import health, pings
from services.api.pages.routes import ROUTES as PAGE_ROUTES
from services.api.reference import pages
from services.api.routing import Resource
from services.api.runner import Runner
from services.api.table import OPERATIONS
from shared.operations import Operation


def _routes(operations: Iterable[Operation]) -> Iterator[Route]:
    """A route for each path, in the order in which the paths come."""
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    for path, ones in paths.items():
        look = next((one.look for one in ones if one.look), "")
        yield Route(path, Resource(path, {one.method: Runner(one) for one in ones}, look), name=path)


OPEN_ROUTES = (*pings.routes, *health.routes, *pages.routes)
"""What needs no token, and is no operation."""
ROUTES = (*_routes(OPERATIONS), *OPEN_ROUTES, *PAGE_ROUTES)
