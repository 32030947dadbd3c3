"""What the worker's one function works with."""

from dataclasses import dataclass, field

from redis.asyncio import Redis

from services.worker.circuits import Circuits
from services.worker.http.client import Sender
from services.worker.notices.mail import Mailer
from services.worker.rests import Rests
from shared.security.vault import Vault


@dataclass(frozen=True, slots=True)
class Context:
    """The storage, the ways out, and the keys that open what was sealed."""

    redis: Redis
    sender: Sender
    vault: Vault
    mailer: Mailer
    circuits: Circuits = field(default_factory=Circuits)
    rests: Rests = field(default_factory=Rests)
    worker: str = ""
    """Its name, which its runs carry: `<host>:<pid>`."""
    public_url: str = ""
    """What links in messages begin with."""
    secrets: tuple[str, ...] = ()
    """What goes along of the operator's own: how a proxy knows us."""
    tells_runs: bool = True
    """Whether the log takes a line of each run."""
