"""A Redis with very much stored, and processes of the API that serve it, for as long as something is measured."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from services.cli import embedded
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.bench.api import filled, measured
from tests.bench.api.measured import Api
from tests.bench.stage import ROOT
from tests.poll import until


@asynccontextmanager
async def stocked(
    n_jobs: int, n_crons: int, each: int, roots: Sequence[Path] = (ROOT,)
) -> AsyncIterator[tuple[Redis, list[Api]]]:
    """So many jobs and crons with so many executions each, and an API of each of these checkouts; the last one fills it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recuro-bench-")))
        server = embedded.start(folder)
        stack.callback(server.stop)
        settings = Settings(redis_url=server.url)
        redis = await stack.enter_async_context(connection.connect(settings, blocking_seconds=60.0))
        token = await tokens.create(redis, team=filled.TEAM, name="bench", scopes=("admin",))
        bearer = {"Authorization": f"Bearer {token}"}
        serving = [measured.serving(folder, server.url, bearer, root) for root in roots]
        apis = [await stack.enter_async_context(one) for one in serving]
        await filled.fill(redis, apis[-1].client, n_jobs=n_jobs, n_crons=n_crons, each=each)
        await until(lambda: measured.is_at_rest(redis), 180.0)
        yield redis, apis
