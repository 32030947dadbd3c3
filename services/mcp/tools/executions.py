"""The tools for schedules and what they made: explain one, run a cron now, list past and coming fires."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from services.mcp import excerpts, headers
from services.mcp.excerpts import OUTSIDE
from services.mcp.tools import cautions, moments
from services.mcp.tools.moments import From, To
from services.mcp.tools.tool import GetArguments, Key, PageNumber, Tool, Wait
from shared.actions import executions, explain
from shared.actions.reports import listed, why
from shared.errors import NotFound, TooManyWaits
from shared.operations import Call
from shared.schemas.base import NO_BOOL, Id, Instant, Page, Schema, Searched, Warnings
from shared.schemas.crons import Execution, ExecutionStatus, Expression, Timezone
from shared.schemas.explain import ExplainQuery, Explanation
from shared.schemas.reports.executions import ListedExecution, ListedFilter, ListedQuery
from shared.schemas.runs import RunSummary
from shared.schemas.why import Reason, Verdict, WhyQuery
from shared.store import moments as store_moments
from shared.store.connection import AWAY

ERROR_BYTES = 200
"""Of why a row of a list failed."""
_NOT_MADE = (Verdict.OVERDUE, Verdict.PAUSED, Verdict.ENDED, Verdict.UNKNOWN)


class ExplainArguments(Schema):
    cron_expression: Annotated[Expression, Field(description="5 fields")]
    timezone: Timezone = "UTC"
    count: Annotated[int, Field(ge=1, le=100, description="How many fires"), NO_BOOL] = 5


class RunArguments(GetArguments):
    wait_seconds: Wait = None
    idempotency_key: Key = None


class ExecutionListArguments(Schema):
    model_config = ConfigDict(populate_by_name=True)

    cron_id: Id | None = None
    filter: Annotated[ListedFilter, Field(description="due: fires to come")] = ListedFilter.ALL
    from_: Annotated[From, Field(alias="from")] = None
    to: To = None
    page: PageNumber = 1
    q: Searched = None


class ExecutionRun(Schema):
    """An execution as the tool that made it shows it."""

    id: int
    cron_id: int
    status: ExecutionStatus
    finished: Annotated[bool, Field(description="Whether it has ended; if not, call list-executions later")]
    scheduled_at: Instant
    waits_for: str | None
    run: RunSummary | None
    warnings: Warnings = ()


class ExecutionRow(Schema):
    """A fire: what was made of it, or that it is to come."""

    id: Annotated[int | None, Field(description="Of the execution; null of a fire to come")]
    cron_id: int
    cron_name: str
    status: str
    scheduled_at: Instant
    lateness_ms: Annotated[int | None, Field(exclude_if=lambda ms: ms is None)] = None
    response_status: Annotated[int | None, Field(exclude_if=lambda code: code is None)] = None
    duration_ms: Annotated[int | None, Field(exclude_if=lambda ms: ms is None)] = None
    reason: Annotated[
        str | None,
        Field(description="Why it failed, was skipped or waits", exclude_if=lambda text: text is None),
    ] = None


class ExecutionRows(Page[ExecutionRow]):
    """A page of fires, newest first."""

    not_made: Annotated[
        list[Reason],
        Field(
            description="Of one cron and a range: fires without an execution, and why",
            exclude_if=lambda found: not found,
        ),
    ] = Field(default_factory=list)
    note: Annotated[str, Field(description="What is left out, and why", exclude_if=lambda text: not text)] = (
        ""
    )


async def _explain(call: Call, arguments: ExplainArguments) -> Explanation:
    query = ExplainQuery(**dict(arguments))
    return explain.explain(query, await store_moments.now(call.redis, call.team.shard))


async def _run(call: Call, arguments: RunArguments) -> ExecutionRun:
    """The run is made, whatever becomes of the wait."""
    made = await executions.create(call, arguments.id)
    said = await cautions.of_run(call, made)
    if not arguments.wait_seconds:
        return _made(made, said)
    try:
        ended = await executions.get_ended(call, arguments.id, made.id, arguments.wait_seconds)
        sent = await headers.of_crons(call.redis, call.team, [arguments.id]) if ended.run else {}
        return _made(ended, said, sent.get(arguments.id))
    except (TooManyWaits, NotFound, *AWAY):
        return _made(made, said)


def _made(full: Execution, said: Sequence[str], sent: headers.Headers = None) -> ExecutionRun:
    ended = full.status not in (ExecutionStatus.PENDING, ExecutionStatus.PROCESSING)
    run = excerpts.run(full, sent)
    return excerpts.narrow(ExecutionRun, full, finished=ended, run=run, warnings=tuple(said))


async def _list(call: Call, arguments: ExecutionListArguments) -> ExecutionRows:
    now = await store_moments.now(call.redis, call.team.shard)
    since = moments.of(arguments.from_, now, "from", "-")
    until = moments.of(arguments.to, now, "to", "+")
    query = ListedQuery(
        cron_id=arguments.cron_id,
        filter=arguments.filter,
        from_=since,
        to=until,
        page=arguments.page,
        q=arguments.q,
    )
    found = await listed.page(call, query)
    quoting = {
        one.cron_id for one in found.data if one.execution and headers.may_quote(_error(one.execution))
    }
    sent = await headers.of_crons(call.redis, call.team, sorted(quoting))
    return ExecutionRows(
        **{name: getattr(found, name) for name in Page.model_fields if name != "data"},
        data=[_row(one, sent.get(one.cron_id)) for one in found.data],
        not_made=await _not_made(call, arguments, since, until or now),
        note=_note(found.looked_from, found.looked_to),
    )


async def _not_made(
    call: Call, arguments: ExecutionListArguments, since: datetime | None, until: datetime
) -> list[Reason]:
    """Fires of one cron in the range that no execution came of; those to come are among the rows."""
    if not (arguments.cron_id and since and arguments.filter is ListedFilter.ALL and arguments.page == 1):
        return []
    found = await why.why(
        call.redis, call.team, arguments.cron_id, WhyQuery(from_=since, to=max(since, until))
    )
    return [one for one in found.reasons if one.execution_id is None and one.verdict in _NOT_MADE]


def _row(one: ListedExecution, sent: headers.Headers) -> ExecutionRow:
    made = one.execution
    run = made.run if made else None
    name = excerpts.shortened(one.cron_name, excerpts.NAME_BYTES)
    return ExecutionRow(
        id=made.id if made else None,
        cron_id=one.cron_id,
        cron_name=name,
        status=one.status,
        scheduled_at=one.scheduled_at,
        lateness_ms=made.lateness_ms if made else None,
        response_status=run.response_status if run else None,
        duration_ms=run.duration_ms if run else None,
        reason=_reason(made, sent) if made else None,
    )


def _error(made: Execution) -> str | None:
    return made.run.error_message if made.run else None


def _reason(made: Execution, sent: headers.Headers) -> str | None:
    if made.skip_reason:
        return why.SKIPPED[made.skip_reason]
    if made.waits_for:
        return f"It waits for {made.waits_for}"
    failed = headers.without_quotes(_error(made), sent)
    return excerpts.shortened(failed, ERROR_BYTES) if failed else None


def _note(looked_from: datetime | None, looked_to: datetime | None) -> str:
    if looked_from:
        return f"Older ones than {looked_from:%Y-%m-%dT%H:%M:%SZ} were not looked at; give from and to."
    if looked_to:
        return f"Fires after {looked_to:%Y-%m-%dT%H:%M:%SZ} are left out, as there are very many."
    return ""


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "explain-cron",
        "Explain a schedule",
        "Say what an expression means, when it fires next, and what may surprise.",
        ExplainArguments,
        Explanation,
        _explain,
        scope="read",
        meets_outside=False,
        operations=("explain-schedule",),
    ),
    Tool(
        "run-cron",
        "Run a cron now",
        f"Run a cron once now, beside its schedule. {OUTSIDE}",
        RunArguments,
        ExecutionRun,
        _run,
        look="list-executions",
    ),
    Tool(
        "list-executions",
        "List executions",
        "What crons did and will do: past and coming fires with status, lateness, reason; of one cron and a "
        f"range also those that were missed. What runs in the next hour: filter due, to 1h. {OUTSIDE}",
        ExecutionListArguments,
        ExecutionRows,
        _list,
        scope="read",
        operations=("list-all-executions", "explain-fires"),
    ),
)
