"""The tools for queues and for the dead letters in them."""

from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, WithJsonSchema

from services.mcp import excerpts
from services.mcp.tools import cautions, moments
from services.mcp.tools.moments import From, To
from services.mcp.tools.tool import Key, PageNumber, Tool
from shared.actions import dead_letters, queues, warnings
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.base import (
    NO_BOOL,
    NULL,
    Id,
    Name,
    Page,
    PageQuery,
    Schema,
    Timeout,
    Warnings,
    without_defaults,
)
from shared.schemas.dead_letters import Ids, JobReplayed, JobSkipped, Replay, ReplayCreate, ReplayPlan
from shared.schemas.queues import Queue, QueueCounts, QueueUpdate, RateLimit, RetryDelay
from shared.schemas.runs import FailureReason
from shared.store import moments as store_moments

R = TypeVar("R", bound="QueueRow")
_OF_THE_QUEUE = frozenset({"queue", "idempotency_key"})


class QueueListArguments(Schema):
    search: Annotated[str | None, Field(max_length=200, description="Part of the name")] = None
    page: PageNumber = 1


class QueueUpdateArguments(Schema):
    """Which queue, and the settings to change."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    queue: Annotated[Name, Field(description="Its name")]
    is_active: Annotated[bool, Field(description="false pauses")] = True
    rate_limit: Annotated[RateLimit | None, Field(description="Of starts")] = None
    max_parallelism: Annotated[
        Annotated[int, Field(ge=1, le=100_000), NO_BOOL] | None, Field(description="Jobs at once")
    ] = None
    retry_delays: Annotated[
        tuple[RetryDelay, ...], Field(max_length=10, description="Seconds before each retry")
    ] = ()
    timeout_seconds: Timeout = 30
    alerts_enabled: Annotated[bool, Field(description="Alert when jobs fail for good")] = False
    idempotency_key: Key = None

    def changes(self) -> QueueUpdate:
        given = {name: getattr(self, name) for name in self.model_fields_set - _OF_THE_QUEUE}
        return QueueUpdate.model_construct(set(given), **given)


class QueueRow(Schema):
    """A queue: how it sends, and what is in it."""

    id: int
    name: str
    is_active: bool
    counts: QueueCounts
    max_parallelism: int | None
    rate_limit: RateLimit | None
    retry_delays: tuple[int, ...]
    timeout_seconds: int
    alerts_enabled: bool


class QueueChanged(QueueRow):
    warnings: Warnings = ()


class ReplayArguments(Schema):
    """Which dead letters, or the replay to look at."""

    model_config = ConfigDict(populate_by_name=True)

    queue: Annotated[Name | None, Field(description="Its name")] = None
    ids: Annotated[Ids | None, Field(description="Of the jobs")] = None
    failure_reason: Annotated[
        FailureReason | None,
        WithJsonSchema({"anyOf": [{"type": "string"}, NULL]}),
        Field(description="As http_server_error, timeout"),
    ] = None
    from_: Annotated[From, Field(alias="from")] = None
    to: To = None
    all: Annotated[bool, Field(description="All dead letters")] = False
    rate: Annotated[
        Annotated[int, Field(ge=1, le=1000), NO_BOOL] | None, Field(description="Jobs a second")
    ] = None
    stop_after_failures: Annotated[
        Annotated[int, Field(ge=1, le=10_000), NO_BOOL] | None,
        Field(description="So many again (10)"),
    ] = None
    dry_run: Annotated[bool, Field(description="Check and show only")] = False
    expected_count: Annotated[
        Annotated[int, Field(ge=0), NO_BOOL] | None, Field(description="What dry_run selected")
    ] = None
    replay_id: Annotated[Id | None, Field(description="Only show its progress")] = None
    idempotency_key: Key = None


class ReplayAnswer(Schema):
    """What was sent at once, what would be, or how far a replay in the background is."""

    replayed: list[JobReplayed] = Field(default_factory=list)
    skipped: list[JobSkipped] = Field(default_factory=list)
    plan: Annotated[ReplayPlan | None, Field(description="Of a dry run")] = None
    replay: Annotated[Replay | None, Field(description="In the background; ask again with its id")] = None
    warnings: Warnings = ()


async def _list_queues(call: Call, arguments: QueueListArguments) -> Page[QueueRow]:
    query = PageQuery(search=arguments.search, page=arguments.page)
    found = await queues.page(call.redis, call.team, query)
    return Page[QueueRow](**{**dict(found), "data": [_row(QueueRow, queue) for queue in found.data]})


async def _update_queue(call: Call, arguments: QueueUpdateArguments) -> QueueChanged:
    changes = arguments.changes()
    if not changes.model_fields_set:
        raise Invalid("queue", "Give a setting to change beside the queue field, as is_active.")
    queue = await queues.update(call, await queues.id_of(call.redis, call.team, arguments.queue), changes)
    warned = await warnings.saved_queue(call.redis, call.team, queue)
    said = (*warned.warnings, *cautions.of_queue(queue, changes))
    return _row(QueueChanged, warned.model_copy(update={"warnings": said}))


def _row(model: type[R], queue: Queue) -> R:
    return excerpts.narrow(model, queue, name=excerpts.shortened(queue.name, excerpts.NAME_BYTES))


async def _replay(call: Call, arguments: ReplayArguments) -> ReplayAnswer:
    if arguments.replay_id is not None:
        found = await dead_letters.get_replay(call.redis, call.team, arguments.replay_id)
        return ReplayAnswer(replay=found)
    chosen = await _chosen(call, arguments)
    if chosen.dry_run:
        planned = await dead_letters.plan(call, chosen)
        plan = planned.plan
        said = await cautions.of_plan(call, plan, arguments.stop_after_failures) if plan else ()
        return ReplayAnswer(plan=plan, warnings=(*planned.warnings, *said))
    if chosen.ids is not None and chosen.is_at_once:
        done = await dead_letters.replay_now(call, chosen.ids)
        said = await cautions.of_replayed(call, [one.new_job_id for one in done.replayed])
        warned = (*done.warnings, *said)
        return ReplayAnswer(replayed=done.replayed, skipped=done.skipped, warnings=warned)
    replay = await dead_letters.replay(call, chosen)
    said = await cautions.of_replay(call, chosen.queue_id) if chosen.queue_id or chosen.all else ()
    return ReplayAnswer(replay=replay, warnings=said)


async def _chosen(call: Call, arguments: ReplayArguments) -> ReplayCreate:
    now = await store_moments.now(call.redis, call.team.shard)
    filters: dict[str, Any] = {
        "ids": arguments.ids,
        "queue_id": arguments.queue and await queues.id_of(call.redis, call.team, arguments.queue),
        "failure_reason": arguments.failure_reason,
        "dead_lettered_after": moments.of(arguments.from_, now, "from", "-"),
        "dead_lettered_before": moments.of(arguments.to, now, "to", "+"),
        "rate": arguments.rate,
        "expected_count": arguments.expected_count,
    }
    if arguments.stop_after_failures is not None:
        filters["stop_after_failures"] = arguments.stop_after_failures
    has_filter = any(filters[name] is not None for name in list(filters)[1:5])
    if [arguments.ids is not None, has_filter, arguments.all].count(True) != 1:
        raise Invalid(
            "ids",
            "Say which dead letters: either ids, or filters (queue, failure_reason, from, to), or all: true. "
            "To see how far a replay is, give its replay_id.",
        )
    if arguments.dry_run and arguments.expected_count is not None:
        raise Invalid("expected_count", "The expected_count field does not go with dry_run, which says it.")
    return ReplayCreate(all=arguments.all, dry_run=arguments.dry_run, **filters)


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "list-queues",
        "List queues",
        "List queues, their settings and how many jobs are in each state.",
        QueueListArguments,
        Page[QueueRow],
        _list_queues,
        scope="read",
        meets_outside=False,
    ),
    Tool(
        "update-queue",
        "Update queue",
        "Change a queue, pause or resume it. What is left out stays; null clears a limit.",
        QueueUpdateArguments,
        QueueChanged,
        _update_queue,
        look="list-queues",
        is_destructive=True,
        is_idempotent=True,
        null_clears=True,
        meets_outside=False,
    ),
    Tool(
        "replay-dead-letters",
        "Replay dead letters",
        "Send jobs again whose retries are used up: dry_run first, then expected_count. By filters they go "
        "in the background; ask with replay_id.",
        ReplayArguments,
        ReplayAnswer,
        _replay,
        look="list-jobs",
        meets_outside=False,
        operations=("replay-dead-letters", "get-replay"),
    ),
)
