"""/api/alerts"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import id_of, query_of
from services.api.routing import at
from shared import alerts
from shared.schemas.alerts import AlertQuery


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await alerts.page(request.state.redis, team, query_of(request, AlertQuery)))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await alerts.get(request.state.redis, team, id_of(request, "Alert")))


routes = [
    at("/api/alerts", GET=index),
    at("/api/alerts/{alert_id}", GET=show),
]
