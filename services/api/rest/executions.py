"""The executions of a cron or of all, and a run made now."""

from shared.actions import executions
from shared.actions.reports import listed
from shared.operations import Call, Operation
from shared.schemas.base import Page
from shared.schemas.crons import Execution, ExecutionQuery
from shared.schemas.reports.executions import ListedExecutions, ListedQuery

CRON = "/api/crons/{cron_id}"
PATH = f"{CRON}/executions"


async def create(call: Call, cron_id: int) -> Execution:
    return await executions.create(call, cron_id)


async def index(call: Call, cron_id: int, query: ExecutionQuery) -> Page[Execution]:
    return await executions.page(call.redis, call.team, cron_id, query)


async def index_of_all(call: Call, query: ListedQuery) -> ListedExecutions:
    return await listed.page(call, query)


async def show(call: Call, cron_id: int, execution_id: int) -> Execution:
    return await executions.get(call.redis, call.team, cron_id, execution_id)


OPERATIONS = (
    Operation(
        "run-cron",
        "POST",
        f"{CRON}/run",
        "write",
        create,
        {202: Execution},
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
        summary="Get an execution with its run",
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
