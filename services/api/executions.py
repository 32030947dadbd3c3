"""/api/crons/{id}/executions, and a run made now"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import id_of, key_of, query_of
from services.api.routing import at
from shared import executions
from shared.schemas.crons import ExecutionQuery


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    cron_id, key = id_of(request, "Cron"), key_of(request, team)
    return answer(await executions.create(request.state.redis, team, cron_id, key), 202)


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    cron_id = id_of(request, "Cron")
    query = query_of(request, ExecutionQuery)
    return answer(await executions.page(request.state.redis, team, cron_id, query))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    cron_id, execution_id = id_of(request, "Cron"), id_of(request, "Execution")
    return answer(await executions.get(request.state.redis, team, cron_id, execution_id))


routes = [
    at("/api/crons/{cron_id}/run", look="/api/crons/{cron_id}/executions", POST=create),
    at("/api/crons/{cron_id}/executions", GET=index),
    at("/api/crons/{cron_id}/executions/{execution_id}", GET=show),
]
