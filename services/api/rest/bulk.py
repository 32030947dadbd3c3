"""Many crons or jobs changed in one call."""

from shared.actions.bulk import crons, jobs
from shared.operations import Call, Operation
from shared.schemas.base import SEARCHED
from shared.schemas.bulk.results import BulkResult
from shared.schemas.bulk.wanted import CronBulk, JobBulk


async def change_crons(call: Call, wanted: CronBulk) -> BulkResult:
    return await crons.change(call, wanted)


async def change_jobs(call: Call, wanted: JobBulk) -> BulkResult:
    return await jobs.change(call, wanted)


OF_CRONS = Operation(
    "change-crons",
    "POST",
    "/api/crons/bulk",
    "write",
    change_crons,
    {200: BulkResult},
    takes=CronBulk,
    look="/api/crons",
    summary="Pause, resume, run, delete or change up to 1,000 crons",
    example={"action": "pause", SEARCHED: "host:api.example.com", "dry_run": True},
)
OF_JOBS = Operation(
    "change-jobs",
    "POST",
    "/api/jobs/bulk",
    "write",
    change_jobs,
    {200: BulkResult},
    takes=JobBulk,
    look="/api/jobs",
    summary="Cancel or delete up to 1,000 jobs",
    example={"action": "cancel", "ids": [1, 2], "expected_count": 2},
)
