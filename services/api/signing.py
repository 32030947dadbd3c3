"""/api/settings/signing"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, key_of
from services.api.routing import at
from shared import signatures
from shared.schemas.teams import SigningAsked, SigningOff


async def rotate(request: Request) -> Response:
    """Make a secret, the first or the next; an empty body takes the default."""
    team = await team_of(request, scope="admin")
    asked = await body_of(request, SigningAsked, empty=SigningAsked())
    redis, vault = request.state.redis, request.state.admission.vault
    key = key_of(request, team, asked)
    return answer(await signatures.rotate(redis, vault, team, asked.keep_hours, key), 201)


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await signatures.state(request.state.redis, team))


async def delete(request: Request) -> Response:
    team = await team_of(request, scope="admin")
    await signatures.remove(request.state.redis, team, key_of(request, team))
    return answer(SigningOff())


routes = [at("/api/settings/signing", GET=show, POST=rotate, DELETE=delete)]
