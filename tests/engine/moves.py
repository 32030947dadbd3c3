"""Moves of the model that follow what the engine chose: whose turn it was, and what a prune took."""

from collections.abc import Sequence

from services.worker.work import Cancelled, Complete, Dead, Fail, Postpone, Release, Retry, Verdict, Work
from services.worker.work import Job as ClaimedJob
from shared.store.keyspace import LANES
from tests.engine.laws import may_start, rate_left
from tests.engine.model import Model
from tests.engine.pieces import Entry, Job
from tests.engine.snapshot import Snapshot

_STATES = ("pending", "processing", "completed", "failed", "retrying", "dead_lettered")


def verdict_of(verdict: Verdict, run: str) -> tuple[str, str, int]:
    """The verdict's word, the run, and the delay of a retry in ms, as `Model.finish` takes them."""
    match verdict:
        case Complete():
            return "complete", run, 0
        case Retry(after_seconds):
            return "retry", run, after_seconds * 1000
        case Dead():
            return "dead", run, 0
        case Fail() | Cancelled():
            return "fail", run, 0
        case Release():
            return "release", "", 0
        case Postpone(after_seconds):
            return "postpone", "", round(after_seconds * 1000)


def expire_late(model: Model, seen: Snapshot) -> bool:
    """End what a claim found to have expired since it was given back; whether there was any."""
    late = [
        job
        for job in model.jobs()
        if job.state == "pending" and job.entry and job.expires and job.expires <= model.now
        if seen.hashes[f"j:{job.team}:{job.id}"]["state"] == "failed"
    ]
    told = {
        (key.split(":")[1], fields["subject"]): int(key.split(":")[2])
        for key, fields in seen.hashes.items()
        if key.startswith("n:")
    }
    for job in sorted(late, key=lambda one: told.get((str(one.team), f"j:{one.id}"), 0)):
        model.end_unsent(job, '"expired"')
    return bool(late)


def claimed(model: Model, consumer: str, works: Sequence[Work], n: int) -> None:
    """Hold what a claim got against what it could have got, one by one, and take it."""
    for number, work in enumerate(works):
        place = f"{work.team}:{work.queue}"
        if number >= n:
            assert model.in_flight(place) == 0, f"{place} is not quiet, and got a spare place"
        entry = _next_of(model, place)
        assert entry, f"{work.key} was claimed, and nothing waits in {place}"
        assert (*entry.ref, entry.lane) == (work.kind, work.team, work.id, work.lane), "out of order"
        assert entry.name in ("", work.entry)
        entry.name = work.entry
        _start(model, entry, work)
        entry.consumer, entry.beats = consumer, 1


def _next_of(model: Model, place: str) -> Entry | None:
    waiting = (entry for entry in model.entries(place) if entry.consumer is None and model.is_alive(entry))
    return next(waiting, None)


def _start(model: Model, entry: Entry, work: Work) -> None:
    piece = model.pieces[entry.ref]
    place = piece.place
    assert may_start(model, place), f"{place} may start nothing"
    assert piece.state in ("pending", "processing"), f"{piece.ref} had ended and starts again"
    assert piece.due <= model.now, f"{piece.ref} starts too early"
    assert (work.attempt, work.due_ms) == (piece.attempt, piece.due)
    if isinstance(piece, Job):
        assert isinstance(work, ClaimedJob)
        assert work.original == str(piece.origin or "")
        is_late = piece.expires is not None and piece.expires <= model.now
        assert piece.state == "processing" or not is_late, f"{piece.ref} had expired"
        queue = model.queues[place]
        if queue.rate is not None:
            assert rate_left(model, queue)[0] > 0, f"{place} starts more than its rate limit allows"
            queue.starts.append(model.now)
    piece.state = "processing"
    model.count_request(piece, 1)


def prune(model: Model, place: str, limit: int) -> int:
    """Remove up to `limit` jobs of a deleted queue, in the order of the script; how many went."""
    doomed = sorted(
        (job for job in model.jobs() if job.place == place),
        key=lambda job: (_STATES.index(job.state), job.id),
    )[:limit]
    for job in doomed:
        model.remove(job)
    if len(doomed) < limit and not model.in_flight(place):
        model.doomed.discard(place)
        for lane in LANES:
            model.lanes[lane + place].clear()
    return len(doomed)
