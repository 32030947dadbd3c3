"""Backfills: past fires of a cron that did not run, made in the background."""

from shared.actions.reports import backfills
from shared.operations import Call, Operation
from shared.schemas.base import Page
from shared.schemas.reports.backfills import Backfill, BackfillCreate, BackfillPreview, BackfillQuery

PATH = "/api/backfills"
ONE = f"{PATH}/{{backfill_id}}"


async def create(call: Call, cron_id: int, wanted: BackfillCreate) -> Backfill | BackfillPreview:
    """With `dry_run` nothing is made, and what would be is answered."""
    return await backfills.create(call, cron_id, wanted)


async def index(call: Call, query: BackfillQuery) -> Page[Backfill]:
    return await backfills.page(call.redis, call.team, query)


async def show(call: Call, backfill_id: int) -> Backfill:
    return await backfills.get(call.redis, call.team, backfill_id)


async def cancel(call: Call, backfill_id: int) -> Backfill:
    return await backfills.cancel(call, backfill_id)


OPERATIONS = (
    Operation(
        "backfill-cron",
        "POST",
        "/api/crons/{cron_id}/backfill",
        "write",
        create,
        {200: BackfillPreview, 202: Backfill},
        takes=BackfillCreate,
        look=PATH,
        summary="Make the fires of a range in the past that did not run",
        example={"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "dry_run": True},
    ),
    Operation(
        "list-backfills",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Backfill]},
        query=BackfillQuery,
        summary="List backfills, newest first",
    ),
    Operation(
        "get-backfill",
        "GET",
        ONE,
        "read",
        show,
        {200: Backfill},
        summary="Get a backfill and how far it is",
    ),
    Operation(
        "cancel-backfill",
        "POST",
        f"{ONE}/cancel",
        "write",
        cancel,
        {200: Backfill},
        look=ONE,
        summary="Stop a backfill",
    ),
)
