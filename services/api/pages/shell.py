"""Pages of a team: what stands around each, by who is signed in."""

from typing import Any

from starlette.responses import Response

from services.api.pages.rendering import rendered
from services.api.pages.visits import Visit
from shared.security.sessions import Signed


async def team_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, **given: Any
) -> Response:
    """A page with the rail: teams to go to, and what this member may open."""
    return rendered(
        template,
        status,
        signed=signed,
        teams=await visit.teams(signed),
        team=signed.team,
        is_admin=signed.role == "admin",
        now=await visit.having.now(),
        **given,
    )
