"""Dead letters replayed while their caller waits, and what is said of each."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

from shared.actions.redaction import of_jobs, of_queues
from shared.actions.redrive import changing, planning
from shared.actions.redrive.changing import Change, Unchangeable
from shared.operations import Call
from shared.schemas.dead_letters import JobReplayed, JobSkipped, ReplayResult
from shared.store import connection, records, stored, transitions
from shared.store.transitions import ChangedRequest, ReplayedJob, StoredJob

BATCH, CHANGED_BATCH = 200, 20
"""Dead letters a step; and of those that change whole requests, of up to 1 MiB each."""
ATTEMPTS = 5
"""Meanwhile somebody else may change what is not kept of requests."""
_LOST, _OTHER = -1, -2
_BUSY = "What is not kept of its queue's requests is being changed by others; send the replay again."
_RESEALED = "Its secrets were being sealed anew; send the replay again."


async def replay(call: Call, ids: Sequence[int], done: ReplayResult, now_ms: int | None) -> ReplayResult:
    """Replay these as they are."""
    for step, start in enumerate(range(0, len(ids), BATCH)):
        batch = ids[start : start + BATCH]
        with connection.begun() if step else nullcontext():
            answers = await transitions.replay_jobs(
                call.redis, call.team, batch, now_ms=now_ms, write=call.write(), step=step
            )
        sort(batch, answers, done)
    return done


async def replay_changed(
    call: Call, ids: Sequence[int], change: Change, done: ReplayResult, now_ms: int | None
) -> ReplayResult:
    """Replay these as something else."""
    dropped: dict[str, None] = {}
    for step, start in enumerate(range(0, len(ids), CHANGED_BATCH)):
        with connection.begun() if step else nullcontext():
            batch = _Batch(ids[start : start + CHANGED_BATCH], step, now_ms)
            dropped.update(dict.fromkeys(await _replay_batch(call, batch, change, done)))
    return done.model_copy(update={"warnings": changing.warnings(dropped)})


class _Batch(NamedTuple):
    """Some that are replayed in one step of the write."""

    ids: Sequence[int]
    step: int
    now_ms: int | None


async def _replay_batch(call: Call, batch: _Batch, change: Change, done: ReplayResult) -> list[str]:
    """Names of headers that did not go along; made anew if what is not kept of requests changes meanwhile."""
    for _ in range(ATTEMPTS):
        wanted, skipped, dropped = await _changed(call, batch.ids, change)
        answers = await transitions.replay_changed_jobs(
            call.redis, call.team, wanted, now_ms=batch.now_ms, write=call.write(), step=batch.step
        )
        if answers is not None:
            done.skipped.extend(skipped)
            sort([one.id for one in wanted], answers, done)
            return dropped
    done.skipped.extend(JobSkipped(job_id=one, reason=_BUSY) for one in batch.ids)
    return []


async def _changed(
    call: Call, ids: Sequence[int], change: Change
) -> tuple[list[ChangedRequest], list[JobSkipped], list[str]]:
    """What each is replayed as, and what is not; of one that is not there, or was replayed, Redis says so."""
    rows = await transitions.read_jobs(
        call.redis, call.team, ids, with_runs=False, most_bytes=stored.WHOLE_BYTES
    )
    known = {int(row.id): row for row in rows}
    wanted, skipped, dropped = list[ChangedRequest](), list[JobSkipped](), list[str]()
    rules = await of_queues.texts(call.redis, call.team, map(_queue_of, rows))
    for job_id in ids:
        if not (row := known.get(job_id)) or not row.spec:
            wanted.append(ChangedRequest(job_id, "", "", False, ""))
            continue
        of_queue = rules[_queue_of(row)]
        keep = partial(of_jobs.kept, rules=of_jobs.rules_in(of_queue), vault=call.vault, team=call.team.id)
        made = changing.request(job_id, row.spec, change, keep, rules=of_queue)
        if isinstance(made, Unchangeable):
            skipped.append(JobSkipped(job_id=job_id, reason=made.reason))
            continue
        wanted.append(made.request)
        dropped += made.dropped
    return wanted, skipped, dropped


def _queue_of(row: StoredJob) -> str:
    return records.fields_of(row.fields)["queue"]


def sort(ids: Sequence[int], answers: Sequence[ReplayedJob], done: ReplayResult) -> None:
    """Say of each what became of it."""
    for job_id, (new, is_new, original) in zip(ids, answers, strict=True):
        if is_new:
            done.replayed.append(JobReplayed(job_id=job_id, new_job_id=new, original_job_id=original))
        else:
            done.skipped.append(_skipped(job_id, new, original))


def _skipped(job_id: int, new: int, original: int | None) -> JobSkipped:
    if new in (_LOST, _OTHER):
        reason = planning.LOST if new == _LOST else _RESEALED
        return JobSkipped(job_id=job_id, reason=reason, original_job_id=original)
    if new:
        return JobSkipped(job_id=job_id, reason=planning.REPLAYED, new_job_id=new, original_job_id=original)
    return JobSkipped(job_id=job_id, reason=planning.NO_DEAD_LETTER)
