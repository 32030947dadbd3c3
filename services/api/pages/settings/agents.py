"""Settings, Agents: how each MCP client is told of the gateway, and which tools a token sees there."""

from starlette.responses import Response

from services.api.pages.endpoint import page
from services.api.pages.settings.clients import agents, gateway_of
from services.api.pages.settings.shell import settings_page
from services.api.pages.visits import Visit
from shared.basics.mcp_clients import PLACEHOLDER
from shared.basics.mcp_tools import MCP_TOOLS

SECTION = "agents"
PATH = f"/t/{{team}}/settings/{SECTION}"


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    gateway = gateway_of(visit)
    return await settings_page(
        visit,
        signed,
        SECTION,
        "agents/index.html",
        gateway=gateway,
        blocks=agents(PLACEHOLDER, gateway),
        placeholder=PLACEHOLDER,
        tools=MCP_TOOLS,
    )


routes = [page(PATH, show)]
