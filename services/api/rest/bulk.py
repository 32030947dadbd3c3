"""Many crons or jobs changed in one call, or in the background."""

from shared.actions.bulk import background, crons, jobs
from shared.operations import Call, Operation
from shared.schemas.base import SEARCHED, Page, PageQuery
from shared.schemas.bulk.results import BulkProgress, BulkResult
from shared.schemas.bulk.wanted import CronBulk, JobBulk

PATH = "/api/bulk"
ONE = f"{PATH}/{{bulk_id}}"


async def change_crons(call: Call, wanted: CronBulk) -> BulkResult | BulkProgress:
    return await crons.change(call, wanted)


async def change_jobs(call: Call, wanted: JobBulk) -> BulkResult | BulkProgress:
    return await jobs.change(call, wanted)


async def index(call: Call, query: PageQuery) -> Page[BulkProgress]:
    return await background.page(call.redis, call.team, query)


async def show(call: Call, bulk_id: int) -> BulkProgress:
    return await background.get(call.redis, call.team, bulk_id)


async def cancel(call: Call, bulk_id: int) -> BulkProgress:
    return await background.cancel(call, bulk_id)


OF_CRONS = Operation(
    "change-crons",
    "POST",
    "/api/crons/bulk",
    "write",
    change_crons,
    {200: BulkResult, 202: BulkProgress},
    takes=CronBulk,
    location=f"{PATH}/{{id}}",
    look=f"/api/crons and {PATH}",
    summary="Pause, resume, run, delete or change up to 10,000 crons",
    example={"action": "pause", SEARCHED: "host:api.example.com", "dry_run": True},
)
OF_JOBS = Operation(
    "change-jobs",
    "POST",
    "/api/jobs/bulk",
    "write",
    change_jobs,
    {200: BulkResult, 202: BulkProgress},
    takes=JobBulk,
    location=f"{PATH}/{{id}}",
    look=f"/api/jobs and {PATH}",
    summary="Cancel or delete up to 10,000 jobs",
    example={"action": "cancel", "ids": [1, 2], "expected_count": 2},
)
OPERATIONS = (
    Operation(
        "list-bulks",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[BulkProgress]},
        query=PageQuery,
        summary="List changes of many in the background, newest first",
    ),
    Operation(
        "get-bulk",
        "GET",
        ONE,
        "read",
        show,
        {200: BulkProgress},
        summary="Get a change of many and how far it is",
    ),
    Operation(
        "cancel-bulk",
        "POST",
        f"{ONE}/cancel",
        "write",
        cancel,
        {200: BulkProgress},
        look=ONE,
        summary="Stop a change of many",
    ),
)
