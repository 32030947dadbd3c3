"""Claiming work for the free places of a worker, and sleeping on the bell when there is none."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.intake.places import NONE_SPARE, Spare
from services.worker.work import Release, Result, Work
from shared.clock import elapsed
from shared.errors import Damaged
from shared.store.connection import AWAY

BATCH = 64
BELL_MILLISECONDS = 5000
QUIET_SECONDS, ALONG_SECONDS = 0.05, 0.04
"""How often a full worker looks for quiet queues; the latter where that takes no trip of its own."""

log = structlog.get_logger()


class Feed:
    """The claims of one worker in one shard, one at a time.

    `places` returns how many it has for any work, `spare` how many more for quiet queues, and `in_flight` the
    work that it has claimed and not finished.
    """

    def __init__(
        self,
        claims: Claims,
        blocking: Redis,
        places: Callable[[], int],
        spare: Callable[[], Spare],
        in_flight: Callable[[], Iterable[Work]],
    ) -> None:
        self._claims = claims
        self._blocking = blocking
        self._free, self._spare = places, spare
        self._in_flight = in_flight
        self._turn = asyncio.Lock()
        self._is_taking = False
        self.is_stopped = False
        self._dry = False
        self._unsure = False
        self._looked_at = 0.0
        self._leaving: asyncio.Future[None] | None = None

    @property
    def rest_seconds(self) -> float:
        """How long a full worker has no need to take; fewer than none once it shall look for quiet queues."""
        return self._looked_at + QUIET_SECONDS - elapsed()

    async def take(self) -> list[Work]:
        """The next batch, empty if there was none for a while; raises what Redis says."""
        self._is_taking = True
        try:
            async with self._turn:
                works = await self._take()
        except asyncio.CancelledError:
            self._leaving = asyncio.ensure_future(self._leave())
            raise
        except Exception:
            self._unsure = True  # a claim may have been done, and only its reply is lost
            self._dry = False
            raise
        self._is_taking = False
        return works

    async def swap(self, results: list[Result]) -> tuple[list[int], list[Work]]:
        """Record results, and have their places filled on the same trip; answers as of `Claims.finish`.

        Only if nobody takes, for that may sleep on the bell, and if nothing says that there is no work.
        """
        wanted = min(self._free() + len(results), BATCH)
        if self.is_stopped or self._is_taking or self._unsure or self._dry or wanted <= 0:
            return await self._claims.finish(results), []
        async with self._turn:
            spare = self._spare_along()
            try:
                answers, works = await self._claims.finish_and_claim(
                    results, wanted, spare=spare.places, kept=spare.kept, crowd=spare.crowd
                )
            except Exception:
                self._unsure = True
                raise
            if works is None:
                self._unsure = True  # the next to take meets what is wrong, after giving back what came
                return answers, []
            if self.is_stopped:
                await self._give_back(works)
                return answers, []
        self._dry = len(works) < wanted
        return answers, works

    def stop(self) -> None:
        """Claim nothing more; who takes is cancelled by its own task."""
        self.is_stopped = True

    async def close(self) -> None:
        """Wait until what was claimed too late is given back."""
        async with self._turn:  # a swap that is still on its way
            pass
        if self._unsure and not self._leaving:
            self._leaving = asyncio.ensure_future(self._leave())
        if self._leaving:
            await self._leaving

    async def _take(self) -> list[Work]:
        if self._unsure:
            orphans = await self._claims.release_orphans(self._places())
            log.warning("lost_claim_given_back", works=orphans)
            self._unsure = False
        wanted = max(0, min(self._free(), BATCH))
        if wanted and self._dry:
            # The last claim got less than it wanted; what becomes ready from then on rings the bell.
            works = await self._claims.wait_and_claim(self._blocking, wanted, BELL_MILLISECONDS)
        elif wanted:
            works = await self._claims.claim(wanted)
        else:
            works = await self._take_quiet()
        self._dry = len(works) < wanted
        return works

    async def _take_quiet(self) -> list[Work]:
        spare, self._looked_at = self._spare(), elapsed()
        if spare.places <= 0:
            return []
        return await self._claims.claim(0, spare=spare.places, kept=spare.kept, crowd=spare.crowd)

    def _spare_along(self) -> Spare:
        """The spare places, for a claim that goes out anyway; none if there was a look just now."""
        now = elapsed()
        if now - self._looked_at < ALONG_SECONDS:
            return NONE_SPARE
        self._looked_at = now
        spare = self._spare()
        return spare if spare.places > 0 else NONE_SPARE

    async def _leave(self) -> None:
        async with self._turn:
            try:
                orphans = await self._claims.withdraw(self._places())
                log.info("claims_stopped", given_back=orphans)
            except Exception as error:  # whatever it is, the worker is about to leave
                log.warning("claims_left_to_the_rescuer", error=repr(error))

    async def _give_back(self, works: list[Work]) -> None:
        """What came for a worker that has to stop meanwhile."""
        if not works:
            return
        try:
            await self._claims.finish([Result(work, Release()) for work in works])
            await self._claims.ring()
        except (Damaged, *AWAY):
            self._unsure = True

    def _places(self) -> set[str]:
        return {work.place for work in self._in_flight()}
