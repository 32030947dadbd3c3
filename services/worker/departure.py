"""The last moment before a request's first byte: whether it may leave."""

from dataclasses import dataclass

import structlog

from services.worker.work import Release, Work
from shared.clock import elapsed

log = structlog.get_logger()


class Withheld(Exception):
    """Nothing has left, nor shall it from here and now; `verdict` says what becomes of the work instead."""

    def __init__(self, verdict: Release) -> None:
        self.verdict = verdict
        super().__init__(verdict)


@dataclass(slots=True)
class Departure:
    """Of one piece of work."""

    work: Work

    def check(self) -> None:
        """Raises Withheld if the work may be another's by now.

        A worker that was stopped, suspended or cut off for longer than its lease knows nothing of what was
        done, cancelled or deleted meanwhile. Giving back what is not its own any more changes nothing.
        """
        if elapsed() >= self.work.leased_until:
            log.warning("lease_over", work=self.work.key)
            raise Withheld(Release())
