"""Pages of a team: what stands around each, by who is signed in."""

from typing import Any, NamedTuple

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered
from services.api.pages.visits import KEYS, Visit
from shared.security.sessions import Signed


async def team_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, **given: Any
) -> Response:
    """A page with the rail: teams to go to, and what this member may open. Times are by its clock."""
    return rendered(
        template,
        status,
        signed=signed,
        teams=await visit.teams(signed),
        team=signed.team,
        is_admin=signed.role == "admin",
        now=await zones.now(visit),
        other_zone=zones.other_of(visit),
        here=zones.here(visit),
        has_keys=visit.request.cookies.get(KEYS) != "off",
        **given,
    )


class Question(NamedTuple):
    """What is asked once more before it is done."""

    title: str
    sentence: str
    button: str


async def confirm_page(
    visit: Visit, signed: Signed, question: Question, *, section: str, back: str
) -> Response:
    """Asks it; the form goes to the address of the page itself."""
    return await team_page(
        visit, signed, "confirm.html", section=section, question=question, back=back, form=Form()
    )
