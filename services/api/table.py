"""Every operation of the REST API, and the routes that are made of them."""

from collections.abc import Iterable, Iterator

from starlette.routing import Route

from services.api import health, pings
from services.api.rest import (
    alerts,
    crons,
    dead_letters,
    executions,
    jobs,
    limits,
    notifications,
    queues,
    signing,
)
from services.api.routing import Resource
from services.api.runner import Runner
from shared.operations import Operation

# The busiest first: routes are tried in order.
OPERATIONS = (
    *jobs.OPERATIONS,
    *crons.OPERATIONS,
    *executions.OPERATIONS,
    *queues.OPERATIONS,
    *dead_letters.OPERATIONS,
    *alerts.OPERATIONS,
    *notifications.OPERATIONS,
    *limits.OPERATIONS,
    *signing.OPERATIONS,
)


def _routes(operations: Iterable[Operation]) -> Iterator[Route]:
    """A route for each path, in the order in which the paths come."""
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    for path, ones in paths.items():
        look = next((one.look for one in ones if one.look), "")
        yield Route(path, Resource(path, {one.method: Runner(one) for one in ones}, look), name=path)


OPEN_ROUTES = (*pings.routes, *health.routes)
"""What needs no token, and is no operation."""
ROUTES = (*_routes(OPERATIONS), *OPEN_ROUTES)
