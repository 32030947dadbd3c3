"""The tools for crons."""

from typing import Annotated, Any

from pydantic import Field

from services.mcp import excerpts
from services.mcp.excerpts import OUTSIDE, Listed
from services.mcp.tools.tool import DeleteArguments, GetArguments, Key, PageNumber, Tool
from shared.actions import crons, warnings
from shared.operations import Call
from shared.schemas.base import Deleted, Method, Schema, Searched
from shared.schemas.crons import (
    CronCreate,
    CronCreated,
    CronDetail,
    CronDetailWithWarnings,
    CronFilter,
    CronQuery,
    CronSpec,
    CronSpecUpdate,
    CronSummary,
    CronUpdate,
)


class CronCreateArguments(CronSpec):
    """As over REST, but the method defaults to GET."""

    method: Annotated[Method, Field(description="HTTP method")] = Method.GET
    idempotency_key: Key = None

    def cron(self) -> CronCreate:
        return CronCreate.model_construct(**{name: getattr(self, name) for name in CronSpec.model_fields})


class CronUpdateArguments(CronSpecUpdate, GetArguments):
    """Which cron, and the fields to change."""

    idempotency_key: Key = None

    def changes(self) -> CronUpdate:
        given = self.model_fields_set - {"id", "idempotency_key"}
        return CronUpdate.model_construct(given, **{name: getattr(self, name) for name in given})


class CronListArguments(Schema):
    filter: Annotated[CronFilter, Field(description="Only crons in this state")] = CronFilter.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the name or URL")] = None
    page: PageNumber = 1
    q: Searched = None

    def query(self) -> CronQuery:
        return CronQuery(filter=self.filter, search=self.search, page=self.page, q=self.q)


async def _list_crons(call: Call, arguments: CronListArguments) -> Listed[CronSummary]:
    page = await crons.page(call.redis, call.team, arguments.query())
    return excerpts.page(page, excerpts.cron_row, "get-cron")


async def _create_cron(call: Call, arguments: CronCreateArguments) -> CronCreated:
    cron = await crons.create(call, arguments.cron())
    return excerpts.narrow(CronCreated, await warnings.saved_cron(call.redis, call.team, cron))


async def _get_cron(call: Call, arguments: GetArguments) -> CronDetail:
    return excerpts.cron(await crons.get(call.redis, call.team, arguments.id))


async def _update_cron(call: Call, arguments: CronUpdateArguments) -> CronDetailWithWarnings:
    cron = await crons.update(call, arguments.id, arguments.changes())
    return excerpts.changed_cron(await warnings.saved_cron(call.redis, call.team, cron))


async def _delete_cron(call: Call, arguments: DeleteArguments) -> Deleted:
    await crons.delete(call, arguments.id)
    return Deleted(id=arguments.id)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "list-crons",
        "List crons",
        "List crons with optional filters (active/paused) and search by name or URL. "
        f"Newest first, 25 a page; long texts are cut, get-cron shows more. {OUTSIDE}",
        CronListArguments,
        Listed[CronSummary],
        _list_crons,
        scope="read",
    ),
    Tool(
        "create-cron",
        "Create cron",
        "Create a recurring HTTP request on a cron schedule.",
        CronCreateArguments,
        CronCreated,
        _create_cron,
        look="list-crons",
    ),
    Tool(
        "get-cron",
        "Get cron",
        "Get full details of a cron by ID: configuration, execution timing, alert state, why it failed last. "
        f"last_response holds at most 4 KiB. {OUTSIDE}",
        GetArguments,
        CronDetail,
        _get_cron,
        scope="read",
    ),
    Tool(
        "update-cron",
        "Update cron",
        "Update any fields on an existing cron; everything else stays the same. "
        f"is_active false pauses it, true resumes it. {OUTSIDE}",
        CronUpdateArguments,
        CronDetailWithWarnings,
        _update_cron,
        look="get-cron",
        is_destructive=True,
        is_idempotent=True,
        null_clears=True,
    ),
    Tool(
        "delete-cron",
        "Delete cron",
        "Permanently delete a cron and its history.",
        DeleteArguments,
        Deleted,
        _delete_cron,
        look="get-cron",
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
    ),
)
