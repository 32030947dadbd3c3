"""The executions of a cron, and a run made now."""

from shared.actions import executions
from shared.operations import Call, Operation
from shared.schemas.base import Page
from shared.schemas.crons import Execution, ExecutionQuery

CRON = "/api/crons/{cron_id}"
PATH = f"{CRON}/executions"


async def create(call: Call, cron_id: int) -> Execution:
    return await executions.create(call, cron_id)


async def index(call: Call, cron_id: int, query: ExecutionQuery) -> Page[Execution]:
    return await executions.page(call.redis, call.team, cron_id, query)


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
)
