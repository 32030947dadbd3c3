"""From `/` to the page of the last team; teams, and how to make one."""

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import joining
from shared.errors import NotFound
from shared.schemas.accounts.teams import TeamUpdate
from shared.security.sessions import Signed


async def start(visit: Visit) -> Response:
    """Where work goes on: the team that the session was in last, or the user itself without one."""
    signed = await visit.signed()
    return to(f"/t/{signed.team.id}" if signed.team else "/me")


async def nothing(visit: Visit) -> Response:
    await visit.in_team()
    raise NotFound("Page")


async def new_team(visit: Visit) -> Response:
    return await _new_team(visit, await visit.signed(), Form())


async def make_team(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        wanted = parsed(TeamUpdate, {"name": form.get("name")})
        made = await joining.make_team(visit.having, visit.visitor, signed, wanted.name)
    except IN_PLACE as error:
        return await _new_team(visit, signed, form.wrong(errors_of(error)), 422)
    return to(f"/t/{made}")


async def _new_team(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    return await team_page(visit, signed, "new_team.html", status, section="me", form=form)


routes = [
    page("/", start),
    page("/new-team", new_team, make_team),
]
nowhere = [page("/t/{team}/{rest:path}", nothing)]
"""Comes last: what else is below a team."""
