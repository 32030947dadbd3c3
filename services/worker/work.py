"""Work in a worker's hands: a claimed job or execution, and the result it ends with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from services.worker.clock import Clock
from shared.clock import elapsed
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


Verdict = Complete | Retry | Dead | Fail | Cancelled | Release | Postpone


@dataclass(slots=True, eq=False)
class Work:
    """One claimed job (`j`, origin: the original), execution (`e`, the cron) or notice (`n`, its subject)."""

    shard: str
    kind: str
    team: int
    queue: str
    id: int
    lane: str
    entry: str
    attempt: int
    origin: str
    due_ms: int
    spec: str
    settings: QueueSettings | None
    """None for an execution: its cron's spec says what a queue would."""
    signing: str = ""
    """The team's signing secrets, sealed; nothing if its requests are not signed."""
    holds: Mapping[str, int] = field(default_factory=dict)
    """Hosts that asked the team for a rest, and until when (ms since 1970 by the installation's clock)."""
    busy: Mapping[str, int] = field(default_factory=dict)
    """Hosts that asked for a longer one than they get, and until when they would have it."""
    intent: str = ""
    """A name of what shall happen once, the same for all attempts and replays, that never comes again."""
    held_since_ms: int = 0
    """Since when this attempt waits for a silent host, by the installation's clock; 0 if it does not."""
    clock: Clock = field(default_factory=Clock)
    """The installation's clock, as the worker that claimed it knows it."""
    claimed_at: float = field(default_factory=elapsed)
    leased_until: float = inf
    """Until when it is ours for certain, by the monotonic clock (s); a beat moves that on until it came."""
    name: str = ""
    """What people call its queue or cron; nothing of a notice."""
    problem: str = ""
    """Why its queue's settings cannot be used; then nothing is sent."""
    ended: bool = False
    """It was tried to its end here; only its result is still to be written."""
    is_handed_on: bool = False
    """Its result is on its way to Redis."""
    cancelled: bool = False
    """Somebody wants it stopped."""
    lost: bool = False
    """The rescuer gave it to somebody else; whatever happens here no longer counts."""

    @property
    def idempotency_key(self) -> str:
        """What a receiver knows a repeat by."""
        if self.intent:
            return self.intent
        first = self.origin if self.kind == "j" and self.origin else self.id
        return f"{self.kind}-{self.team}-{first}"  # stored before there were intents

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.team}:{self.id}"

    @property
    def now_ms(self) -> int:
        """The time by the installation's clock, whatever this machine's says."""
        return self.clock.now_ms()

    @property
    def place(self) -> str:
        """Where its entry lies: lane, queue and entry."""
        return f"{self.lane}{self.team}:{self.queue}:{self.entry}"


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
