"""arq's worker around our runner: its settings, functions, hooks, signals and drain.

arq's own queue is not used: nothing is pickled, no `enqueue_job`, `Job` or cron. Overridden: main, run_job,
record_health, handle_sig_wait_for_completion, close. Used of its inside: functions, tasks, max_jobs, pool,
the jobs_* counters and _job_completion_wait.
"""

import asyncio
import signal
from typing import Any, cast

from arq.connections import ArqRedis
from arq.worker import Worker

from services.worker.intake.runner import Inside, Links, Runner
from services.worker.work import Cancelled, Release, Result, Work

UNUSED_QUEUE = "recuro:arq-unused"
"""A queue that never exists, so that a stock arq worker started by mistake finds nothing to destroy."""
_CANCELLED = '{"failure_reason":"cancelled","error_message":"It was cancelled while its request ran."}'


class StreamWorker(Worker):
    """Runs the arq function `deliver(ctx, work) -> Result` for whatever the shards' streams have."""

    def __init__(self, links: Links, **arq: Any) -> None:
        super().__init__(queue_name=UNUSED_QUEUE, redis_pool=cast(ArqRedis, links.store), **arq)
        tasks, after = cast(dict[Work, asyncio.Future[None]], self.tasks), self.after_job_end
        inside = Inside(tasks, self._deliver, (lambda work: after(self._ctx(work))) if after else None)
        self.runner = Runner(links, self.max_jobs, inside)

    async def main(self) -> None:
        """Serve until cancelled, whatever the runner's loops meet."""
        self.ctx["redis"] = self.pool
        if self.on_startup:
            await self.on_startup(self.ctx)
        await self.runner.run()  # the drain cancels us

    async def run_job(self, job_id: str, score: int) -> None:
        """arq's name for running one job; work comes to `_deliver` instead."""
        raise RuntimeError(f"{job_id} did not come from a stream")

    async def _deliver(self, work: Work) -> Result:
        ctx = self._ctx(work)
        if self.on_job_start:
            await self.on_job_start(ctx)
        result = await self._result_of(work, ctx)
        work.lease.ended = True
        if self.on_job_end:
            await self.on_job_end(ctx)
        return result

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

    def _ctx(self, work: Work) -> dict[Any, Any]:
        return {**self.ctx, "job_id": work.key, "job_try": work.attempt, "score": work.due_ms}

    async def record_health(self) -> None:
        await self.runner.say_alive()

    def handle_sig_wait_for_completion(self, signum: signal.Signals) -> None:
        """SIGTERM: claim nothing more from now on; then arq waits for what runs and cancels the rest."""
        self.runner.stop(self._job_completion_wait)
        super().handle_sig_wait_for_completion(signum)

    async def close(self) -> None:
        """Give back what was claimed too late, write out the results, then let go of Redis."""
        await self.runner.end()
        if self.on_shutdown:
            await self.on_shutdown(self.ctx)
        await self.runner.leave()
