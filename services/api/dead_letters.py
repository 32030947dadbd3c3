"""/api/dead-letters"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, id_of, key_of, query_of
from services.api.routing import at
from shared import dead_letters
from shared.schemas.base import PageQuery
from shared.schemas.dead_letters import Chosen, DeadLetterQuery, ReplayAsked


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await dead_letters.page(request.state.redis, team, query_of(request, DeadLetterQuery)))


async def replay(request: Request) -> Response:
    """Some ids at once; with a filter or a rate in the background, which is answered with 202."""
    team = await team_of(request, scope="write")
    asked = await body_of(request, ReplayAsked)
    key = key_of(request, team, asked)
    if asked.ids is not None and asked.is_at_once:
        return answer(await dead_letters.replay_now(request.state.redis, team, asked.ids, key=key))
    return answer(await dead_letters.replay(request.state.redis, team, asked, key), 202)


async def purge(request: Request) -> Response:
    team = await team_of(request, scope="write")
    asked = await body_of(request, Chosen)
    key = key_of(request, team, asked)
    return answer(await dead_letters.purge(request.state.redis, team, asked, key=key))


async def replays(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await dead_letters.replays(request.state.redis, team, query_of(request, PageQuery)))


async def show_replay(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await dead_letters.get_replay(request.state.redis, team, id_of(request, "Replay")))


async def cancel_replay(request: Request) -> Response:
    team = await team_of(request, scope="write")
    replay_id, key = id_of(request, "Replay"), key_of(request, team)
    return answer(await dead_letters.cancel_replay(request.state.redis, team, replay_id, key))


routes = [
    at("/api/dead-letters", GET=index),
    at(
        "/api/dead-letters/replay",
        look="/api/dead-letters and /api/dead-letters/replays",
        POST=replay,
    ),
    at("/api/dead-letters/purge", look="/api/dead-letters", POST=purge),
    at("/api/dead-letters/replays", GET=replays),
    at("/api/dead-letters/replays/{replay_id}", GET=show_replay),
    at(
        "/api/dead-letters/replays/{replay_id}/cancel",
        look="/api/dead-letters/replays/{replay_id}",
        POST=cancel_replay,
    ),
]
