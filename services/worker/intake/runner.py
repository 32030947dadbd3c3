"""arq's worker on our streams: its settings, functions, hooks, signals and drain; our delivery and records.

arq's own queue is not used: nothing is pickled, no `enqueue_job`, `Job` or cron. Overridden: main, run_job,
record_health, handle_sig_wait_for_completion, close. Used of arq's inside: functions, tasks, max_jobs,
the jobs_* counters, main_task, loop and _job_completion_wait.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker
from redis.asyncio import Redis

from services.worker.intake.claims import NOT_OURS, Claims
from services.worker.intake.feed import Feed, Spare
from services.worker.intake.heart import Heart
from services.worker.intake.heartbeat import Holder
from services.worker.intake.results import Results
from services.worker.work import Cancelled, Notice, Release, Result, Work
from shared import durability, health, keyspace
from shared.clock import elapsed
from shared.errors import Damaged
from shared.follow import follow
from shared.steadily import Troubles, steadily
from shared.store import AWAY
from shared.vault import Vault

BACKSTOP_SECONDS = 420
"""Longer than any request (300 s), its wait for a turn, and the looks at its answer (45 s and 60 s) take."""
LAST_WRITE_SECONDS = 10.0
"""How long, at least, a stopping worker waits for Redis to take its results; the rest is the rescuer's."""
UNUSED_QUEUE = "recuro:arq-unused"
"""A queue that never exists, so that a stock arq worker started by mistake finds nothing to destroy."""

NOTICE_SHARE, LEAST_NOTICES = 4, 4
"""Up to a quarter as many callbacks and alerts as places take none: if they hang, no job waits for them."""
RESERVE = 16
"""One place in so many is kept for queues with nothing in flight: slow jobs elsewhere do not delay them."""
CROWD_SHARE, LEAST_CROWD = 8, 4
"""Of a full worker a team with an eighth of the places has many: half of those kept are for the others."""
_CANCELLED = '{"failure_reason":"cancelled","error_message":"It was cancelled while its request ran."}'

log = structlog.get_logger()


@dataclass(slots=True)
class _Shard:
    """What serves one shard, and the tasks that do."""

    feed: Feed
    results: Results
    claims: Claims


class StreamWorker(Worker):
    """Runs the arq function `deliver(ctx, work) -> Result` for whatever the shards' streams hold."""

    def __init__(
        self,
        *,
        connect: Callable[[], Redis],
        blocking: Redis,
        shards: tuple[str, ...],
        consumer: str,
        keys: Vault,
        **arq: Any,
    ) -> None:
        store = connect()
        super().__init__(queue_name=UNUSED_QUEUE, redis_pool=cast(ArqRedis, store), **arq)
        self._connect = connect
        self._store = store
        self._blocking = blocking
        self._keys = keys
        self._held: set[Work] = set()
        """From its claim until its result is in Redis."""
        self._troubles = Troubles()
        self._notices = 0
        """How many of them are callbacks and alerts."""
        self._trying = cast(dict[Work, asyncio.Future[None]], self.tasks)
        """arq's own, keyed by the work itself: what the drain waits for."""
        self._grace_ends = 0.0
        self._room = asyncio.Event()
        self._room.set()
        self._shards = [self._shard(Claims(store, shard, consumer)) for shard in shards]
        self._feeding: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []

    def _shard(self, claims: Claims) -> _Shard:
        feed = Feed(claims, self._blocking, self._free, self._spare, lambda: list(self._held))
        results = Results(lambda batch: self._record(batch, shard), self._give_up, self._troubles)
        shard = _Shard(feed, results, claims)
        return shard

    async def main(self) -> None:
        """Serve until cancelled, whatever our own loops meet."""
        self.ctx["redis"] = self._store
        if self.on_startup:
            await self.on_startup(self.ctx)
        for shard in self._shards:
            self._serve_shard(shard)
        self._serving += [
            self._steadily("beating", self._heart().beat),
            self._steadily("the sign of life", self._say_alive),
            self._steadily(durability.CHECKING, self._keep_fit),
        ]
        await asyncio.Event().wait()  # the drain cancels us

    def _serve_shard(self, shard: _Shard) -> None:
        self._serving += [
            self._steadily("writing results", shard.results.run),
            self._steadily("hearing of cancellations", lambda: self._hear_cancels(shard)),
        ]
        self._feeding.append(self._steadily("claiming work", lambda: self._feed(shard)))

    def _steadily(self, loop: str, duty: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return self.loop.create_task(steadily(loop, duty, self._troubles))

    async def _keep_fit(self) -> None:
        await durability.keep_fit(self._store, self._keys, self._troubles.over)

    def _heart(self) -> Heart:
        holder = Holder(lambda: list(self._held), self._lost, self._cancel)
        return Heart(self._connect, [shard.claims for shard in self._shards], holder)

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
            self._let_go(work)
            if self.after_job_end:
                self._run(work, cast(Coroutine[Any, Any, None], self.after_job_end(self._ctx(work))))
        self._start(works, shard)
        await asyncio.sleep(0)  # as in `_feed`

    def _free(self) -> int:
        """Places for any work; fewer than none where those kept for quiet queues are in use."""
        beside = min(self._notices, max(LEAST_NOTICES, self.max_jobs // NOTICE_SHARE))
        return self.max_jobs - self.max_jobs // RESERVE - len(self._held) + beside

    def _spare(self) -> Spare:
        reserve = self.max_jobs // RESERVE
        most = max(LEAST_CROWD, self.max_jobs // CROWD_SHARE)
        teams = Counter(work.team for work in self._held)
        crowd = tuple(team for team, held in teams.items() if held >= most)
        return Spare(reserve + min(0, self._free()), reserve // 2, crowd)

    def _start(self, works: Iterable[Work], shard: _Shard) -> None:
        for work in works:
            self._held.add(work)
            self._notices += isinstance(work, Notice)
            self._run(work, self._try(work, shard))
        self._mind_the_room()

    def _run(self, work: Work, trying: Coroutine[Any, Any, None]) -> None:
        task = self._trying[work] = self.loop.create_task(trying)
        task.add_done_callback(partial(self._ended, work))

    def _ended(self, work: Work, task: asyncio.Future[None]) -> None:
        del self._trying[work]
        if not task.cancelled() and (error := task.exception()):
            log.error("work_not_recorded", work=work.key, error=repr(error))
        if not work.lease.is_handed_on:
            self._let_go(work)
            self._mind_the_room()

    def _give_up(self, result: Result) -> None:
        """It cannot be recorded, and is the rescuer's."""
        self._let_go(result.work)
        self._mind_the_room()

    def _let_go(self, work: Work) -> None:
        if work in self._held:
            self._held.discard(work)
            self._notices -= isinstance(work, Notice)

    def _mind_the_room(self) -> None:
        if self._free() > 0:
            self._room.set()
        else:
            self._room.clear()

    async def run_job(self, job_id: str, score: int) -> None:
        """arq's name for running one job; work arrives through `_start` instead."""
        raise RuntimeError(f"{job_id} did not come from a stream")

    def _ctx(self, work: Work) -> dict[Any, Any]:
        return {**self.ctx, "job_id": work.key, "job_try": work.attempt, "score": work.due_ms}

    async def _try(self, work: Work, shard: _Shard) -> None:
        ctx = self._ctx(work)
        if self.on_job_start:
            await self.on_job_start(ctx)
        result = await self._result_of(work, ctx)
        work.lease.ended = True
        if self.on_job_end:
            await self.on_job_end(ctx)
        if not work.lease.lost:
            shard.results.record(result)
            work.lease.is_handed_on = True

    async def _result_of(self, work: Work, ctx: dict[Any, Any]) -> Result:
        try:
            result: Result = await self.functions["deliver"].coroutine(ctx, work)
        except asyncio.CancelledError:
            if work.lease.cancelled:
                return Result(work, Cancelled(), _CANCELLED)
            self.jobs_retried += 1
            return Result(work, Release())
        self.jobs_complete += 1
        return result

    def _lost(self, work: Work) -> None:
        log.warning("work_lost_to_rescuer", work=work.key)
        work.lease.lost = True
        if task := self._trying.get(work):
            task.cancel()

    def _cancel(self, work: Work) -> None:
        if not work.lease.ended and not work.lease.cancelled and (task := self._trying.get(work)):
            work.lease.cancelled = True
            task.cancel()

    async def _hear_cancels(self, shard: _Shard) -> None:
        """What is said while Redis is away, the heartbeat brings."""
        async for said in follow(self._blocking, keyspace.cancels(shard.claims.shard)):
            for fields in said:
                for work in [work for work in self._held if work.key == fields.get("work")]:
                    self._cancel(work)

    async def _say_alive(self) -> None:
        while True:
            self._cancel_overdue()
            await self.record_health()
            await asyncio.sleep(health.HEALTH_SECONDS)

    def _cancel_overdue(self) -> None:
        latest = elapsed() - BACKSTOP_SECONDS
        for work, task in list(self._trying.items()):
            if work.claimed_at < latest and not work.lease.ended:
                log.error("work_overdue", work=work.key)
                task.cancel()

    async def record_health(self) -> None:
        await health.beat(self._store, "worker", self._troubles.sentences)

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """SIGTERM: claim nothing more from now on; then arq waits for what runs and cancels the rest."""
        self._stop_claiming()
        self._grace_ends = time.monotonic() + self._job_completion_wait
        super().handle_sig_wait_for_completion(signum)

    def _stop_claiming(self) -> None:
        for shard in self._shards:
            shard.feed.stop()
        for task in self._feeding:
            task.cancel()

    async def close(self) -> None:
        """Give back what was claimed too late, write out the results, then let go of Redis."""
        self._stop_claiming()
        await asyncio.gather(*self._feeding, return_exceptions=True)
        await asyncio.gather(*(shard.feed.close() for shard in self._shards))
        ending = list(self.tasks.values())
        if ending:
            await asyncio.wait(ending, timeout=LAST_WRITE_SECONDS)
        patience = max(LAST_WRITE_SECONDS, self._grace_ends - time.monotonic())
        await asyncio.gather(*(shard.results.drain(patience) for shard in self._shards))
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        try:
            await health.leave(self._store, "worker")
        except (Damaged, *AWAY) as error:
            log.warning("redis_away", error=repr(error))
        await self._store.aclose()
        await self._blocking.aclose()
