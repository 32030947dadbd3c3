"""What a caller can do to dead letters."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import NamedTuple

from pydantic_core import to_json
from redis.asyncio import Redis

from shared.actions import jobs
from shared.actions.accounts import reach
from shared.actions.redaction import of_queues
from shared.actions.redrive import at_once, changing, planning
from shared.actions.redrive import replays as replay_records
from shared.actions.redrive.changing import Change
from shared.actions.redrive.planning import Look
from shared.actions.searches import jobs as searches
from shared.actions.searches.jobs import Beside
from shared.basics import words
from shared.errors import NotFound
from shared.operations import Call
from shared.schemas.base import Page, PageQuery
from shared.schemas.dead_letters import (
    DeadLetterQuery,
    DeadLetterSelection,
    JobSkipped,
    PurgeResult,
    Replay,
    ReplayChange,
    ReplayCreate,
    ReplayResult,
)
from shared.schemas.jobs import Job
from shared.schemas.kinds import Kind
from shared.store import connection, paging, transitions
from shared.store.keyspace import Team
from shared.store.stored import LIST_BYTES, LOOK_BYTES
from shared.store.transitions import KeptChange
from shared.store.writes import OURS, Write

BATCH = 200
RATE = 50
MOST_REPLAYS = 100
"""How many of a team's ended replays are remembered."""
PURGE_SECONDS = 10.0
_COLLECTED = 1


async def page(redis: Redis, team: Team, query: DeadLetterQuery) -> Page[Job]:
    """Dead letters newest first, by queue, problem and reason; a search looks in the URL, or as `q` says."""
    wanted = await searches.understood(redis, team, query.q)
    beside = Beside(query.search or "", query.failure_reason, with_fields=query.queue_id is not None)
    listing = paging.Listing(
        [_index(team, query.queue_id, query.problem_id)],
        read=lambda ids: jobs.read(redis, team, ids, most_bytes=LIST_BYTES),
        matches=lambda job, text: (
            (not text or words.contains(text, job.url))
            and (query.failure_reason is None or query.failure_reason == (job.run and job.run.failure_reason))
            and (query.queue_id is None or query.queue_id == job.queue_id)
            and wanted.finds(job)
        ),
        look=lambda below: jobs.looked_at(redis, team, below, wanted, beside),
        is_filtered=query.failure_reason is not None
        or bool(wanted.terms)
        or bool(query.queue_id and query.problem_id),
    )
    return await paging.read_page(redis, team, listing, query)


async def plan(call: Call, chosen: ReplayCreate) -> ReplayResult:
    """What a replay would do now; nothing is changed."""
    change = changing.of_call(chosen.change, call.vault, call.team) if chosen.change else None
    look = await planning.looked(call, _batches(call, chosen), change)
    if chosen.change and changing.has_secrets(chosen.change) and not chosen.is_at_once:
        changing.check_destinations(len(look.destinations), look.has_more and chosen.change.origin is None)
    if change and not chosen.is_at_once:
        await _check_kept(call, change, look)
    rate = None if chosen.is_at_once else chosen.rate or RATE
    warnings = changing.warnings(look.dropped)
    return ReplayResult(replayed=[], skipped=[], plan=look.plan(rate), warnings=warnings)


async def replay_now(
    call: Call, ids: Sequence[int], now_ms: int | None = None, *, change: ReplayChange | None = None
) -> ReplayResult:
    """Replay these at once, each by any id of its chain; others, and those replayed before, are skipped."""
    given = list(dict.fromkeys(ids))
    wanted = await reach.within(call, given)
    outside = sorted({*given} - {*wanted}, key=given.index) if len(wanted) < len(given) else []
    skipped = [JobSkipped(job_id=job_id, reason=reach.OUTSIDE) for job_id in outside]
    done = ReplayResult(replayed=[], skipped=skipped)
    how = changing.of_call(change, call.vault, call.team) if change else None
    async with call.counting_runs(len(wanted)):
        if how:
            return await at_once.replay_changed(call, wanted, how, done, now_ms)
        return await at_once.replay(call, wanted, done, now_ms)


async def replay(call: Call, chosen: ReplayCreate) -> Replay:
    """Begin a background replay of what is a dead letter now; raises Conflict if it is another number."""
    if row := await transitions.recall(call.redis, call.key, _COLLECTED):
        return replay_records.as_expected(replay_records.of_row(*row), chosen.expected_count)
    allowed = await _allowed(call, chosen)
    change = await _kept_change(call, chosen) if chosen.change else None
    async with call.counting_runs(len(allowed or ())):
        replay_id = await transitions.start_replay(
            call.redis,
            call.team,
            rate=chosen.rate or RATE,
            stop_after=chosen.stop_after_failures,
            expected=chosen.expected_count,
            first=chosen.send_one_first,
            change=change,
            most_kept=MOST_REPLAYS,
            write=call.write(),
        )
        with connection.begun():
            found = await _collect(call, chosen, replay_id, allowed)
        return replay_records.as_expected(found, chosen.expected_count)


async def _kept_change(call: Call, chosen: ReplayCreate) -> KeptChange:
    """A change as the replay keeps it, its secrets sealed for where they will be sent; raises Invalid."""
    assert chosen.change is not None
    change = changing.of_call(chosen.change, call.vault, call.team)
    look = await planning.looked(call, _batches(call, chosen), change)
    await _check_kept(call, change, look)
    destinations = look.destinations if changing.has_secrets(chosen.change) else set[str]()
    changing.check_destinations(
        len(destinations), bool(destinations) and look.has_more and chosen.change.origin is None
    )
    return KeptChange(
        changing.kept(change, destinations),
        ",".join(sorted(chosen.change.model_fields_set)),
        to_json(changing.warnings(look.dropped)).decode(),
    )


async def _check_kept(call: Call, change: Change, look: Look) -> None:
    """Raise Invalid if rules of a queue name what the background would keep of a change."""
    for rules in await of_queues.of_all(call.redis, call.team, None if look.has_more else list(look.queues)):
        changing.check_kept(change, rules)


async def _batches(call: Call, chosen: DeadLetterSelection) -> AsyncIterator[Sequence[int]]:
    """The ids of what is chosen, oldest first."""
    after = 0
    while True:
        batch = await _following(call.redis, call.team, chosen, after)
        yield batch.ids
        if batch.is_last:
            return
        after = batch.end


async def _allowed(call: Call, chosen: ReplayCreate) -> frozenset[int] | None:
    """Of the chosen those that a limited token may have sent again, before any is; None is all."""
    if call.limits is None:
        return None
    found = set[int]()
    async for ids in _batches(call, chosen):
        found.update(await reach.within(call, ids))
    return frozenset(found)


async def _collect(
    call: Call, chosen: ReplayCreate, replay_id: int, allowed: frozenset[int] | None
) -> Replay:
    """Give the replay its ids; one that was interrupted goes on where it stopped."""
    after = 0
    while True:
        batch = await _following(call.redis, call.team, chosen, after)
        answer = await transitions.collect_replay(
            call.redis,
            call.team,
            [one for one in batch.ids if allowed is None or one in allowed],
            replay=replay_id,
            after=after,
            up_to=batch.end,
            is_last=batch.is_last,
            may_repeat=chosen.ids is not None,
            write=Write(call.key) if batch.is_last else OURS,
            step=_COLLECTED,
        )
        if not isinstance(answer, int):
            return replay_records.of_row(*answer)
        after = answer


async def get_replay(redis: Redis, team: Team, replay_id: int) -> Replay:
    found = await replay_records.read(redis, team, [replay_id])
    if not found:
        raise NotFound("Replay")
    return found[0]


async def replays(redis: Redis, team: Team, query: PageQuery) -> Page[Replay]:
    listing = paging.Listing([f"x:{team.id}:replays"], read=lambda ids: replay_records.read(redis, team, ids))
    return await paging.read_page(redis, team, listing, query)


async def cancel_replay(call: Call, replay_id: int) -> Replay:
    """Hand out nothing more; jobs that were made stay."""
    row = await transitions.cancel_replay(call.redis, call.team, replay=replay_id, write=call.write())
    if not row:
        raise NotFound("Replay")
    return replay_records.of_row(*row)


async def purge(call: Call, chosen: DeadLetterSelection, seconds: float = PURGE_SECONDS) -> PurgeResult:
    """Delete dead letters with their chains, as many as go in about so many seconds.

    Under a key the last step is remembered: a repeat of an interrupted purge deletes and counts the rest.
    """
    call.may_delete()
    if done := await transitions.recall(call.redis, call.key):
        return PurgeResult(purged=done[0], remaining=done[1])
    deadline, purged, after = time.monotonic() + seconds, 0, 0
    while True:
        with connection.begun() if after else nullcontext():
            batch = await _following(call.redis, call.team, chosen, after)
            ids = await reach.in_queues(call, batch.ids)
            is_over = bool(ids) and time.monotonic() > deadline
            ids, remaining = ([], len(ids)) if is_over else (ids, 0)
            is_last = is_over or batch.is_last
            purged, remaining = await transitions.purge_jobs(
                call.redis,
                call.team,
                ids,
                purged=purged,
                remaining=remaining,
                write=call.write() if is_last else call.write()._replace(key=None),
            )
        if is_last:
            return PurgeResult(purged=purged, remaining=remaining)
        after = batch.end


class _Batch(NamedTuple):
    """Ids of dead letters, maybe none, and the place up to which they were read."""

    ids: list[int]
    end: int
    is_last: bool


async def _following(redis: Redis, team: Team, chosen: DeadLetterSelection, after: int) -> _Batch:
    """The next chosen ones, oldest first: after a position in the given `ids`, or after an id."""
    if chosen.ids is not None:
        end = after + BATCH
        return _Batch(list(chosen.ids[after:end]), end, end >= len(chosen.ids))
    index = f"{team.prefix}{_index(team, chosen.queue_id, chosen.problem_id)}"
    ids = [int(one) for one in await redis.zrangebyscore(index, f"({after}", "+inf", 0, BATCH)]
    end, is_last = ids[-1] if ids else after, len(ids) < BATCH
    fitting = await _fitting(redis, team, chosen, ids) if ids and chosen.is_filtered else ids
    return _Batch(fitting, end, is_last)


async def _fitting(redis: Redis, team: Team, chosen: DeadLetterSelection, ids: Sequence[int]) -> list[int]:
    found = await jobs.read(
        redis, team, ids, with_runs=chosen.failure_reason is not None, most_bytes=LOOK_BYTES
    )
    return [job.id for job in found if _fits(job, chosen)]


def _fits(job: Job, chosen: DeadLetterSelection) -> bool:
    return (
        words.contains(chosen.search or "", job.url)
        and chosen.queue_id in (None, job.queue_id)
        and chosen.failure_reason in (None, job.run.failure_reason if job.run else None)
        and _is_between(job.dead_lettered_at, chosen)
    )


def _is_between(moment: datetime | None, chosen: DeadLetterSelection) -> bool:
    since, until = chosen.dead_lettered_after, chosen.dead_lettered_before
    if moment is None:
        return since is None and until is None
    return (since is None or moment >= since) and (until is None or moment < until)


def _index(team: Team, queue_id: int | None, problem_id: int | None) -> str:
    """Of a problem, which has fewer; with a queue as well each record says whether it is of that."""
    if problem_id:
        return f"x:{team.id}:p{problem_id}:dead"
    return f"x:{team.id}:{f'{Kind.QUEUE}{queue_id}:' if queue_id else ''}dead_lettered"
