"""/api/usage and /api/settings/limits"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, key_of
from services.api.routing import at
from shared import limits
from shared.schemas.teams import Limits


async def usage(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await limits.usage(request.state.redis, team))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await limits.get(request.state.redis, team))


async def put(request: Request) -> Response:
    team = await team_of(request, scope="admin")
    asked = await body_of(request, Limits)
    return answer(await limits.put(request.state.redis, team, asked, key_of(request, team, asked)))


routes = [
    at("/api/usage", GET=usage),
    at("/api/settings/limits", GET=show, PUT=put),
]
