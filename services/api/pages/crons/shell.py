"""What all pages of crons have: their addresses, the clock by which times are shown, who may change them."""

from typing import Any

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.security.sessions import Signed

PATH = "/t/{team}/crons"
ONE = f"{PATH}/{{cron}}"


async def crons_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, **given: Any
) -> Response:
    zone = zones.zone_of(visit)
    return await team_page(
        visit,
        signed,
        template,
        status,
        section="crons",
        path=path_of(signed),
        may_write=signed.caller.has("write"),
        zone=zone,
        city=zones.city(zone),
        **given,
    )


def path_of(signed: Signed, cron: int | None = None, *more: object) -> str:
    """The address of the crons of the team, or of one of them."""
    assert signed.team
    path = PATH.format(team=signed.team.id)
    return "/".join([path, *([str(cron)] if cron else []), *map(str, more)])
