"""Work in a worker's hands: a claimed job or execution, and the result it ends with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, NamedTuple, TypeVar, dataclass_transform

from services.worker.clock import Clock
from shared.clock import elapsed
from shared.schemas.kinds import Kind
from shared.schemas.queues import QueueSettings


@dataclass(frozen=True, slots=True)
class Complete:
    """The target took it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed, and a new job tries again so many seconds later."""

    after_seconds: int


@dataclass(frozen=True, slots=True)
class Dead:
    """It failed and its retries are used up."""


@dataclass(frozen=True, slots=True)
class Fail:
    """It failed, and nobody wanted retries."""


@dataclass(frozen=True, slots=True)
class Release:
    """It was not tried to the end here; somebody else shall, without using an attempt."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """It was not sent, for its host is given a rest; again so much later, without using an attempt."""

    after_seconds: float
    why: str
    is_counted: bool = False
    """The time is counted, so that waiting ends; else the host said when it is over."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody wanted it stopped while it ran; its own end, without retries."""


_C = TypeVar("_C")
_ALERT = f"{Kind.ALERT}:"
Verdict = Complete | Retry | Dead | Fail | Cancelled | Release | Postpone


@dataclass(slots=True)
class Lease:
    """How a worker stands to what it has in hand: all of it that changes."""

    until: float = inf
    """Until when it is ours for certain, by the monotonic clock (s); a beat moves that on until it came."""
    ended: bool = False
    """It was tried to its end here; only its result is still to be written."""
    is_handed_on: bool = False
    """Its result is on its way to Redis."""
    cancelled: bool = False
    """Somebody wants it stopped."""
    lost: bool = False
    """The rescuer gave it to somebody else; whatever happens here no longer counts."""


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def _frozen(cls: type[_C]) -> type[_C]:
    """A dataclass that the type checker keeps frozen: what Python does for that costs 2 us a job."""
    return dataclass(slots=True, eq=False)(cls)


@_frozen
class OfTeam:
    """What a claim said of a team, for all that it brought of it."""

    signing: str = ""
    """Its signing secrets, sealed; nothing if its requests are not signed."""
    throttled: Mapping[str, int] = field(default_factory=dict)
    """Hosts that are throttled for the team, and until when (ms since 1970 by the installation's clock)."""
    busy: Mapping[str, int] = field(default_factory=dict)
    """Hosts that named a later moment in `Retry-After` than they get, and that moment."""
    redact: tuple[str, ...] = ()
    """What is not kept of its requests and their answers."""


@_frozen
class _Work:
    """Where a piece of work stands, and what was known of it and its team when it was claimed."""

    kind: ClassVar[Kind]
    shard: str
    team: int
    queue: str
    id: int
    lane: str
    entry: str
    attempt: int
    due_ms: int
    spec: str
    intent: str = ""
    """A name of what shall happen once, the same for all attempts and replays, that never comes again."""
    held_since_ms: int = 0
    """Since when this attempt waits for a silent host, by the installation's clock; 0 if it does not."""
    of_team: OfTeam = OfTeam()
    clock: Clock = field(default_factory=Clock)
    """The installation's clock, as the worker that claimed it knows it."""
    claimed_at: float = field(default_factory=elapsed)
    lease: Lease = field(default_factory=Lease)
    name: str = ""
    """What people call its queue or cron; nothing of a notice."""

    @property
    def idempotency_key(self) -> str:
        """What a receiver knows a repeat by."""
        return self.intent or f"{self.kind}-{self.team}-{self.id}"  # stored before there were intents

    @property
    def ref(self) -> str:
        """What others of its team refer to it by: kind and id."""
        return f"{self.kind}:{self.id}"

    @property
    def key(self) -> str:
        return self.kind + f":{self.team}:{self.id}"

    @property
    def now_ms(self) -> int:
        """The time by the installation's clock, whatever this machine's says."""
        return self.clock.now_ms()

    @property
    def place(self) -> str:
        """Where its entry lies: lane, queue and entry."""
        return f"{self.lane}{self.team}:{self.queue}:{self.entry}"


@_frozen
class Job(_Work):
    """One attempt of a job."""

    kind = Kind.JOB
    original: str = ""
    """The id of the first of its chain; nothing if it is that itself."""
    settings: QueueSettings | None = None
    """Its queue's; nothing if they are lost."""
    problem: str = ""
    """Why its queue's settings cannot be used; then nothing is sent."""
    is_watched: bool = False
    """Its queue has problems, which end by what goes well."""

    @property
    def idempotency_key(self) -> str:
        return self.intent or f"{self.kind}-{self.team}-{self.original or self.id}"


@_frozen
class Execution(_Work):
    """A fire of a cron, whose spec says what a queue's settings would."""

    kind = Kind.EXECUTION
    cron: str = ""
    """Its id."""


@_frozen
class Notice(_Work):
    """A callback or an alert on its way; its spec is the event of the one, the channel of the other."""

    kind = Kind.NOTICE
    subject: str = ""
    """What it tells of: `j:<job>`, `e:<cron>:<execution>` or `a:<alert>`."""

    @property
    def ref(self) -> str:
        return self.subject

    @property
    def is_alert(self) -> bool:
        return self.subject.startswith(_ALERT)


Work = Job | Execution | Notice
"""What a worker claims."""


class Result(NamedTuple):
    """What became of a piece of work: the verdict, the run as stored, and the response text for a cron.

    A failure has a `reason` (`http_server_error 503`), in which failures are alike, and `facts` (JSON). What
    is postponed has the reason `counted` if its wait shall end in minutes, and in `facts` what it waits for.
    """

    work: Work
    verdict: Verdict
    run: str = ""
    response: str = ""
    reason: str = ""
    facts: str = ""
    waited_ms: int | None = None
    """From when it was due until its request began; none if no request was made, as the next."""
    took_ms: int | None = None
    target: str = ""
    """The host and path it was sent to, without ids: of a failure, and of a watched job that went well."""
