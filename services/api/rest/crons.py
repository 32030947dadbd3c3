"""Crons: what is called again and again, and what became of that."""

from dataclasses import replace

from services.api.rest import bulk
from shared.actions import crons, warnings
from shared.actions.explain import explain
from shared.actions.reports.why import why
from shared.actions.searches import sorting
from shared.operations import Call, Operation
from shared.schemas.base import Deleted
from shared.schemas.crons import Cron, CronCreate, CronMade, CronQuery, CronUpdate, CronWithWarnings
from shared.schemas.explain import ExplainQuery, Explanation
from shared.schemas.reports.crons import CronPage
from shared.schemas.why import Why, WhyQuery
from shared.store import moments

PATH = "/api/crons"
ONE = f"{PATH}/{{cron_id}}"
# A new cron is answered with what the hosted product answers, in its order, and then the rest.
FIRST = ("id", "name", "cron_expression", "next_run_at", "is_active")


async def create(call: Call, cron: CronCreate) -> CronWithWarnings:
    made = await crons.create(call, cron)
    return await warnings.saved_cron(call.redis, call.team, made)


async def index(call: Call, query: CronQuery) -> CronPage:
    page = await sorting.page(call.redis, call.team, query, call.maker)
    return page.model_copy(update={"data": [_shown(call, cron) for cron in page.data]})


async def show(call: Call, cron_id: int) -> Cron:
    return _shown(call, await crons.show(call, cron_id))


def _shown(call: Call, cron: Cron) -> Cron:
    """Who may only read is not shown the key that a ping needs."""
    return cron if call.caller.has("write") else cron.model_copy(update={"ping_key": None})


async def update(call: Call, cron_id: int, changes: CronUpdate) -> CronWithWarnings:
    changed = await crons.update(call, cron_id, changes)
    return await warnings.saved_cron(call.redis, call.team, changed)


async def upsert(call: Call, cron_key: str, cron: CronCreate) -> CronMade | CronWithWarnings:
    saved = await crons.upsert(call, cron_key, cron)
    return await warnings.saved_cron(call.redis, call.team, saved)


async def delete(call: Call, cron_id: int) -> Deleted:
    await crons.delete(call, cron_id)
    return Deleted(id=cron_id)


async def explain_schedule(call: Call, query: ExplainQuery) -> Explanation:
    """Nothing is stored; a token is required all the same, for the work that it is."""
    return explain(query, await moments.now(call.redis, call.team.shard))


async def explain_why(call: Call, cron_id: int, query: WhyQuery) -> Why:
    return await why(call.redis, call.team, cron_id, query)


UPDATE = Operation(
    "update-cron",
    "PATCH",
    ONE,
    "write",
    update,
    {200: CronWithWarnings},
    takes=CronUpdate,
    is_change=True,
    has_version=True,
    summary="Change some fields of a cron",
    example={"cron_expression": "*/10 * * * *", "is_active": False},
)
OPERATIONS = (
    Operation(
        "list-crons",
        "GET",
        PATH,
        "read",
        index,
        {200: CronPage},
        query=CronQuery,
        summary="List crons, newest first or sorted",
    ),
    Operation(
        "create-cron",
        "POST",
        PATH,
        "write",
        create,
        {201: CronWithWarnings},
        takes=CronCreate,
        first=FIRST,
        summary="Create a cron or a heartbeat",
        example={
            "name": "Health check",
            "url": "https://api.example.com/health",
            "cron_expression": "*/5 * * * *",
        },
    ),
    Operation(
        "upsert-cron",
        "PUT",
        f"{PATH}/by-key/{{cron_key}}",
        "write",
        upsert,
        {201: CronMade, 200: CronWithWarnings},
        takes=CronCreate,
        look=PATH,
        summary="Make the cron of a key of your own, or change all its fields",
        example={
            "name": "Nightly report",
            "url": "https://api.example.com/report",
            "cron_expression": "0 3 * * *",
        },
    ),
    Operation(
        "explain-schedule",
        "POST",
        f"{PATH}/explain",
        "read",
        explain_schedule,
        {200: Explanation},
        takes=ExplainQuery,
        summary="Explain a schedule before it is used",
        example={"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"},
    ),
    Operation(
        "explain-fires",
        "GET",
        f"{ONE}/why",
        "read",
        explain_why,
        {200: Why},
        query=WhyQuery,
        summary="Explain what became of the fires of a cron",
    ),
    bulk.OF_CRONS,
    Operation("get-cron", "GET", ONE, "read", show, {200: Cron}, has_version=True, summary="Get a cron"),
    UPDATE,
    replace(UPDATE, name="put-cron", method="PUT", summary="Change some fields of a cron, the same as PATCH"),
    Operation(
        "delete-cron",
        "DELETE",
        ONE,
        "write",
        delete,
        {200: Deleted},
        has_version=True,
        summary="Delete a cron and its executions",
    ),
)
