"""The last moment before a request's first byte: whether it may leave, and when."""

from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.worker.http.permit import NotSent
from services.worker.work import Fail, Job, Postpone, Release, Work
from shared.clock import elapsed
from shared.errors import Damaged
from shared.store import transitions
from shared.store.connection import AWAY

LONGEST_WAIT_SECONDS = 5.0
"""For which a request whose connection stands may wait for its turn; then others get its place."""
REFUSED_SECONDS = 5.0
"""After which work is tried again that Redis would not serve: at once it would do so again."""

log = structlog.get_logger()


class NotPermitted(NotSent):
    """Nothing has left, nor shall it from here and now; `verdict` says what becomes of the work instead."""

    def __init__(self, verdict: Release | Postpone | Fail, why: str = "") -> None:
        self.verdict = verdict
        self.why = why or (verdict.why if isinstance(verdict, Postpone) else "")
        super().__init__(verdict)


@dataclass(slots=True)
class SendPermit:
    """Of one piece of work."""

    work: Work
    redis: Redis
    waited_seconds: float = 0.0
    """For which the rate of its queue had it wait."""

    @property
    def is_limited(self) -> bool:
        """Whether its queue has a rate limit."""
        work = self.work
        return isinstance(work, Job) and bool(work.settings and work.settings.rate_limit)

    def now_ms(self) -> int:
        """The time by the installation's clock."""
        return self.work.clock.now_ms()

    async def wait_of(self) -> float:
        """Seconds after which to ask again; at 0.0 the request is counted, and has to leave at once.

        Raises NotPermitted if that would take longer than a place of the worker is worth.
        """
        work = self.work
        try:
            seconds = (
                await transitions.admit(self.redis, work.shard, queue=f"{work.team}:{work.queue}") / 1000
            )
        except (Damaged, ResponseError) as error:  # first: such an answer counts as away, too
            raise NotPermitted(Postpone(REFUSED_SECONDS, "the storage to answer")) from error
        except AWAY as error:
            raise NotPermitted(Release()) from error
        if self.waited_seconds + seconds > LONGEST_WAIT_SECONDS:
            raise NotPermitted(Postpone(seconds, "the rate_limit of its queue"))
        self.waited_seconds += seconds
        return seconds

    def check(self) -> None:
        """Raises NotPermitted if the work may be another's by now.

        A worker that was stopped, suspended or cut off for longer than its lease knows nothing of what was
        done, cancelled or deleted meanwhile. Giving back what is not its own any more changes nothing.
        """
        if elapsed() >= self.work.lease.until:
            log.warning("lease_over", work=self.work.key)
            raise NotPermitted(Release())
