"""The lines of an event that comes with every request: told after the answers, and many at once."""

import asyncio
from datetime import datetime

from shared import clock
from shared.runtime import logs

LATE_SECONDS = 0.05
"""So late a line may come: whoever is answered meanwhile does not wait for it."""
MOST = 1000
"""So many lines wait at most."""


class Lines:
    """Of one event, told by one loop."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._told: list[tuple[datetime, dict[str, object]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, **fields: object) -> None:
        self._told.append((clock.now(), fields))
        if len(self._told) >= MOST:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATE_SECONDS, self.flush)

    def flush(self) -> None:
        """Tell what is not told yet: whoever ends does so last."""
        if self._timer:
            self._timer.cancel()
        told, self._told, self._timer = self._told, [], None
        logs.tell_many(self._event, told)
