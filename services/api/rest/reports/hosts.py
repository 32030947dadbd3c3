"""Hosts that a team leaves alone for a while, and whether they answer again."""

from shared.actions.reports import hosts
from shared.operations import Call, Operation
from shared.schemas.base import Page
from shared.schemas.reports.hosts import Host, HostQuery


async def index(call: Call, query: HostQuery) -> Page[Host]:
    return await hosts.page(call, query)


OPERATIONS = (
    Operation(
        "list-hosts",
        "GET",
        "/api/hosts",
        "read",
        index,
        {200: Page[Host]},
        query=HostQuery,
        summary="List hosts that rest, or rested lately, the latest rest first",
    ),
)
