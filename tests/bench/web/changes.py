"""So many changes a second: jobs that are made and end, crons that are run and end, as workers end them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from shared.actions import executions, jobs
from shared.store.gathered import Gathered
from shared.store.keyspace import Team
from tests.bench.api import filled
from tests.calls import call_of

EACH_SECOND = 2
"""Steps, in each of which a part of them is made."""
CRONS_SHARE = 0.2
"""Of the changes, those of crons; the others are of jobs. Each thing changes twice: it is made, and it ends."""


@dataclass
class Changes:
    """What was changed so far, and in how many round trips to Redis."""

    redis: Gathered
    team: Team
    a_second: int
    n_crons: int
    made: int = 0
    _next: int = field(default=0, repr=False)

    async def go_on(self) -> None:
        claims, began, steps = Claims(self.redis, self.team.shard, "changes"), time.monotonic(), 0
        while True:
            await self._step(claims)
            steps += 1
            await asyncio.sleep(max(0.0, began + steps / EACH_SECOND - time.monotonic()))

    async def _step(self, claims: Claims) -> None:
        call = call_of(self.redis, self.team)
        n = self.a_second // EACH_SECOND // 2
        n_fires = round(n * CRONS_SHARE)
        wanted = [filled.job(self._next + one) for one in range(n - n_fires)]
        await jobs.create_many(call, wanted)
        ids = [(self._next + one) % self.n_crons + 1 for one in range(n_fires)]
        await asyncio.gather(*(executions.create(call, cron) for cron in ids))
        self._next += n
        works = await claims.claim(filled.CLAIM)
        await claims.finish([filled.result(work) for work in works])
        self.made += n + len(works)


@asynccontextmanager
async def changing(redis: Redis, team: Team, a_second: int, n_crons: int) -> AsyncIterator[Changes]:
    changes = Changes(Gathered.of(redis), team, a_second, n_crons)
    task = asyncio.create_task(changes.go_on())
    try:
        yield changes
        if task.done():
            task.result()  # raises what ended it
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
