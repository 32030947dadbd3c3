"""/api/queues"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, changes_of, id_of, key_of, query_of
from services.api.routing import at
from shared import queues, warnings
from shared.schemas.base import Deleted, PageQuery
from shared.schemas.queues import QueueCreate, QueueUpdate


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    asked = await body_of(request, QueueCreate)
    queue = await queues.create(request.state.redis, team, asked, key_of(request, team, asked))
    return answer(await warnings.saved_queue(request.state.redis, team, queue), 201)


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await queues.page(request.state.redis, team, query_of(request, PageQuery)))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await queues.get(request.state.redis, team, id_of(request, "Queue")))


async def update(request: Request) -> Response:
    team = await team_of(request, scope="write")
    queue_id = id_of(request, "Queue")
    asked = await changes_of(request, QueueUpdate)
    key = key_of(request, team, asked)
    queue = await queues.update(request.state.redis, team, queue_id, asked, key)
    return answer(await warnings.saved_queue(request.state.redis, team, queue))


async def delete(request: Request) -> Response:
    team = await team_of(request, scope="write")
    queue_id = id_of(request, "Queue")
    await queues.delete(request.state.redis, team, queue_id, key_of(request, team))
    return answer(Deleted(id=queue_id))


routes = [
    at("/api/queues", GET=index, POST=create),
    at("/api/queues/{queue_id}", GET=show, PATCH=update, DELETE=delete),
]
