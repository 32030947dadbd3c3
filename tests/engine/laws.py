"""The laws of the engine: what Redis holds is what the model says, and nothing else."""

import re
from collections import Counter, defaultdict

from tests.engine.model import PERIOD_MS, Model
from tests.engine.pieces import Entry, Job, Notice, Piece, Queue
from tests.engine.snapshot import Snapshot, Stream

_PROBLEMS = re.compile(r":problems|:p\d+:")
"""Lists of problems, which reports are made of: tests/api/crons/test_problems.py looks at them."""
_LEDGER = {"retrying": "failed", "dead_lettered": "failed"}
_UNMODELLED = {
    "v",
    "created",
    "entry",
    "lane",
    "held_since",
    "postponed",
    "waits_for",
    "intent",
    "size",
    "problem",
}


def learn(model: Model, seen: Snapshot, *, after_claim: bool) -> bool:
    """Note the names of new entries; whether a claim read entries of what was deleted, which end there."""
    dropped = False
    for key, lane in model.lanes.items():
        rows = seen.streams.get(key, Stream()).entries
        if after_claim:
            for entry in [one for one in lane if not model.is_alive(one) and not _is_among(one, rows)]:
                assert entry.consumer is None, f"{entry} is still out"
                lane.remove(entry)
                model.pieces.pop(entry.ref, None)  # a notice of what was deleted
                dropped = True
        expected = [f"{entry.ref[0]}:{entry.ref[2]}" for entry in lane]
        assert [ref for _, ref in rows] == expected, f"{key} holds {rows}, not {expected}"
        for entry, (name, _) in zip(lane, rows, strict=True):
            assert entry.name in ("", name), f"{key}: {entry.name} became {name}"
            entry.name = name
    rates = [(int(at), member) for member, at in seen.zsets.get("due", {}).items() if member[0] == "q"]
    model.rate_dues = rates
    return dropped


def _is_among(entry: Entry, rows: list[tuple[str, str]]) -> bool:
    ref = f"{entry.ref[0]}:{entry.ref[2]}"
    return any(ref == found and entry.name in ("", name) for name, found in rows)


def check(model: Model, seen: Snapshot) -> None:
    _check_records(model, seen)
    _check_intents(model, seen)
    _check_indexes(model, seen)
    _check_ledger(model, seen)
    _check_streams(model, seen)
    _check_due(model, seen)
    _check_turns(model, seen)


def _check_records(model: Model, seen: Snapshot) -> None:
    for kind in ("j", "n"):
        expected = {f"{kind}:{one.team}:{one.id}" for one in model.pieces.values() if one.kind == kind}
        stored = {key for key in seen.hashes if key.startswith(f"{kind}:")}
        assert stored == expected, f"records differ: {stored ^ expected}"
    for piece in model.pieces.values():
        _check_record(piece, seen.hashes["{}:{}:{}".format(*piece.ref)])
    runs = {f"r:{job.team}:j{job.id}": job.run for job in model.jobs() if job.run}
    assert {key for key in seen.strings if key.startswith("r:")} == runs.keys()
    assert all(run in seen.strings[key] for key, run in runs.items())
    asked = {f"b:{job.team}:{job.id}" for job in model.jobs() if not job.origin}
    assert {key for key in seen.strings if key.startswith("b:")} == asked
    assert {key for key in seen.strings if key.startswith("i:")} == {
        key for key in seen.zsets.get("fading", ()) if key.startswith("i:")
    }


def _check_record(piece: Piece, stored: dict[str, str]) -> None:
    expected = {name: value for name, value in piece.fields().items() if value}
    found = {name: value for name, value in stored.items() if name not in _UNMODELLED}
    assert found == expected, f"{piece.ref}: {found} is stored, not {expected}"
    if piece.entry:
        assert (stored.get("entry"), stored.get("lane", "s:")) == (piece.entry.name, piece.entry.lane)


def _check_intents(model: Model, seen: Snapshot) -> None:
    """Attempts and replays of a job share its name, which is nobody else's, deleted ones included."""
    known = model.intents
    for piece in sorted(model.pieces.values(), key=lambda piece: piece.ref):
        intent = seen.hashes["{}:{}:{}".format(*piece.ref)]["intent"]
        before = (piece.origin or piece.replay_of) if isinstance(piece, Job) else None
        if before:
            assert intent == known["j", piece.team, before], f"{piece.ref} is another intent than {before}"
        elif piece.ref not in known:
            assert intent not in known.values(), f"{piece.ref} has a name that was there before"
        assert known.setdefault(piece.ref, intent) == intent, f"{piece.ref} has another name than before"


def _check_indexes(model: Model, seen: Snapshot) -> None:
    expected: dict[str, dict[str, float]] = defaultdict(dict)
    for job in model.jobs():
        for owner in ("", f"q{job.queue}:"):
            expected[f"x:{job.team}:{owner}{job.state}"][str(job.id)] = job.id
    stored = {
        key: rows
        for key, rows in seen.zsets.items()
        if key.startswith("x:") and not _PROBLEMS.search(key) and not key.endswith(":queues")
    }
    assert stored == expected
    for team in (1, 2):
        known = {queue.id for queue in model.living_queues() if queue.team == team}
        assert seen.zsets.get(f"x:{team}:queues", {}).keys() == known
        names = {queue.name: queue.id for queue in model.living_queues() if queue.team == team}
        assert seen.hashes.get(f"names:{team}", {}) == names
    assert {key for key in seen.hashes if key.startswith("q:")} == {
        f"q:{queue.place}" for queue in model.living_queues()
    }
    assert seen.sets.get("doomed", set()) == {f"q:{place}" for place in model.doomed}


def _check_ledger(model: Model, seen: Snapshot) -> None:
    for team in (1, 2):
        columns = Counter(_LEDGER.get(job.state, job.state) for job in model.jobs() if job.team == team)
        columns["accepted"], columns["deleted"] = model.accepted[team], model.deleted[team]
        stored = {
            name: int(value) for name, value in seen.hashes.get(f"ledger:{team}", {}).items() if int(value)
        }
        requests = {
            f"requests.{month}": n for (owner, month), n in model.requests.items() if owner == team and n
        }
        kept = {"bytes": size} if (size := _kept_bytes(model, seen, team)) else {}
        expected = {f"job.{name}": value for name, value in columns.items() if value}
        assert stored == expected | requests | kept
        states = sum(value for name, value in columns.items() if name not in ("accepted", "deleted"))
        assert columns["accepted"] == states + columns["deleted"], "the ledger law"


def _kept_bytes(model: Model, seen: Snapshot, team: int) -> int:
    """Of what has ended: the texts that are stored of it."""
    ended = [job for job in model.jobs() if job.team == team and job.state not in ("pending", "processing")]
    names = [name for job in ended for name in (f"r:{team}:j{job.id}", f"b:{team}:{job.id}")]
    return sum(len(seen.strings.get(name, "").encode()) for name in names)


def _check_streams(model: Model, seen: Snapshot) -> None:
    for key, stream in seen.streams.items():
        lane = model.lanes.get(key, [])
        out = [(entry.name, entry.consumer, entry.beats) for entry in lane if entry.consumer]
        assert len(stream.entries) == len(lane), f"{key}: length is not waiting + in flight"
        assert stream.held == out, f"{key}: {stream.held} is in flight, not {out}"
    flying = {place for place in _places(model) if model.in_flight(place)}
    assert seen.sets.get("in_flight", set()) == flying
    for job in model.jobs():
        if job.state in ("pending", "processing") and not model.queues[job.place].is_deleted:
            entries = [entry for entry in model.entries(job.place) if entry.ref == job.ref]
            assert job.waits + len(entries) == 1, f"{job.ref} is not in exactly one place"


def _check_due(model: Model, seen: Snapshot) -> None:
    stored = {member: int(at) for member, at in seen.zsets.get("due", {}).items() if member[0] != "q"}
    assert stored == {member: at for at, member in model.due()}


def rate_left(model: Model, queue: Queue) -> tuple[int, int]:
    """How many more the queue's rate limit lets start now, and when it lets one start if none."""
    assert queue.rate is not None
    starts = [at for at in queue.starts if at > model.now - PERIOD_MS]
    over = len(starts) - queue.rate
    return -over, starts[over] + PERIOD_MS if over >= 0 else 0


def may_start(model: Model, place: str) -> bool:
    queue = model.queues.get(place)
    if model.allowance(place) <= 0:
        return False
    return queue is None or queue.rate is None or rate_left(model, queue)[0] > 0


def _check_turns(model: Model, seen: Snapshot) -> None:
    due = seen.zsets.get("due", {})
    for place in _places(model):
        team, queue = place.split(":")[0], model.queues.get(place)
        has_turn = place in seen.zsets.get(f"turns:{team}", {})
        is_limited = queue is not None and queue.rate is not None and model.allowance(place) > 0
        back = due.get(queue.rate_member(), 0) if queue and is_limited else 0
        if has_turn:
            assert may_start(model, place), f"{place} has a turn and may start nothing"
        elif may_start(model, place):
            assert 0 < back <= model.now, f"{place} may start something and has no turn"
        elif queue and is_limited:
            assert back == rate_left(model, queue)[1], f"{place} does not come back in time"
    teams = {key.removeprefix("turns:") for key in seen.zsets if key.startswith("turns:")}
    assert seen.zsets.get("turns", {}).keys() == teams


def _places(model: Model) -> set[str]:
    return {*model.queues, *(key[2:] for key in model.lanes)}


def check_is_over(model: Model, seen: Snapshot) -> None:
    """After everything was given every chance: nothing waits, nothing is out, every job has ended."""
    assert {job.state for job in model.jobs()} <= {"completed", "failed", "retrying", "dead_lettered"}
    assert not any(isinstance(piece, Notice) for piece in model.pieces.values())
    assert not any(stream.entries for stream in seen.streams.values())
    assert not [member for member in seen.zsets.get("due", {}) if member[0] != "q"]
    assert not seen.zsets.get("turns")
    assert not seen.sets.get("in_flight")
    assert not seen.sets.get("doomed")
    for job in model.jobs():
        if job.state == "retrying":
            last = model.job(job.team, job.retries[-1])
            assert isinstance(last, Job), "a chain is open and has no end"
