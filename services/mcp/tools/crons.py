"""The tools for crons."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from services.mcp import excerpts, headers
from services.mcp.answers import CronChanged, CronCreated, CronRow, CronShown
from services.mcp.excerpts import OUTSIDE, Listed
from services.mcp.tools import cautions
from services.mcp.tools.tool import (
    KEY_SAID,
    DeleteArguments,
    DryRun,
    GetArguments,
    Key,
    PageNumber,
    PerPage,
    Tool,
)
from shared.actions import crons, explain, warnings
from shared.operations import Call
from shared.schemas.assertions import Assertions
from shared.schemas.base import Deleted, Labels, Method, Schema, Searched, UrlOrNone, without_defaults
from shared.schemas.crons import (
    CronCreate,
    CronFilter,
    CronMode,
    CronQuery,
    CronSpec,
    CronSpecUpdate,
    CronUpdate,
    GraceSeconds,
    PauseAfter,
)
from shared.schemas.teams import Redact
from shared.schemas.timing import Timing

ListedAssertions = Annotated[
    Assertions,
    WithJsonSchema({"type": "array", "items": {"type": "object"}}),
    Field(
        description='As {"type": "body_contains", "value": "ok"}; also body_not_contains, body_matches, '
        "status_code_equals, response_time_under_ms, json_path_equals (path), header_equals (name)"
    ),
]
"""Each kind with all its fields would be a tenth of all that is listed."""


Mode = Annotated[CronMode, Field(description="heartbeat: its side pings Recuro; url is empty then")]


class CronCreateArguments(Timing, CronSpec):
    """As over REST, but the method defaults to GET; `url` is listed as required, as in the reference."""

    url: Annotated[UrlOrNone, Field(description="Target URL to call")]
    method: Annotated[Method, Field(description="HTTP method")] = Method.GET
    success_assertions: ListedAssertions = ()
    pause_after_failures: PauseAfter = None
    redact: Redact = ()
    labels: Labels = Field(default_factory=dict)
    mode: Mode = CronMode.REQUEST
    grace_seconds: GraceSeconds = 300
    dry_run: DryRun = False
    idempotency_key: Annotated[Key, KEY_SAID] = None

    _are_values = field_validator("headers")(headers.check_values)

    @model_validator(mode="before")
    @classmethod
    def _has_url(cls, given: Any) -> Any:
        """Only a heartbeat has none, and may leave it out as over REST."""
        if not isinstance(given, dict):
            return given
        if given.get("mode") == CronMode.HEARTBEAT:
            return {"url": "", **given}
        return {name: value for name, value in given.items() if (name, value) != ("url", "")}

    def cron(self) -> CronCreate:
        kept = {name: value for name, value in self if name in CronCreate.model_fields}
        return CronCreate.model_construct(self.model_fields_set & kept.keys(), **kept)


def _as_in_create_cron(schema: dict[str, Any]) -> None:
    """Which says what they are."""
    without_defaults(schema)
    for field in schema["properties"].values():
        field["description"] = ""


class CronUpdateArguments(Timing, CronSpecUpdate, GetArguments):
    """Which cron, and the fields to change."""

    model_config = ConfigDict(json_schema_extra=_as_in_create_cron)

    success_assertions: ListedAssertions = ()
    pause_after_failures: PauseAfter = None
    redact: Redact = ()
    labels: Labels = Field(default_factory=dict)
    grace_seconds: GraceSeconds = 300
    idempotency_key: Key = None

    def changes(self) -> CronUpdate:
        given = self.model_fields_set - {"id", "idempotency_key"}
        return CronUpdate.model_construct(given, **{name: getattr(self, name) for name in given})


class ListedCrons(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    FAILING = "failing"
    """Which no index has: a search finds them."""
    ALL = "all"


class CronListArguments(Schema):
    filter: ListedCrons = ListedCrons.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the name or URL")] = None
    page: PageNumber = 1
    per_page: PerPage = 25
    q: Searched = None

    def query(self) -> CronQuery:
        is_failing = self.filter is ListedCrons.FAILING
        return CronQuery(
            filter=CronFilter.ALL if is_failing else CronFilter(self.filter),
            search=self.search,
            page=self.page,
            per_page=self.per_page,
            q=f"status:failing {self.q or ''}".strip() if is_failing else self.q,
        )


async def _list_crons(call: Call, arguments: CronListArguments) -> Listed[CronRow]:
    page = await crons.page(call.redis, call.team, arguments.query(), call.maker)
    return excerpts.page(page, excerpts.cron_row, "get-cron")


async def _create_cron(call: Call, arguments: CronCreateArguments) -> CronCreated:
    act = crons.would_be if arguments.dry_run else crons.create
    cron = await warnings.saved_cron(call.redis, call.team, await act(call, arguments.cron()))
    return excerpts.narrow(
        CronCreated,
        cron,
        id=None if arguments.dry_run else cron.id,
        description=explain.described(cron),
        dry_run=arguments.dry_run,
        warnings=(*cautions.of_heartbeat(cron), *cron.warnings),
    )


async def _get_cron(call: Call, arguments: GetArguments) -> CronShown:
    return excerpts.cron(await crons.get(call.redis, call.team, arguments.id))


async def _update_cron(call: Call, arguments: CronUpdateArguments) -> CronChanged:
    cron = await crons.update(call, arguments.id, arguments.changes())
    return excerpts.changed_cron(await warnings.saved_cron(call.redis, call.team, cron))


async def _delete_cron(call: Call, arguments: DeleteArguments) -> Deleted:
    await crons.delete(call, arguments.id)
    return Deleted(id=arguments.id)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "list-crons",
        "List crons",
        f"List crons, newest first; get-cron shows more of one. {OUTSIDE}",
        CronListArguments,
        Listed[CronRow],
        _list_crons,
        scope="read",
    ),
    Tool(
        "create-cron",
        "Create cron",
        "Create a recurring HTTP request on a cron schedule. For several, and for a crontab: create-crons.",
        CronCreateArguments,
        CronCreated,
        _create_cron,
        look="list-crons",
    ),
    Tool(
        "get-cron",
        "Get cron",
        "Get full details of a cron by ID: configuration, next runs, alert state, why it failed last. "
        f"{OUTSIDE}",
        GetArguments,
        CronShown,
        _get_cron,
        scope="read",
    ),
    Tool(
        "update-cron",
        "Update cron",
        "Change fields of a cron, as in create-cron; the others stay. is_active false pauses it, null "
        f"clears a field. {OUTSIDE}",
        CronUpdateArguments,
        CronChanged,
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
