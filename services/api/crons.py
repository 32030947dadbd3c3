"""/api/crons"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, changes_of, id_of, key_of, query_of
from services.api.routing import at
from shared import crons, moments, warnings
from shared.explain import explain
from shared.schemas.base import Deleted
from shared.schemas.crons import Cron, CronCreate, CronQuery, CronUpdate
from shared.schemas.explain import ExplainAsked
from shared.schemas.why import WhyQuery
from shared.why import why

# A new cron is answered with what the hosted product answers, in its order, and then the rest.
_FIRST = ("id", "name", "cron_expression", "next_run_at", "is_active")


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    body = await body_of(request, CronCreate)
    key, asked = key_of(request, team, body), request.state.admission.admit(team, body)
    cron = await crons.create(request.state.redis, team, asked, key=key)
    fields = (await warnings.saved_cron(request.state.redis, team, cron)).model_dump(mode="json")
    return JSONResponse({name: fields[name] for name in _FIRST} | fields, 201)


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    page = await crons.page(request.state.redis, team, query_of(request, CronQuery))
    return answer(page.model_copy(update={"data": [_shown(request, cron) for cron in page.data]}))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    cron = await crons.get(request.state.redis, team, id_of(request, "Cron"))
    return answer(_shown(request, cron))


def _shown(request: Request, cron: Cron) -> Cron:
    """Who may only read is not shown the key that a ping needs."""
    return cron if request.state.caller.has("write") else cron.model_copy(update={"ping_key": None})


async def update(request: Request) -> Response:
    team = await team_of(request, scope="write")
    cron_id = id_of(request, "Cron")
    body, admission = await changes_of(request, CronUpdate), request.state.admission
    key, asked = key_of(request, team, body), admission.admit(team, body)
    changed = await crons.update(request.state.redis, team, cron_id, asked, vault=admission.vault, key=key)
    return answer(await warnings.saved_cron(request.state.redis, team, changed))


async def delete(request: Request) -> Response:
    team = await team_of(request, scope="write")
    cron_id = id_of(request, "Cron")
    await crons.delete(request.state.redis, team, cron_id, key_of(request, team))
    return answer(Deleted(id=cron_id))


async def explain_asked(request: Request) -> Response:
    """Nothing is stored; a token is asked for all the same, for the work that it is."""
    team = await team_of(request, scope="read")
    asked = await body_of(request, ExplainAsked)
    return answer(explain(asked, await moments.now(request.state.redis, team.shard)))


async def explain_why(request: Request) -> Response:
    team = await team_of(request, scope="read")
    cron_id = id_of(request, "Cron")
    return answer(await why(request.state.redis, team, cron_id, query_of(request, WhyQuery)))


routes = [
    at("/api/crons", GET=index, POST=create),
    at("/api/crons/explain", POST=explain_asked),
    at("/api/crons/{cron_id}/why", GET=explain_why),
    at("/api/crons/{cron_id}", GET=show, PATCH=update, PUT=update, DELETE=delete),
]
