"""Hosts that this worker knows to be given a rest, so that it tells the team once they answer again."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from services.worker.circuits import MOST_HOSTS, Host
from shared.clock import elapsed

TELL_SECONDS = 1.0
"""So often at most the team is told of requests to one host."""
KEPT_SECONDS = 3600.0
"""How long after its beginning a rest is remembered, and requests are counted since its end."""


@dataclass(slots=True)
class _Rest:
    """Of a host; moments are monotonic seconds."""

    until_ms: int
    """Before that an answer says nothing, by the installation's clock: it was under way already."""
    is_silent: bool
    began_at: float = field(default_factory=elapsed)
    back_at: float = 0.0
    told_at: float = 0.0
    requests: int = 0
    """That the team was not told of."""


class Told(NamedTuple):
    """What the team has to hear of a host."""

    is_back: bool
    requests: int


class Rests:
    """The latest of them, of an hour."""

    def __init__(self) -> None:
        self._rests: OrderedDict[Host, _Rest] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether any host rests, or rested lately."""
        return bool(self._rests)

    def begin(self, host: Host, until_ms: int = 0, *, is_silent: bool = False) -> None:
        """It is known to rest."""
        rest = self._rests.get(host)
        if rest is not None and not rest.back_at:
            rest.until_ms = max(rest.until_ms, until_ms)
            rest.is_silent |= is_silent
            return
        self.begin_anew(host, until_ms, is_silent=is_silent)

    def begin_anew(self, host: Host, until_ms: int = 0, *, is_silent: bool = False) -> None:
        """Another rest has begun, whatever was known."""
        self._rests[host] = _Rest(until_ms, is_silent)
        self._rests.move_to_end(host)
        if len(self._rests) > MOST_HOSTS:
            self._rests.popitem(last=False)

    def is_silent(self, host: Host) -> bool:
        """Whether any answer says that it is back; one that asked for a rest has to do what it is for."""
        rest = self._rests.get(host)
        return rest is not None and rest.is_silent

    def answered(self, host: Host, now: float, now_ms: int) -> Told | None:
        """It did, as it should: what is to be told of that, if anything."""
        self._forget(now)
        rest = self._rests.get(host)
        if rest is None or (not rest.back_at and now_ms < rest.until_ms):
            return None
        if not rest.back_at:
            rest.back_at = rest.told_at = now
            return Told(True, 1)
        rest.requests += 1
        if now - rest.told_at < TELL_SECONDS:
            return None
        told, rest.requests, rest.told_at = Told(False, rest.requests), 0, now
        return told

    def was_back(self, host: Host, since: float) -> bool:
        """Whether it was known at that moment to answer again."""
        rest = self._rests.get(host)
        return rest is not None and rest.back_at > 0 and rest.back_at >= since

    def _forget(self, now: float) -> None:
        while self._rests:
            host, rest = next(iter(self._rests.items()))
            if now - rest.began_at <= KEPT_SECONDS:
                return
            del self._rests[host]
