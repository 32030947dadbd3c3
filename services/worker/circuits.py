"""Hosts that do not answer are given a rest, so that one dead target does not hold every place of a worker.

A circuit for each team and host, in this process alone: it opens after failures in a row, and lets one
request at a time find out whether the host is back. The team is shown it (`throttles.tell_silent`), and its
other workers go by their own. Teams share none: one may ask what another never would.
"""

from collections import OrderedDict
from dataclasses import dataclass

from services.worker.http.exchange import Exchange
from shared.schemas.runs import FailureReason, FailureStage
from shared.security.destinations import Origin

FAILURES = 8
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 60.0
PROBE_SECONDS = 310.0
"""Longer than any request: who probes and never says how it went is not waited for."""
MOST_HOSTS = 10_000

Host = tuple[int, Origin]
"""A team, and whom it calls."""

_SILENT = frozenset((FailureStage.LOOKUP, FailureStage.CONNECT, FailureStage.TLS, FailureStage.REQUEST))
"""Stages at which nothing has come back, unless TLS was refused: that is an answer."""


@dataclass(slots=True)
class Circuit:
    """What is known of a host that failed; moments are monotonic seconds."""

    failures: int = 0
    rest_seconds: float = 0.0
    opens_at: float = 0.0
    """Until then nothing is sent; 0 while it is closed."""
    probe_ends_at: float = 0.0
    """Until then somebody is finding out whether it is back."""


def is_silent(exchange: Exchange) -> bool:
    """Whether the host gave no answer at all; one that cannot be read is one."""
    return exchange.failure_stage in _SILENT and exchange.failure_reason is not FailureReason.SSL_ERROR


class Circuits:
    """Only hosts that failed last are remembered, the latest of them."""

    def __init__(self) -> None:
        self._circuits: OrderedDict[Host, Circuit] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether any host failed last."""
        return bool(self._circuits)

    def wait_of(self, host: Host, now: float) -> float:
        """Seconds until the host may be tried again; 0.0 lets this caller send, alone if it is a probe."""
        circuit = self._circuits.get(host)
        if circuit is None or not circuit.opens_at:
            return 0.0
        if (wait := max(circuit.opens_at, circuit.probe_ends_at) - now) > 0:
            return min(wait, circuit.rest_seconds)
        circuit.probe_ends_at = now + PROBE_SECONDS
        return 0.0

    def note(self, host: Host, now: float, *, silent: bool) -> float:
        """What became of a request that was sent; for how long it opens now (s), else 0.0."""
        if not silent:
            self._circuits.pop(host, None)
            return 0.0
        circuit = self._circuits.setdefault(host, Circuit())
        self._circuits.move_to_end(host)
        circuit.failures += 1
        circuit.probe_ends_at, opened = 0.0, 0.0
        if circuit.failures >= FAILURES:
            grown = max(FIRST_SECONDS, min(2 * circuit.rest_seconds, LONGEST_SECONDS))
            # Requests that were under way when it opened say nothing new of the host.
            if circuit.opens_at <= now:
                circuit.rest_seconds, circuit.opens_at, opened = grown, now + grown, grown
        if len(self._circuits) > MOST_HOSTS:
            self._circuits.popitem(last=False)
        return opened

    def give_up(self, host: Host) -> None:
        """A request ended without showing anything of the host; somebody else may probe."""
        if circuit := self._circuits.get(host):
            circuit.probe_ends_at = 0.0

    def failures_of(self, host: Host) -> int:
        """How many requests in a row it has left without an answer."""
        circuit = self._circuits.get(host)
        return circuit.failures if circuit else 0
