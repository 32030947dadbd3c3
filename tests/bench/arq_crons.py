"""arq's own crons: so many in one worker that fall due in one second, and how late each started.

`python -m tests.bench.arq_crons REDIS JOBS DUE FILE`: as the APScheduler of the peers takes them.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import uvloop
from arq.connections import RedisSettings
from arq.cron import cron
from arq.typing import WorkerCoroutine
from arq.worker import Worker

PATIENCE_SECONDS = 60.0
DUE = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
STARTED: list[float] = []


async def note(_ctx: dict[Any, Any]) -> None:
    STARTED.append(1000 * (time.time() - DUE))


async def work(redis: str, jobs: int) -> float:
    """How long before the instant all was ready (s)."""
    at = datetime.fromtimestamp(DUE, UTC)
    crons = [
        cron(cast(WorkerCoroutine, note), name=f"c{number}", hour=at.hour, minute=at.minute, second=at.second)
        for number in range(jobs)
    ]
    worker = Worker(
        [],
        cron_jobs=crons,
        redis_settings=RedisSettings.from_dsn(redis),
        max_jobs=64,
        timezone=UTC,
        handle_signals=False,
    )
    running, ready = asyncio.ensure_future(worker.async_run()), DUE - time.time()
    while len(STARTED) < jobs and time.time() < DUE + PATIENCE_SECONDS:
        await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running], timeout=5)
    return ready


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # before arq asks for the loop
    ready_before = asyncio.run(work(sys.argv[1], int(sys.argv[2])))
    Path(sys.argv[4]).write_text(json.dumps({"lateness": STARTED, "ready_before": ready_before}))
