"""What must become of every job, in plain Python: moved beside the real scripts, and compared after each step."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared import clock
from tests.engine.pieces import FRONT, READY, Entry, Job, Notice, Piece, Queue, Ref

PERIOD_MS = 10_000
OUTBOX_PARALLELISM = 4
PATIENCE = 3
BATCH = 500

_STATE = {"complete": "completed", "retry": "retrying", "dead": "dead_lettered", "fail": "failed"}
_HAPPENED = {"complete": "job.completed", "dead": "job.dead_lettered", "fail": "job.failed"}
_CHAIN = {
    "complete": ("failed", "success"),
    "dead": ("dead_lettered", "dead_lettered"),
    "fail": ("failed", "failed_no_retries"),
}


@dataclass(slots=True)
class Model:
    """Where everything should be; `now` in ms, and the clock of the server shows the same."""

    now: int
    queues: dict[str, Queue] = field(default_factory=dict)
    pieces: dict[Ref, Piece] = field(default_factory=dict)
    lanes: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    ids: Counter[tuple[int, str]] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    deleted: Counter[int] = field(default_factory=Counter)
    requests: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Of a team in a month, as in 2026-11."""
    rate_dues: list[tuple[int, str]] = field(default_factory=list)
    """The `q:` members of `due` as last seen: when they come and go is for the laws to judge."""
    intents: dict[Ref, str] = field(default_factory=dict)
    """By what receivers know each piece, those that are gone too."""
    doomed: set[str] = field(default_factory=set)

    # What there is

    def jobs(self) -> Iterator[Job]:
        return (piece for piece in self.pieces.values() if isinstance(piece, Job))

    def job(self, team: int, number: int) -> Job | None:
        found = self.pieces.get(("j", team, number))
        return found if isinstance(found, Job) else None

    def visible_jobs(self) -> list[Job]:
        return [job for job in self.jobs() if not self.queues[job.place].is_deleted]

    def living_queues(self) -> list[Queue]:
        return [queue for queue in self.queues.values() if not queue.is_deleted]

    def entries(self, place: str) -> list[Entry]:
        return [*self.lanes[FRONT + place], *self.lanes[READY + place]]

    def in_flight(self, place: str) -> int:
        return sum(entry.consumer is not None for entry in self.entries(place))

    def waiting(self, place: str) -> int:
        return len(self.entries(place)) - self.in_flight(place)

    def allowance(self, place: str) -> int:
        """How many more may start there, but for the rate limit."""
        queue = self.queues.get(place)
        if queue is None:
            return min(self.waiting(place), OUTBOX_PARALLELISM - self.in_flight(place))
        if queue.is_deleted or not queue.is_active:
            return 0
        most = self.waiting(place) if queue.most is None else queue.most - self.in_flight(place)
        return min(self.waiting(place), most)

    def is_alive(self, entry: Entry) -> bool:
        """Whether the entry names something that may still start or end."""
        piece = self.pieces.get(entry.ref)
        if isinstance(piece, Notice):
            return ("j", piece.team, piece.subject) in self.pieces
        return piece is not None

    def due(self) -> list[tuple[int, str]]:
        """What `due` should hold beside the queues' rate limits: moment and member, in order."""
        rows = [
            (piece.wakes or piece.due, piece.due_member()) for piece in self.pieces.values() if piece.waits
        ]
        rows += [(job.expires, job.expiry_member()) for job in self.jobs() if job.expires and job.is_expiring]
        return sorted(rows)

    def held(self, consumer: str, place: str) -> Entry | None:
        """The entry at `place` (lane, queue and entry), if the consumer holds it."""
        lane, _, name = place.rpartition(":")
        for entry in self.lanes[lane]:
            if entry.name == name and entry.consumer == consumer:
                return entry
        return None

    # What is asked for

    def accept(self, job: Job) -> None:
        self.ids[job.team, "job"] += 1
        job.id = self.ids[job.team, "job"]
        self.accepted[job.team] += 1
        self.pieces[job.ref] = job
        job.is_expiring = job.expires is not None
        if job.due > self.now or job.origin:
            job.waits = True
        else:
            self.push(job, READY)

    def push(self, piece: Piece, lane: str) -> None:
        piece.entry = Entry(lane, piece.ref)
        self.lanes[lane + piece.place].append(piece.entry)

    def promote(self, limit: int = BATCH) -> None:
        for moment, member in sorted([*self.due(), *self.rate_dues])[:limit]:
            kind, team, number = member.split(":")
            piece = self.pieces.get(("j" if kind == "x" else kind, int(team), int(number)))
            if moment > self.now or piece is None:
                continue
            if kind == "x" and isinstance(piece, Job):
                piece.is_expiring = False
                if piece.state == "pending":
                    self.end_unsent(piece, '"expired"')
            elif piece.waits:
                piece.waits, piece.wakes = False, None
                self.push(piece, READY)

    def end_unsent(self, job: Job, run: str) -> None:
        self.unqueue(job)
        self.settle(job, "fail", run, 0)

    def unqueue(self, piece: Piece) -> None:
        piece.waits = False
        if piece.entry:
            self.lanes[piece.entry.lane + piece.place].remove(piece.entry)
            piece.entry = None

    def original(self, job: Job) -> Job:
        first = self.job(job.team, job.origin or job.id)
        assert first is not None, f"the original of {job.ref} went before it"
        return first

    def last_attempt(self, job: Job) -> Job | None:
        """Nothing if it ended and was retired before its original."""
        first = self.original(job)
        return self.job(job.team, first.retries[-1]) if first.retries else first

    def cancel(self, job: Job) -> None:
        last = self.last_attempt(job)
        if last and last.state == "pending":
            self.end_unsent(last, '"cancelled"')
        elif last and last.state == "processing":
            last.is_cancelled = True

    def remove(self, job: Job) -> None:
        if job.state == "pending":
            self.unqueue(job)
        del self.pieces[job.ref]
        self.deleted[job.team] += 1

    def remove_chain(self, job: Job) -> None:
        first = self.original(job)
        for number in [first.id, *first.retries]:
            one = self.job(job.team, number)
            if one:
                self.remove(one)

    def replay(self, any_of_chain: Job) -> bool:
        """Whether its chain was a dead letter, and a fresh job was made of it."""
        job = self.original(any_of_chain)
        if job.state != "dead_lettered" or self.queues[job.place].is_deleted:
            return False
        fresh = Job(
            job.team, job.queue, self.now, replay_of=job.id, callback="none" if job.callback else None
        )
        self.accept(fresh)
        job.state, job.final, job.replayed_as = "failed", "dead_lettered", fresh.id
        return True

    def purge(self, any_of_chain: Job) -> bool:
        if any_of_chain.ref not in self.pieces:
            return False  # it went with its chain
        job = self.original(any_of_chain)
        if job.state != "dead_lettered":
            return False
        self.remove_chain(job)
        return True

    # What becomes of it

    def finish(self, consumer: str, place: str, verdict: str, run: str, after_ms: int) -> int:
        """1 recorded, 2 dropped, 0 not ours, as `Claims.finish` has it."""
        entry = self.held(consumer, place)
        if entry is None:
            return 0
        piece = self.take_off(entry)
        if piece is None or (isinstance(piece, Job) and self.queues[piece.place].is_deleted):
            return 2
        if verdict in ("release", "postpone"):
            self.count_request(piece, -1)
        if verdict == "release":
            self.give_back(piece)
        elif verdict == "postpone":
            self.postpone(piece, self.now + after_ms)
        else:
            self.settle(piece, verdict, run, self.now + after_ms)
        return 1

    def count_request(self, piece: Piece, by: int) -> None:
        if isinstance(piece, Job):
            self.requests[piece.team, clock.moment(self.now).strftime("%Y-%m")] += by

    def take_off(self, entry: Entry) -> Piece | None:
        for lane in self.lanes.values():
            if entry in lane:
                lane.remove(entry)
        piece = self.pieces.get(entry.ref)
        if piece:
            piece.entry = None
        return piece

    def rescue(self, consumer: str, place: str, beats: int) -> bool:
        """Whether the entry's piece was given back or declared dead."""
        entry = self.held(consumer, place)
        if entry is None or entry.beats != beats:
            return False
        piece = self.take_off(entry)
        if piece is None or (isinstance(piece, Job) and self.queues[piece.place].is_deleted):
            return False
        piece.lost += 1
        if piece.lost < PATIENCE:
            self.give_back(piece)
        else:
            self.settle(piece, "dead", "workers were lost", self.now)
        return True

    def postpone(self, piece: Piece, due: int) -> None:
        if isinstance(piece, Job) and piece.is_cancelled:
            self.settle(piece, "fail", '"cancelled"', 0)
            return
        if isinstance(piece, Job):
            piece.is_expiring = piece.expires is not None
        piece.state, piece.waits, piece.wakes = "pending", True, due

    def give_back(self, piece: Piece) -> None:
        if isinstance(piece, Job) and piece.is_cancelled:
            self.settle(piece, "fail", '"cancelled"', 0)
            return
        if isinstance(piece, Job):
            piece.is_expiring = piece.expires is not None  # again: its moment may have passed while it ran
        piece.state = "pending"
        self.push(piece, FRONT)

    def settle(self, piece: Piece, verdict: str, run: str, due: int) -> None:
        if isinstance(piece, Job):
            self._settle_job(piece, verdict, run, due)
        elif isinstance(piece, Notice):
            self._settle_notice(piece, verdict, due)

    def _settle_job(self, job: Job, verdict: str, run: str, due: int) -> None:
        job.run, job.is_expiring = run, False
        job.state = "failed" if job.origin and verdict != "complete" else _STATE[verdict]
        if job.state == "failed":
            job.final = "failed_with_retries" if job.origin else "failed_no_retries"
        elif job.state == "dead_lettered":
            job.dead_at = self.now
        first = self.original(job)
        if verdict == "retry":
            self._retry(first, job.attempt + 1, due)
            return
        if job.origin:
            first.state, first.final = _CHAIN[verdict]
            first.has_pending_retry = False
            first.dead_at = self.now if verdict == "dead" else first.dead_at
        if job.callback:
            self._tell(job, _HAPPENED[verdict])

    def _retry(self, first: Job, attempt: int, due: int) -> None:
        retry = Job(first.team, first.queue, due, attempt=attempt, origin=first.id)
        retry.expires, retry.callback = first.expires, "none" if first.callback else None
        self.accept(retry)
        first.retries.append(retry.id)
        first.has_pending_retry = True

    def _tell(self, job: Job, name: str) -> None:
        self.ids[job.team, "notice"] += 1
        notice = Notice(job.team, self.ids[job.team, "notice"], job.id, name)
        self.pieces[notice.ref] = notice
        self.push(notice, READY)

    def _settle_notice(self, notice: Notice, verdict: str, due: int) -> None:
        subject = self.job(notice.team, notice.subject)
        if subject:
            outcome = {"complete": "delivered", "retry": "retrying"}.get(verdict, "failed")
            subject.callback = self.original(subject).callback = outcome
        if verdict == "retry":
            notice.attempt, notice.due = notice.attempt + 1, due
            notice.state, notice.waits = "pending", True
        else:
            del self.pieces[notice.ref]
