"""The tools for many crons or jobs in one call."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.mcp.tools import cautions, moments
from services.mcp.tools.moments import From, To
from services.mcp.tools.tool import Key, Tool
from shared.actions import warnings
from shared.actions.bulk import crons as many_crons
from shared.actions.bulk import jobs as many_jobs
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import (
    NO_BOOL,
    SEARCHED,
    Id,
    Method,
    Name,
    Schema,
    Searched,
    Timeout,
    Url,
    Warnings,
    without_defaults,
)
from shared.schemas.bulk.results import BulkProgress, BulkResult
from shared.schemas.bulk.wanted import MOST_IDS, CronAction, CronBulk, CronBulkChange, JobAction, JobBulk
from shared.schemas.crons import Expression, Timezone
from shared.schemas.timing import OverlapPolicy


class Chosen(Schema):
    """Which ones."""

    ids: Annotated[tuple[Id, ...] | None, Field(min_length=1, max_length=MOST_IDS)] = None
    q: Searched = None
    dry_run: bool = False
    expected_count: Annotated[
        Annotated[int, Field(ge=0), NO_BOOL] | None, Field(description="What dry_run matched")
    ] = None
    idempotency_key: Key = None


class CronChanges(Schema):
    """Those of a bulk change that agents want of many; REST has more."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    is_active: bool = True
    cron_expression: Expression = ""
    timezone: Timezone = "UTC"
    method: Method = Method.POST
    timeout_seconds: Timeout = 30
    callback_url: Url | None = None
    alert_threshold: Annotated[int, Field(ge=1, le=3), NO_BOOL] | None = None
    overlap_policy: OverlapPolicy = OverlapPolicy.ALLOW

    def bulk(self) -> CronBulkChange:
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return CronBulkChange.model_construct(set(given), **given)


class CronsUpdateArguments(Chosen):
    changes: CronChanges
    host: Annotated[str | None, Field(max_length=255, description="That they call")] = None
    all: Annotated[bool, Field(description="All crons")] = False


class ManyDone(BulkResult):
    bulk_id: Annotated[
        int | None, Field(description="Of over 1,000: done in the background; get-status says how far it is")
    ] = None
    warnings: Warnings = ()


class What(StrEnum):
    CRONS = "crons"
    JOBS = "jobs"


class DeleteManyArguments(Chosen):
    model_config = ConfigDict(populate_by_name=True)

    what: What
    queue: Annotated[Name | None, Field(description="Its name, of jobs")] = None
    from_: Annotated[From, Field(alias="from")] = None
    to: To = None


async def _update(call: Call, arguments: CronsUpdateArguments) -> ManyDone:
    host = f"host:{_quoted(arguments.host)}" if arguments.host else ""
    q = f"{arguments.q or ''} {host}".strip() or None
    if arguments.all and q is not None:
        raise Invalid("all", f"The all field does not go with {SEARCHED} or host: say which ones once.")
    _check(arguments, _ALL if arguments.all else q)
    change = arguments.changes.bulk()
    wanted = CronBulk(change=change, q=_ALL if arguments.all else q, **_rest(arguments))
    done = await many_crons.change(call, wanted)
    said = await cautions.of_change(call, change, done)
    if arguments.changes.alert_threshold:
        said += tuple(await warnings.unheard(call.redis, call.team, "alert_threshold"))
    return _done(done, (*cautions.of_part(done), *said))


_ALL = "status:active,paused,ended"


async def _delete(call: Call, arguments: DeleteManyArguments) -> ManyDone:
    if arguments.queue and arguments.what is not What.JOBS:
        raise Invalid("queue", "The queue field goes with what: jobs alone; crons are in no queue.")
    of_queue = f"queue:{_quoted(arguments.queue)}" if arguments.queue else ""
    q = f"{arguments.q or ''} {of_queue}".strip() or None
    q = await moments.searched(call, q, arguments.from_, arguments.to)
    _check(arguments, q)
    rest = _rest(arguments)
    if arguments.what is What.CRONS:
        done = await many_crons.change(call, CronBulk(action=CronAction.DELETE, q=q, **rest))
        said = await cautions.of_deleting_crons(call, done)
        return _done(done, (*cautions.of_part(done), *said))
    done = await many_jobs.change(call, JobBulk(action=JobAction.DELETE, q=q, **rest))
    said = await cautions.of_deleting_jobs(call, done)
    return _done(done, (*cautions.of_part(done), *said))


def _done(found: BulkResult | BulkProgress, said: tuple[str, ...]) -> ManyDone:
    bulk_id = found.id if isinstance(found, BulkProgress) else None
    known = {name: getattr(found, name) for name in ManyDone.model_fields if hasattr(found, name)}
    return ManyDone(**known | {"bulk_id": bulk_id, "warnings": said})


def _rest(arguments: Chosen) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("ids", "dry_run", "expected_count")}


def _check(arguments: Chosen, q: str | None) -> None:
    """Nobody changes by a search what they have not looked at."""
    if (arguments.ids is None) == (q is None):
        raise Invalid("ids", f"Say which ones: either ids, or {SEARCHED} and the fields that narrow it.")
    if arguments.ids is None and not arguments.dry_run and arguments.expected_count is None:
        raise Invalid(
            "expected_count",
            "Call with dry_run: true first, and look at what it would be; then give its matched as "
            "expected_count. Nothing was done.",
        )


def _quoted(text: str) -> str:
    """A value of a search, in which a quote ends it and a star stands for any text."""
    if {*text} & {'"', "*"}:
        raise Invalid(
            SEARCHED, f"Names with a quote or a star cannot be searched for: {text[:80]}. Give ids."
        )
    return f'"{text}"'


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "update-crons",
        "Update many crons",
        "Change, pause or resume many crons, by ids, q, host or all. Without ids: dry_run first, then "
        "expected_count.",
        CronsUpdateArguments,
        ManyDone,
        _update,
        look="list-crons",
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
        operations=("change-crons",),
    ),
    Tool(
        "delete-many",
        "Delete many crons or jobs",
        "Delete many crons or jobs for good, by ids, or by q, queue, from, to: dry_run first, then "
        "expected_count.",
        DeleteManyArguments,
        ManyDone,
        _delete,
        look="list-crons",
        is_destructive=True,
        is_idempotent=True,
        meets_outside=False,
        operations=("change-crons", "change-jobs"),
    ),
)
