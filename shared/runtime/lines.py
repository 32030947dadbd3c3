"""The lines of an event that comes with every request: told after the answers, and many at once."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from shared.runtime import logs

LATE_SECONDS = 0.05
"""So late a line may come: whoever is answered meanwhile does not wait for it."""
MOST = 1000
"""With so many lines nothing is waited for any more, but for the answers of the same turn of the loop."""


class Lines:
    """Of one event, told by one loop."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._told: list[tuple[float, Callable[[], Mapping[str, object]]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, fields: Callable[..., Mapping[str, object]], *about: object) -> None:
        """A line of now; its fields are asked for later, of what it is about."""
        self._told.append((time.time(), partial(fields, *about)))
        if len(self._told) == MOST:
            self._flush_soon()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATE_SECONDS, self._flush_soon)

    def _flush_soon(self) -> None:
        """Behind the answers that were made in this turn of the loop."""
        asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Tell what is not told yet: whoever ends does so last."""
        if self._timer:
            self._timer.cancel()
        told, self._told, self._timer = self._told, [], None
        logs.tell_many(
            self._event, [(datetime.fromtimestamp(moment, UTC), fields()) for moment, fields in told]
        )
