"""Claiming work for the free places of a worker, and sleeping on the bell when there is none."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from redis.asyncio import Redis

from services.worker.deliveries import Deliveries
from services.worker.work import Release, Result, Work
from shared.store import AWAY

BATCH = 64
BELL_MILLISECONDS = 2000
PAUSE_SECONDS = 0.25

log = structlog.get_logger()


class Feed:
    """The claims of one worker in one shard.

    `free` says how many places there are for any work, and how many more for quiet queues; `held` is what it
    has in hand.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        blocking: Redis,
        free: Callable[[], tuple[int, int]],
        held: Callable[[], Iterable[Work]],
    ) -> None:
        self._deliveries = deliveries
        self._blocking = blocking
        self._free = free
        self._held = held
        self._dry = False
        self._unsure = False
        self._given_back: set[asyncio.Task[None]] = set()

    async def take(self) -> list[Work]:
        """The next batch, empty if there was none for a while or Redis is away."""
        try:
            if self._unsure:
                orphans = await self._deliveries.release_orphans({work.place for work in self._held()})
                log.warning("lost_claim_given_back", works=orphans)
                self._unsure = False
            if self._dry and self._free()[0] > 0:
                # The last claim got less than it asked for; what became ready since has rung the bell.
                self._dry = False
                await self._deliveries.wait_for_bell(self._blocking, BELL_MILLISECONDS)
            places, spare = self._free()
            wanted = max(0, min(places, BATCH))
            if wanted == spare == 0:
                await self._deliveries.ring()
                return []
            works = await self._claim(wanted, spare)
            self._dry = len(works) < wanted
            return works
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
            self._dry = False
            await asyncio.sleep(PAUSE_SECONDS)
            return []

    async def close(self) -> None:
        """Let what was claimed too late go back, and wake another worker in our place."""
        await asyncio.gather(*self._given_back, return_exceptions=True)
        try:
            await self._deliveries.ring()
        except AWAY as error:
            log.warning("redis_away", error=repr(error))

    async def _claim(self, wanted: int, spare: int) -> list[Work]:
        claiming = asyncio.ensure_future(self._deliveries.claim(wanted, spare=spare))
        try:
            return await asyncio.shield(claiming)
        except AWAY:
            self._unsure = True  # it may have been done, and only the reply is lost
            raise
        except asyncio.CancelledError:
            # A claim that is cancelled on its way has still moved work into our hands.
            giving_back = asyncio.ensure_future(self._give_back(claiming))
            self._given_back.add(giving_back)
            raise

    async def _give_back(self, claiming: asyncio.Future[list[Work]]) -> None:
        try:
            works = await claiming
            if works:
                await self._deliveries.finish([Result(work, Release()) for work in works])
        except AWAY as error:
            log.warning("claim_left_to_the_rescuer", error=repr(error))
