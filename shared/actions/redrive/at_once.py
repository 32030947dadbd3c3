"""Dead letters replayed while their caller waits, and what is said of each."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from shared.actions.redaction import of_jobs, of_queues
from shared.actions.redrive import changing, planning
from shared.actions.redrive.changing import Change, Unchangeable
from shared.operations import Call
from shared.schemas.dead_letters import JobReplayed, JobSkipped, ReplayResult
from shared.store import connection, records, stored, transitions
from shared.store.transitions import ChangedRequest, ReplayedJob, StoredJob

CHANGED_BATCH = 20
"""Whole requests that are read and written at once, of up to 1 MiB each."""
_LOST, _OTHER = -1, -2
_RESEALED = "Its secrets were being sealed anew; send the replay again."


async def replay_changed(
    call: Call, ids: Sequence[int], change: Change, done: ReplayResult, now_ms: int | None
) -> ReplayResult:
    """Replay these as something else."""
    dropped: dict[str, None] = {}
    for step, start in enumerate(range(0, len(ids), CHANGED_BATCH)):
        batch = ids[start : start + CHANGED_BATCH]
        wanted = await _changed(call, batch, change, (done, dropped))
        with connection.begun() if step else nullcontext():
            answers = await transitions.replay_changed_jobs(
                call.redis, call.team, wanted, now_ms=now_ms, write=call.write(), step=step
            )
        sort([one.id for one in wanted], answers, done)
    return done.model_copy(update={"warnings": changing.warnings(dropped)})


async def _changed(
    call: Call, ids: Sequence[int], change: Change, into: tuple[ReplayResult, dict[str, None]]
) -> list[ChangedRequest]:
    """What each is replayed as; of one that is not there, or was replayed, Redis says so."""
    done, dropped = into
    rows = await transitions.read_jobs(
        call.redis, call.team, ids, with_runs=False, most_bytes=stored.WHOLE_BYTES
    )
    known, wanted = {int(row.id): row for row in rows}, []
    rules = await of_queues.rules(call.redis, call.team, map(_queue_of, rows))
    for job_id in ids:
        if not (row := known.get(job_id)) or not row.spec:
            wanted.append(ChangedRequest(job_id, "", "", False))
            continue
        keep = partial(of_jobs.kept, rules=rules[_queue_of(row)], vault=call.vault, team=call.team.id)
        made = changing.request(job_id, row.spec, change, keep)
        if isinstance(made, Unchangeable):
            done.skipped.append(JobSkipped(job_id=job_id, reason=made.reason))
            continue
        wanted.append(made.request)
        dropped.update(dict.fromkeys(made.dropped))
    return wanted


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
