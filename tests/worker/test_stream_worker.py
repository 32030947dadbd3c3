import asyncio
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from services.worker.main import create_worker
from services.worker.stream_worker import BACKSTOP_SECONDS
from services.worker.work import Work
from shared.clock import elapsed
from shared.settings import Settings


@pytest.mark.parametrize(("ended", "cancelled"), [(False, True), (True, False)])
async def test_only_what_is_still_being_sent_can_be_overdue(
    redis: Redis, settings: Settings, ended: bool, cancelled: bool
) -> None:
    worker = create_worker(settings, handle_signals=False)
    long_ago = elapsed() - BACKSTOP_SECONDS - 1
    work = Work("s0", "j", 1, "1", 1, "s:", "1-0", 1, "", 0, "{}", None, claimed_at=long_ago, ended=ended)
    task = asyncio.ensure_future(_never())
    worker._trying[work] = task

    worker._cancel_overdue()

    assert (task.cancelling() > 0) is cancelled
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await worker._store.aclose()
    await worker._blocking.aclose()


async def _never() -> None:
    await asyncio.Event().wait()
