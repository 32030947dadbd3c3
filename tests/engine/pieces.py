"""The nouns of the model: queues, jobs, notices, and the entries that stand for them in the streams."""

from dataclasses import dataclass, field

FRONT, READY = "f:", "s:"
OUTBOX = "outbox"
Ref = tuple[str, int, int]
"""Kind, team and id."""


@dataclass(slots=True)
class Queue:
    team: int
    id: str
    name: str
    is_active: bool = True
    most: int | None = None
    rate: int | None = None
    weight: int = 1
    is_deleted: bool = False
    starts: list[int] = field(default_factory=list)
    """The moments of what started while there was a rate limit, oldest first."""

    @property
    def place(self) -> str:
        return f"{self.team}:{self.id}"

    def rate_member(self) -> str:
        return f"q:{self.team}:{int(self.id):014d}"


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a ready stream; its name is learned from Redis."""

    lane: str
    ref: Ref
    name: str = ""
    consumer: str | None = None
    beats: int = 0


@dataclass(slots=True, eq=False)
class Piece:
    """What a worker can hold."""

    team: int
    queue: str
    due: int
    id: int = 0
    attempt: int = 1
    state: str = "pending"
    waits: bool = False
    """It stands in `due`."""
    wakes: int | None = None
    """When it comes back that was postponed; else it does when it is due."""
    lost: int = 0
    entry: Entry | None = None

    @property
    def kind(self) -> str:
        raise NotImplementedError

    @property
    def ref(self) -> Ref:
        return self.kind, self.team, self.id

    @property
    def place(self) -> str:
        return f"{self.team}:{self.queue}"

    def due_member(self) -> str:
        return f"{self.kind}:{self.team}:{self.id:014d}"

    def fields(self) -> dict[str, str]:
        """The fields of its record, but for its entry and its birth."""
        fields = {
            "queue": self.queue,
            "state": self.state,
            "attempt": str(self.attempt),
            "due": str(self.due),
            "lost": str(self.lost or ""),
        }
        return fields | self._own_fields()

    def _own_fields(self) -> dict[str, str]:
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Job(Piece):
    expires: int | None = None
    is_expiring: bool = False
    """Its expiry stands in `due`."""
    origin: int | None = None
    retries: list[int] = field(default_factory=list)
    has_pending_retry: bool = False
    final: str | None = None
    dead_at: int | None = None
    is_cancelled: bool = False
    callback: str | None = None
    replay_of: int | None = None
    replayed_as: int | None = None
    run: str | None = None
    """What its run must contain."""

    @property
    def kind(self) -> str:
        return "j"

    def expiry_member(self) -> str:
        return f"x:{self.team}:{self.id:014d}"

    def _own_fields(self) -> dict[str, str]:
        return {
            "expires": str(self.expires or ""),
            "origin": str(self.origin or ""),
            "retries": "".join(f"{retry}," for retry in self.retries),
            "pending_retry": "1" if self.has_pending_retry else "",
            "final": self.final or "",
            "dead_at": str(self.dead_at or ""),
            "cancel": "1" if self.is_cancelled else "",
            "callback": self.callback or "",
            "replay_of": str(self.replay_of or ""),
            "replayed_as": str(self.replayed_as or ""),
        }


class Notice(Piece):
    """The callback of a job that ended."""

    __slots__ = ("name", "subject")

    def __init__(self, team: int, number: int, subject: int, name: str) -> None:
        super().__init__(team, OUTBOX, 0, number)
        self.subject = subject
        self.name = name

    @property
    def kind(self) -> str:
        return "n"

    def _own_fields(self) -> dict[str, str]:
        return {"subject": f"j:{self.subject}", "name": self.name}
