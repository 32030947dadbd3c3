"""What tools say of an accepted call that will probably not do what was meant, beside what REST says of it.

Each costs a read or two of what is small, after the write; none if storage is away, as the write is done.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import wraps
from typing import Any, ParamSpec

from pydantic_core import to_json

from services.mcp import excerpts
from shared.actions import cron_records, crons, executions, explain, jobs, queues
from shared.errors import Damaged
from shared.operations import Call
from shared.schemas.base import PageQuery
from shared.schemas.bulk.results import BulkCounts, BulkResult
from shared.schemas.bulk.wanted import CronBulkChange
from shared.schemas.crons import Cron, CronMode, CronQuery, Execution, ExecutionStatus
from shared.schemas.dead_letters import ReplayPlan
from shared.schemas.explain import ExplainQuery
from shared.schemas.jobs import JobStatus
from shared.schemas.notifications import Channel, Notifications
from shared.schemas.queues import Queue, QueueUpdate
from shared.store import moments, records, stored, transitions
from shared.store.connection import AWAY

P = ParamSpec("P")
Said = tuple[str, ...]
RUNS_BEFORE, RUN_SECONDS = 20, 60
"""So many executions of the team before a run are looked at; so near one of its cron may be the same."""
PER_PAGE, MOST_QUEUES = 100, 5
LONG_SECONDS = 86_400
_NO_ALERT = (
    "No cron has an alert_threshold and no queue alerts_enabled: no failure is told until one has. "
    "Set it with update-cron or update-queue."
)
_NO_CHANNEL = "No alert channel is on now: nobody is told of a failure."


def _at_best(
    said: Callable[P, Coroutine[Any, Any, list[str]]],
) -> Callable[P, Coroutine[Any, Any, Said]]:
    """Nothing if it cannot be found out: failing advice must not make a write look lost."""

    @wraps(said)
    async def at_best(*args: P.args, **kwargs: P.kwargs) -> Said:
        try:
            return tuple(await said(*args, **kwargs))
        except (Damaged, *AWAY):
            return ()

    return at_best


@_at_best
async def of_run(call: Call, made: Execution) -> list[str]:
    """That its cron is paused, or was run by hand just before."""
    found = []
    for cron in await cron_records.excerpts_of(call.redis, call.team, [made.cron_id]):
        if not cron.is_active:
            found.append("The cron is paused: this run is made, but no fire until is_active is true.")
    ids = range(made.id - 1, max(0, made.id - RUNS_BEFORE - 1), -1)
    rows = await transitions.read_executions(
        call.redis, call.team, ids, cron=made.cron_id, most_bytes=stored.LOOK_BYTES
    )
    for other in records.each("execution", rows, executions.excerpt):
        after = (made.created_at - other.created_at).total_seconds()
        if _is_by_hand(other) and 0 <= after <= RUN_SECONDS:
            found.append(
                f"Execution {other.id} of this cron was made {after:.0f} s before: if this repeats it, the "
                "target is called twice. With an idempotency_key a repeat does nothing twice."
            )
            break
    return found


def _is_by_hand(made: Execution) -> bool:
    """Fires are due at whole seconds."""
    return made.scheduled_at.microsecond != 0 and not made.is_backfill


def of_heartbeat(cron: Cron) -> Iterator[str]:
    """What is left to do of a new one: its key is no agent's to read."""
    if cron.mode == CronMode.HEARTBEAT:
        shown = f"GET /api/crons/{cron.id} shows it" if cron.id else "GET /api/crons shows it of each"
        yield (
            f"It fails unless your side calls /ping/<ping_key> within {cron.grace_seconds} s of each fire. "
            f"No tool shows that key: {shown} to a token that may write, and so does its page."
        )


def of_queue(queue: Queue, changes: QueueUpdate) -> Iterator[str]:
    if "retry_delays" in changes.model_fields_set and not queue.retry_delays:
        yield "retry_delays is empty: a job without retry_delays of its own is not tried again if it fails."
    limit, waiting = queue.rate_limit, queue.counts.pending
    seconds = (waiting / limit.count - 1) * limit.per_seconds if limit else 0
    if limit and seconds > LONG_SECONDS:
        yield (
            f"{limit.count} in {limit.per_seconds} s are few: {waiting:,} jobs wait, which takes "
            f"{seconds / 86_400:.1f} days at least."
        )


@_at_best
async def of_change(call: Call, change: CronBulkChange, done: BulkCounts) -> list[str]:
    """Of many crons: what surprises in the schedule that all of them get, and whether nothing was changed."""
    found = [*_of_none(done, "cron")]
    if "cron_expression" in change.model_fields_set:
        given = {name: getattr(change, name) for name in change.model_fields_set & _OF_SCHEDULE}
        now = await moments.now(call.redis, call.team.shard)
        found += explain.explain(ExplainQuery(**given), now).warnings
    return found


_OF_SCHEDULE = {"cron_expression", "timezone", "timeout_seconds", "overlap_policy"}


def of_part(found: BulkCounts) -> Iterator[str]:
    """That a dry run counts a part, as a search ends before it has looked at all: a write is refused then."""
    if found.looked_at is not None:
        yield (
            f"{found.matched:,} is no whole count: the search looked at the newest {found.looked_at:,}, and "
            "there are more. A call without dry_run is refused, so that none is left out: narrow jobs by "
            "status:, or give ids."
        )


def _of_none(done: BulkCounts, noun: str) -> Iterator[str]:
    if done.matched == 0:
        yield f"No {noun} is meant: nothing was done. Look with list-{noun}s for what they are called."
    elif done.unchanged == done.matched:
        yield f"All {done.matched:,} were so already: nothing was changed."


@_at_best
async def of_deleting_crons(call: Call, found: BulkCounts) -> list[str]:
    """What goes with those that a dry run shows."""
    ids = [one.id for one in found.sample] if isinstance(found, BulkResult) else []
    if not isinstance(found, BulkResult) or not ids:
        return list(_of_none(found, "cron"))
    prefix = f"{call.team.prefix}x:{call.team.id}"
    async with call.redis.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.zscore(f"{prefix}:crons:active", one)
            for state in ExecutionStatus:
                pipe.zcard(f"{prefix}:c{one}:{state}")
        answers = await pipe.execute()
    width = len(ExecutionStatus) + 1
    active = sum(score is not None for score in answers[::width])
    kept = sum(count for place, count in enumerate(answers) if place % width)
    return [
        *([f"{_of_shown(active, found)} still active."] if active else []),
        *([_of_kept(kept, len(ids))] if kept else []),
    ]


@_at_best
async def of_deleting_jobs(call: Call, found: BulkCounts) -> list[str]:
    ids = [one.id for one in found.sample] if isinstance(found, BulkResult) else []
    if not isinstance(found, BulkResult) or not ids:
        return list(_of_none(found, "job"))
    rows = await jobs.read(call.redis, call.team, ids, with_runs=False, most_bytes=stored.LOOK_BYTES)
    waiting = sum(job.status == JobStatus.PENDING for job in rows)
    retried = sum(job.has_pending_retry for job in rows)
    return [
        *([f"{_of_shown(waiting, found)} not sent yet, and never will be."] if waiting else []),
        *(
            [f"{_of_shown(retried, found)} to be tried again, and their retries go with them."]
            if retried
            else []
        ),
    ]


def _of_shown(count: int, found: BulkResult) -> str:
    """As `2 of the 3 are`, or of the first ones of more."""
    first = "" if found.matched == len(found.sample) else "first "
    return f"{count} of the {first}{len(found.sample)} {'is' if count == 1 else 'are'}"


def _of_kept(executions: int, crons: int) -> str:
    shown = "cron" if crons == 1 else f"{crons} crons"
    if executions == 1:
        return f"1 execution goes with the {shown} shown, and with it why it failed."
    return f"{executions:,} executions go with the {shown} shown, and with them why they failed."


@_at_best
async def of_channel(call: Call, channels: Notifications) -> list[str]:
    """Whether anybody is told of anything: of more crons or queues than a page nobody says that none is."""
    if not any((of := getattr(channels, name)) and of.enabled for name in Channel):
        return [_NO_CHANNEL]
    known = await crons.page(call.redis, call.team, CronQuery(per_page=PER_PAGE))
    ways = await queues.page(call.redis, call.team, PageQuery(per_page=PER_PAGE))
    is_all = max(known.total, ways.total) <= PER_PAGE
    alerts = any(cron.alert_threshold for cron in known.data) or any(one.alerts_enabled for one in ways.data)
    return [_NO_ALERT] if is_all and not alerts else []


@_at_best
async def of_plan(call: Call, plan: ReplayPlan, stop_after: int | None) -> list[str]:
    found = []
    if not plan.would_replay:
        found.append(
            f"Nothing would be sent again: {'skipped says why' if plan.skipped else 'none is meant'}."
        )
    if stop_after and 0 < plan.would_replay < stop_after and not plan.has_more:
        found.append(f"stop_after_failures is {stop_after}, more than would be sent: it stops nothing.")
    return [*found, *await _paused(call, {share.name for share in plan.by_queue})]


@_at_best
async def of_replayed(call: Call, ids: Iterable[int]) -> list[str]:
    """Of jobs that were made."""
    made = await jobs.read(call.redis, call.team, list(ids), with_runs=False, most_bytes=stored.LOOK_BYTES)
    return await _paused(call, {job.queue for job in made})


@_at_best
async def of_replay(call: Call, queue_id: int | None) -> list[str]:
    """Of one that goes on in the background: of its queue, or of all that have dead letters."""
    return await _paused(call, None if queue_id is None else {queue_id})


async def _paused(call: Call, wanted: set[str] | set[int] | None) -> list[str]:
    if wanted is not None and not wanted:
        return []
    rows = (await queues.page(call.redis, call.team, PageQuery(per_page=PER_PAGE))).data
    names = [
        to_json(excerpts.shortened(one.name, excerpts.NAME_BYTES)).decode()
        for one in rows
        if not one.is_active
        and (one.counts.dead_lettered if wanted is None else one.name in wanted or one.id in wanted)
    ]
    if not names:
        return []
    are = "The queue {} is" if len(names) == 1 else "The queues {} are"
    shown = ", ".join(names[:MOST_QUEUES]) + (" and others" if len(names) > MOST_QUEUES else "")
    return [f"{are.format(shown)} paused: what is sent again there waits until is_active is true."]
