"""What the overview, alerts and the system share: their address, and the clock by which times are shown."""

from typing import Any

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.crons import saying
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.security.sessions import Signed

PATH = "/t/{team}"


async def overview_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, *, section: str, **given: Any
) -> Response:
    zone, now = zones.zone_of(visit), await visit.having.now()
    return await team_page(
        visit,
        signed,
        template,
        status,
        section=section,
        base=base_of(signed),
        may_write=signed.team is not None and signed.caller.has("write"),
        zone=zone,
        city=zones.city(zone),
        wall=lambda at: saying.moment(at, now, zone),
        **given,
    )


def base_of(signed: Signed) -> str:
    """The address of the team, which is that of its overview; empty for who is in none."""
    return PATH.format(team=signed.team.id) if signed.team else ""
