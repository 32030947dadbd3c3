"""What a page shows with a new token: the block of each MCP client, and a call of the REST API."""

from typing import NamedTuple

from services.api.pages.origins import host_of
from services.api.pages.visits import Visit
from shared.basics.mcp_clients import MCP_CLIENTS


class Block(NamedTuple):
    """What goes into a file of a client, or into a terminal."""

    id: str
    client: str
    place: str
    text: str


def agents(token: str, mcp: str) -> list[Block]:
    """One for each client, as `recuro mcp config` prints it, for the gateway at that address."""
    return [
        Block(one.id, one.name, one.place, one.over_http(token, mcp) or one.over_stdio(token, mcp))
        for one in MCP_CLIENTS
    ]


def blocks(token: str, *, api: str, mcp: str) -> list[Block]:
    """One for each client, and a call of the REST API at that address."""
    curl = f'curl -H "Authorization: Bearer {token}" {api}/api/queues'
    return [*agents(token, mcp), Block("curl", "curl", "Terminal", curl)]


def gateway_of(visit: Visit) -> str:
    """Where the MCP gateway is: as RECURO_MCP_URL says it, else at its port on the host of the page."""
    settings = visit.having.settings
    if settings.mcp_url:
        return settings.mcp_url
    host = host_of(visit.request) or settings.mcp_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.mcp_port}/mcp"
