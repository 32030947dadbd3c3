"""The installation's clock as a worker knows it: whatever its own machine's wall clock says."""

import time

from shared.clock import elapsed


class Clock:
    """What Redis said last of the time, carried on by a monotonic clock; before that, the machine's own."""

    __slots__ = ("_ahead", "_is_known")

    def __init__(self) -> None:
        self._ahead = time.time() - elapsed()
        """How far the installation's clock is ahead of the monotonic one (s)."""
        self._is_known = False

    def note(self, now_ms: int, sent: float, received: float) -> None:
        """It was `now_ms` at some moment between two of the monotonic clock (s).

        An answer may have waited for us, asleep, for minutes: no more is corrected than it proves.
        """
        least, most = now_ms / 1000 - received, now_ms / 1000 - sent
        self._ahead = min(max(self._ahead, least), most) if self._is_known else least
        self._is_known = True

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return round((elapsed() + self._ahead) * 1000)
