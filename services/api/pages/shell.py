"""Pages of a team: what stands around each, by who is signed in."""

import asyncio
from typing import Any, NamedTuple

from redis.exceptions import ResponseError
from starlette.responses import Response

from services.api.pages import theme, zones
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered, theme_of
from services.api.pages.visits import KEYS, Visit
from shared.actions import dead_letters
from shared.errors import Damaged
from shared.schemas.dead_letters import DeadLetterQuery
from shared.security.sessions import Signed

BEYOND = 10_000_000
"""The last page that can be asked for."""


async def team_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, **given: Any
) -> Response:
    """A page with the rail: teams to go to, and what this member may open. Times are by its clock."""
    teams, letters, now = await asyncio.gather(visit.teams(signed), _letters(visit, signed), zones.now(visit))
    return rendered(
        template,
        status,
        signed=signed,
        teams=teams,
        dead_total=letters,
        team=signed.team,
        is_admin=signed.role == "admin",
        now=now,
        other_zone=zones.other_of(visit),
        here=zones.here(visit),
        theme=theme_of(visit.request),
        next_theme=theme.following(visit),
        has_keys=visit.request.cookies.get(KEYS) != "off",
        **given,
    )


async def _letters(visit: Visit, signed: Signed) -> int:
    """How many dead letters the team has: beyond the last page none is read."""
    if signed.team is None:
        return 0
    try:
        found = await dead_letters.page(
            visit.having.redis, signed.team, DeadLetterQuery(page=BEYOND, per_page=1)
        )
    except (Damaged, ResponseError):
        return 0  # their own page says so
    return found.total


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
