"""What is to come: the fires of all crons, counted by intervals, and those of one."""

from shared.actions.reports import coming
from shared.operations import Call, Operation
from shared.schemas.reports.coming import Coming, ComingQuery, CronComing, CronComingQuery

PATH = "/api/crons"


async def index(call: Call, query: ComingQuery) -> Coming:
    return await coming.get(call, query)


async def show(call: Call, cron_id: int, query: CronComingQuery) -> CronComing:
    return await coming.of_cron(call, cron_id, query)


OPERATIONS = (
    Operation(
        "count-coming",
        "GET",
        f"{PATH}/coming",
        "read",
        index,
        {200: Coming},
        query=ComingQuery,
        summary="Count the fires to come of all crons, and find the busiest minute",
    ),
    Operation(
        "list-coming",
        "GET",
        f"{PATH}/{{cron_id}}/coming",
        "read",
        show,
        {200: CronComing},
        query=CronComingQuery,
        summary="List the fires to come of a cron",
    ),
)
