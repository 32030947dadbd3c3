"""Pages of a team: what stands around each, by who is signed in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from redis.exceptions import ResponseError
from starlette.responses import Response

from services.api.pages import choices, zones
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered, theme_of
from services.api.pages.visits import KEYS, Visit
from shared.actions import alerts, crons, dead_letters, queues
from shared.errors import Damaged
from shared.schemas.base import Page, PageQuery
from shared.schemas.crons import CronQuery
from shared.schemas.dead_letters import DeadLetterQuery
from shared.security.sessions import Signed

BEYOND = 10_000_000
"""The last page that can be asked for."""


async def team_page(
    visit: Visit, signed: Signed, template: str, /, status: int = 200, **given: Any
) -> Response:
    """A page with the rail: teams to go to, and what this member may open. Times are by its clock."""
    teams, totals, now = await asyncio.gather(visit.teams(signed), _totals(visit, signed), zones.now(visit))
    return rendered(
        template,
        status,
        signed=signed,
        teams=teams,
        totals=totals,
        team=signed.team,
        is_admin=signed.role == "admin",
        now=now,
        other_zone=zones.other_of(visit),
        here=zones.here(visit),
        theme=theme_of(visit.request),
        next_theme=choices.following(visit),
        has_keys=visit.request.cookies.get(KEYS) != "off",
        **given,
    )


class Totals(NamedTuple):
    """How many the team has of what the rail leads to."""

    crons: int = 0
    queues: int = 0
    dead: int = 0
    alerts: int = 0
    """Of what they tell of, so much is not over."""


async def _totals(visit: Visit, signed: Signed) -> Totals:
    """Beyond the last page none is read."""
    team, redis = signed.team, visit.having.redis
    if team is None:
        return Totals()
    return Totals(
        *await asyncio.gather(
            _count(lambda: _total(crons.page(redis, team, CronQuery(page=BEYOND, per_page=1)))),
            _count(lambda: _total(queues.page(redis, team, PageQuery(page=BEYOND, per_page=1)))),
            _count(lambda: _total(dead_letters.page(redis, team, DeadLetterQuery(page=BEYOND, per_page=1)))),
            _count(lambda: alerts.count_open(redis, team)),
        )
    )


async def _total(page: Awaitable[Page[Any]]) -> int:
    return (await page).total


async def _count(read: Callable[[], Awaitable[int]]) -> int:
    """Begun here: who leaves before his page is made leaves nothing behind that was begun and not awaited."""
    try:
        return await read()
    except (Damaged, ResponseError):
        return 0  # their own page says so


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
