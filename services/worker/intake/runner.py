"""The loops of a worker: claim for its free places, run what came, write the results, and beat."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from services.worker.intake.claims import NOT_OURS, Claims
from services.worker.intake.feed import Feed
from services.worker.intake.heart import Heart
from services.worker.intake.heartbeat import Holder
from services.worker.intake.places import Places
from services.worker.intake.results import Results
from services.worker.work import Result, Work
from shared.clock import elapsed
from shared.errors import Damaged
from shared.runtime import health, preflight
from shared.runtime.steadily import Troubles, steadily
from shared.security.vault import Vault
from shared.store import keyspace
from shared.store.connection import AWAY
from shared.store.streams import follow

BACKSTOP_SECONDS = 420
"""Longer than any request (300 s), its wait for a turn, and the looks at its answer (45 s and 60 s) take."""
LAST_WRITE_SECONDS = 10.0
"""How long, at least, a stopping worker waits for Redis to take its results; the rest is the rescuer's."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Links:
    """A worker's ways to Redis, and its name there."""

    connect: Callable[[], Redis]
    """Opens one more, for the thread that beats."""
    store: Redis
    blocking: Redis
    """The one that sleeps."""
    shards: tuple[str, ...]
    consumer: str
    keys: Vault


class Inside(NamedTuple):
    """What runs one piece of work, and the tasks that do: the drain waits for them."""

    tasks: dict[Work, asyncio.Future[None]]
    deliver: Callable[[Work], Awaitable[Result]]
    after: Callable[[Work], Coroutine[Any, Any, None]] | None
    """To be run once a result is in Redis."""


@dataclass(slots=True)
class _Shard:
    """What serves one shard."""

    feed: Feed
    results: Results
    claims: Claims


class Runner:
    """`run` it until it is cancelled, then `end` it and `leave`."""

    _loop: asyncio.AbstractEventLoop

    def __init__(self, links: Links, most: int, inside: Inside) -> None:
        self._links = links
        self.places = Places(most)
        self._tasks, self._deliver, self._after = inside
        self.troubles = Troubles()
        self._grace_ends = 0.0
        self._room = asyncio.Event()
        self._room.set()
        claims = [Claims(links.store, shard, links.consumer) for shard in links.shards]
        self._shards = [self._shard(each) for each in claims]
        self._feeding: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []

    def _shard(self, claims: Claims) -> _Shard:
        places = self.places
        feed = Feed(claims, self._links.blocking, places.free, places.spare, places.in_hand)
        results = Results(lambda batch: self._record(batch, shard), self._give_up, self.troubles)
        shard = _Shard(feed, results, claims)
        return shard

    async def run(self) -> None:
        """Until cancelled."""
        self._loop = asyncio.get_running_loop()
        for shard in self._shards:
            self._serve_shard(shard)
        self._serving += [
            self._steadily("beating", self._heart().beat),
            self._steadily("the sign of life", self._keep_saying),
            self._steadily(preflight.CHECKING, self._keep_fit),
        ]
        await asyncio.Event().wait()

    def _serve_shard(self, shard: _Shard) -> None:
        self._serving += [
            self._steadily("writing results", shard.results.run),
            self._steadily("hearing of cancellations", lambda: self._hear_cancels(shard)),
        ]
        self._feeding.append(self._steadily("claiming work", lambda: self._feed(shard)))

    def _steadily(self, loop: str, duty: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return self._loop.create_task(steadily(loop, duty, self.troubles))

    async def _keep_fit(self) -> None:
        await preflight.keep_fit(self._links.store, self._links.keys, self.troubles.over)

    def _heart(self) -> Heart:
        holder = Holder(self.places.in_hand, self._lost, self._cancel)
        return Heart(self._links.connect, [shard.claims for shard in self._shards], holder)

    async def _feed(self, shard: _Shard) -> None:
        while not shard.feed.is_stopped:
            while not self._room.is_set() and (seconds := shard.feed.rest_seconds) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._room.wait(), seconds)
            self._start(await shard.feed.take(), shard)
            await asyncio.sleep(0)  # what was started sends its requests before anything more is claimed

    async def _record(self, batch: list[Result], shard: _Shard) -> None:
        """Write results, and start what came for their places."""
        answers, works = await shard.feed.swap(batch)
        for (work, *_), answer in zip(batch, answers, strict=True):
            if answer == NOT_OURS:
                log.warning("late_result_dropped", work=work.key)
            self.places.leave(work)
            if self._after:
                self._run(work, self._after(work))
        self._start(works, shard)
        await asyncio.sleep(0)  # as in `_feed`

    def _start(self, works: list[Work], shard: _Shard) -> None:
        self.places.take(works)
        for work in works:
            self._run(work, self._try(work, shard))
        self._mind_the_room()

    def _run(self, work: Work, trying: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[work] = self._loop.create_task(trying)
        task.add_done_callback(partial(self._ended, work))

    async def _try(self, work: Work, shard: _Shard) -> None:
        result = await self._deliver(work)
        if not work.lease.lost:
            shard.results.record(result)
            work.lease.is_handed_on = True

    def _ended(self, work: Work, task: asyncio.Future[None]) -> None:
        del self._tasks[work]
        if not task.cancelled() and (error := task.exception()):
            log.error("work_not_recorded", work=work.key, error=repr(error))
        if not work.lease.is_handed_on:
            self._let_go(work)

    def _give_up(self, result: Result) -> None:
        """It cannot be recorded, and is the rescuer's."""
        self._let_go(result.work)

    def _let_go(self, work: Work) -> None:
        self.places.leave(work)
        self._mind_the_room()

    def _mind_the_room(self) -> None:
        if self.places.free() > 0:
            self._room.set()
        else:
            self._room.clear()

    def _lost(self, work: Work) -> None:
        log.warning("work_lost_to_rescuer", work=work.key)
        work.lease.lost = True
        if task := self._tasks.get(work):
            task.cancel()

    def _cancel(self, work: Work) -> None:
        lease = work.lease
        if not lease.ended and not lease.cancelled and (task := self._tasks.get(work)):
            lease.cancelled = True
            task.cancel()

    async def _hear_cancels(self, shard: _Shard) -> None:
        """What is said while Redis is away, the heartbeat brings."""
        async for said in follow(self._links.blocking, keyspace.cancels(shard.claims.shard)):
            for fields in said:
                for work in [work for work in self.places.in_hand() if work.key == fields.get("work")]:
                    self._cancel(work)

    async def _keep_saying(self) -> None:
        while True:
            self.cancel_overdue()
            await self.say_alive()
            await asyncio.sleep(health.HEALTH_SECONDS)

    def cancel_overdue(self) -> None:
        latest = elapsed() - BACKSTOP_SECONDS
        for work, task in list(self._tasks.items()):
            if work.claimed_at < latest and not work.lease.ended:
                log.error("work_overdue", work=work.key)
                task.cancel()

    async def say_alive(self) -> None:
        await health.beat(self._links.store, "worker", self.troubles.sentences)

    def stop(self, grace_seconds: float) -> None:
        """Claim nothing more; what runs may take so long, and its results until then to be written."""
        self._grace_ends = time.monotonic() + grace_seconds
        self._stop_claiming()

    def _stop_claiming(self) -> None:
        for shard in self._shards:
            shard.feed.stop()
        for task in self._feeding:
            task.cancel()

    async def end(self) -> None:
        """Give back what was claimed too late, and write out the results."""
        self._stop_claiming()
        await asyncio.gather(*self._feeding, return_exceptions=True)
        await asyncio.gather(*(shard.feed.close() for shard in self._shards))
        if ending := list(self._tasks.values()):
            await asyncio.wait(ending, timeout=LAST_WRITE_SECONDS)
        patience = max(LAST_WRITE_SECONDS, self._grace_ends - time.monotonic())
        await asyncio.gather(*(shard.results.drain(patience) for shard in self._shards))
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def leave(self) -> None:
        """Take back the sign of life, and let go of Redis."""
        try:
            await health.leave(self._links.store, "worker")
        except (Damaged, *AWAY) as error:
            log.warning("redis_away", error=repr(error))
        await self._links.store.aclose()
        await self._links.blocking.aclose()
