"""The executions of a cron or of all, and a run made now."""

from shared.actions import executions
from shared.actions.reports import listed
from shared.errors import NotFound, TooManyWaits
from shared.operations import Call, Operation
from shared.schemas.base import Page, WaitQuery
from shared.schemas.crons import Execution, ExecutionQuery
from shared.schemas.reports.executions import ListedExecutions, ListedQuery
from shared.store.connection import AWAY

CRON = "/api/crons/{cron_id}"
PATH = f"{CRON}/executions"


async def create(call: Call, cron_id: int, query: WaitQuery) -> Execution:
    """The run is made, whatever becomes of the wait: it is answered as it is known last."""
    made = await executions.create(call, cron_id)
    if query.wait is None:
        return made
    try:
        return await _ended(call, cron_id, made.id, query.wait)
    except (TooManyWaits, NotFound, *AWAY):
        call.has_not_ended()
        return made


async def index(call: Call, cron_id: int, query: ExecutionQuery) -> Page[Execution]:
    return await executions.page(call.redis, call.team, cron_id, query)


async def index_of_all(call: Call, query: ListedQuery) -> ListedExecutions:
    return await listed.page(call, query)


async def show(call: Call, cron_id: int, execution_id: int, query: WaitQuery) -> Execution:
    """As it is once it has ended or the wait is over."""
    if query.wait is None:
        return await executions.get(call.redis, call.team, cron_id, execution_id)
    return await _ended(call, cron_id, execution_id, query.wait)


async def _ended(call: Call, cron_id: int, execution_id: int, seconds: int) -> Execution:
    at = f"/api/crons/{cron_id}/executions/{execution_id}"
    return await executions.get_ended(call, cron_id, execution_id, seconds, at)


OPERATIONS = (
    Operation(
        "run-cron",
        "POST",
        f"{CRON}/run",
        "write",
        create,
        {202: Execution},
        query=WaitQuery,
        awaits_end=True,
        look=PATH,
        summary="Run a cron now",
    ),
    Operation(
        "list-executions",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Execution]},
        query=ExecutionQuery,
        summary="List the executions of a cron, newest first",
    ),
    Operation(
        "get-execution",
        "GET",
        f"{PATH}/{{execution_id}}",
        "read",
        show,
        {200: Execution},
        query=WaitQuery,
        awaits_end=True,
        summary="Get an execution with its run, at once or when it has ended",
    ),
    Operation(
        "list-all-executions",
        "GET",
        "/api/executions",
        "read",
        index_of_all,
        {200: ListedExecutions},
        query=ListedQuery,
        summary="List the executions of all crons, and their fires to come, newest first",
    ),
)
