"""arq's worker on our streams: its settings, functions, hooks, signals and drain; our delivery and records.

arq's own queue is not used: nothing is pickled, no `enqueue_job`, `Job` or cron. Overridden: main, run_job,
record_health, handle_sig_wait_for_completion, close. Used of arq's inside: functions, tasks, job_counter,
max_jobs, the jobs_* counters, main_task and loop.
"""

import asyncio
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import Redis

from services.worker import heartbeat
from services.worker.deliveries import Deliveries
from services.worker.feed import Feed
from services.worker.heartbeat import Holder
from services.worker.results import Results
from services.worker.work import Cancelled, Release, Result, Work
from shared import health, keyspace
from shared.follow import follow
from shared.store import AWAY

BACKSTOP_SECONDS = 310
"""Longer than any timeout a user can set: the sender ends every request before this does."""
LAST_WRITE_SECONDS = 10.0
"""How long a stopping worker waits for Redis to take its results; the rescuer hands on what is left."""
UNUSED_QUEUE = "recuro:arq-unused"
"""A queue that never exists, so that a stock arq worker started by mistake finds nothing to destroy."""

RESERVE = 16
"""One place in so many is kept for queues with nothing in flight: slow jobs elsewhere do not delay them."""
QUIET_SECONDS = 0.5
"""How often a full worker looks for such queues."""
_CANCELLED = '{"failure_reason":"cancelled","error_message":"It was cancelled while its request ran."}'

log = structlog.get_logger()


@dataclass(slots=True)
class _Shard:
    """What serves one shard, and the tasks that do."""

    feed: Feed
    results: Results
    deliveries: Deliveries


class StreamWorker(Worker):
    """Runs the arq function `deliver(ctx, work) -> Result` for whatever the shards' streams hold."""

    def __init__(
        self, *, store: Redis, blocking: Redis, shards: tuple[str, ...], consumer: str, **arq: Any
    ) -> None:
        super().__init__(queue_name=UNUSED_QUEUE, redis_pool=cast(ArqRedis, store), **arq)
        self._store = store
        self._blocking = blocking
        self._held: dict[str, Work] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._shards = [self._shard(Deliveries(store, shard, consumer)) for shard in shards]
        self._feeding: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []

    def _shard(self, deliveries: Deliveries) -> _Shard:
        return _Shard(
            Feed(deliveries, self._blocking, self._free, lambda: list(self._held.values())),
            Results(deliveries),
            deliveries,
        )

    async def main(self) -> None:
        """Serve until cancelled; the end of any of our own loops ends the worker."""
        self.ctx["redis"] = self._store
        if self.on_startup:
            await self.on_startup(self.ctx)
        for shard in self._shards:
            self._serving.append(self.loop.create_task(shard.results.run()))
            holder = Holder(lambda: list(self._held.values()), self._lost, self._cancel)
            self._serving.append(self.loop.create_task(heartbeat.keep_beating(shard.deliveries, holder)))
            self._serving.append(self.loop.create_task(self._hear_cancels(shard)))
            self._feeding.append(self.loop.create_task(self._feed(shard)))
        self._serving.append(self.loop.create_task(self._say_alive()))
        ended, _ = await asyncio.wait([*self._serving, *self._feeding], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            if not task.cancelled():
                task.result()
        await asyncio.Event().wait()  # the feed was told to stop: the drain cancels us

    async def _feed(self, shard: _Shard) -> None:
        while True:
            if not self._room.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._room.wait(), QUIET_SECONDS)
            for work in await shard.feed.take():
                self._start(work, shard)

    def _free(self) -> tuple[int, int]:
        """Places for any work, and those kept for quiet queues."""
        reserve = self.max_jobs // RESERVE
        places = self.max_jobs - reserve - self.job_counter
        return places, reserve if places >= 0 else reserve + places

    def _start(self, work: Work, shard: _Shard) -> None:
        self.job_counter += 1
        if self._free()[0] <= 0:
            self._room.clear()
        self._held[work.key] = work
        task = self.loop.create_task(self._run(work, shard))
        self.tasks[work.key] = task
        task.add_done_callback(lambda ended: self._ended(work, ended))

    def _ended(self, work: Work, task: asyncio.Task[None]) -> None:
        self.job_counter -= 1
        if self._free()[0] > 0:
            self._room.set()
        if self.tasks.get(work.key) is task:
            del self.tasks[work.key]
            del self._held[work.key]
        if not task.cancelled() and (error := task.exception()):
            log.error("work_not_recorded", work=work.key, error=repr(error))

    async def run_job(self, job_id: str, score: int) -> None:
        """arq's name for running one job; work arrives through `_start` instead."""
        raise RuntimeError(f"{job_id} did not come from a stream")

    async def _run(self, work: Work, shard: _Shard) -> None:
        ctx = {**self.ctx, "job_id": work.key, "job_try": work.attempt, "score": work.due_ms}
        if self.on_job_start:
            await self.on_job_start(ctx)
        result = await self._result_of(work, ctx)
        work.ended = True
        if self.on_job_end:
            await self.on_job_end(ctx)
        if not work.lost:
            await shard.results.record(result)
        if self.after_job_end:
            await self.after_job_end(ctx)

    async def _result_of(self, work: Work, ctx: dict[Any, Any]) -> Result:
        try:
            result: Result = await self.functions["deliver"].coroutine(ctx, work)
        except asyncio.CancelledError:
            if work.cancelled:
                return Result(work, Cancelled(), _CANCELLED)
            self.jobs_retried += 1
            return Result(work, Release())
        self.jobs_complete += 1
        return result

    def _lost(self, work: Work) -> None:
        log.warning("work_lost_to_rescuer", work=work.key)
        work.lost = True
        if task := self.tasks.get(work.key):
            task.cancel()

    def _cancel(self, work: Work) -> None:
        if not work.ended and not work.cancelled and (task := self.tasks.get(work.key)):
            work.cancelled = True
            task.cancel()

    async def _hear_cancels(self, shard: _Shard) -> None:
        """What is said while Redis is away, the heartbeat brings."""
        async for said in follow(self._blocking, keyspace.cancels(shard.deliveries.shard)):
            for fields in said:
                if work := self._held.get(fields.get("work", "")):
                    self._cancel(work)

    async def _say_alive(self) -> None:
        while True:
            await self.record_health()
            self._cancel_overdue()
            await asyncio.sleep(health.HEALTH_SECONDS)

    def _cancel_overdue(self) -> None:
        latest = time.monotonic() - BACKSTOP_SECONDS
        for work in list(self._held.values()):
            if work.claimed_at < latest and not work.ended:  # a result may wait for Redis as long as it takes
                log.error("work_overdue", work=work.key)
                self.tasks[work.key].cancel()

    async def record_health(self) -> None:
        try:
            await health.beat(self._store, "worker")
        except AWAY as error:
            log.warning("redis_away", error=repr(error))

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """SIGTERM: claim nothing more from now on; then arq waits for what runs and cancels the rest."""
        for task in self._feeding:
            task.cancel()
        super().handle_sig_wait_for_completion(signum)

    async def close(self) -> None:
        """Give back what was claimed too late, write out the results, then let go of Redis."""
        for task in self._feeding:
            task.cancel()
        await asyncio.gather(*self._feeding, return_exceptions=True)
        await asyncio.gather(*(shard.feed.close() for shard in self._shards))
        ending = list(self.tasks.values())
        if ending:
            await asyncio.wait(ending, timeout=LAST_WRITE_SECONDS)
        await asyncio.gather(*(shard.results.drain(LAST_WRITE_SECONDS) for shard in self._shards))
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        try:
            await health.leave(self._store, "worker")
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
        await self._store.aclose()
        await self._blocking.aclose()
