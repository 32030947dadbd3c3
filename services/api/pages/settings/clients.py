"""What a page shows with a new token: the block of each MCP client, and a call of the REST API."""

from typing import NamedTuple

from shared.basics.mcp_clients import MCP_CLIENTS


class Block(NamedTuple):
    """What goes into a file of a client, or into a terminal."""

    id: str
    client: str
    place: str
    text: str


def blocks(token: str, *, api: str, mcp: str) -> list[Block]:
    """One for each client, for the REST API and the MCP gateway at these addresses."""
    made = [
        Block(one.id, one.name, one.place, one.over_http(token, mcp) or one.over_stdio(token, mcp))
        for one in MCP_CLIENTS
    ]
    curl = f'curl -H "Authorization: Bearer {token}" {api}/api/queues'
    return [*made, Block("curl", "curl", "Terminal", curl)]
