"""What a request needs to leave: the client looks for it last of all before the first byte."""

import time
from typing import Protocol


class NotSent(Exception):
    """Nothing has left, and for now nothing shall: the caller decides what becomes of it."""


class Permit(Protocol):
    """Of one request; the client knows nothing of what it is for."""

    waited_seconds: float
    """For which the request had to wait."""

    @property
    def is_limited(self) -> bool:
        """Whether it has to wait for its turn."""

    def now_ms(self) -> int:
        """The time by the clock of whoever sends it (ms since 1970)."""

    async def wait_of(self) -> float:
        """Seconds after which to look again; at 0.0 it has to leave at once. Raises NotSent."""

    def check(self) -> None:
        """Raises NotSent if it must not leave any more."""


class AtOnce:
    """The permit of what nobody limits."""

    __slots__ = ()
    waited_seconds = 0.0
    is_limited = False

    def now_ms(self) -> int:
        return round(time.time() * 1000)

    async def wait_of(self) -> float:
        return 0.0

    def check(self) -> None:
        """It may leave."""


AT_ONCE = AtOnce()
