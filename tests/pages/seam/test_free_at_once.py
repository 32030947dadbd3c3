"""What a page was made of is free once it is sent: while the garbage collector looks for it, nobody is answered."""

import gc
from collections.abc import Iterator

import pytest
from jinja2.runtime import Context, Macro
from redis.asyncio import Redis

from services.api.pages.routes import PAGES
from services.api.routing import Resource
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.test_every_page import filled

URL = "https://example.com/work"
LOOKED_AT = [
    filled(route.path)
    for route in PAGES
    if isinstance(route.endpoint, Resource) and "GET" in route.endpoint.methods
]


@pytest.fixture
def kept() -> Iterator[list[object]]:
    """All that is in a circle when `gc.collect` is called, and would be freed by that alone."""
    gc.collect()
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    gc.unfreeze()


async def test_no_page_leaves_anything_for_the_garbage_collector(
    owner: Browser, redis: Redis, kept: list[object]
) -> None:
    call = call_of(redis, Team(1))
    await crons.create(call, CronCreate(name="nightly", url=URL, cron_expression="@daily"))
    await executions.create(call, 1)
    await jobs.create(call, JobCreate(queue="orders", url=URL))

    left = {}
    for path in LOOKED_AT:
        await owner.open(path)
        gc.collect()
        if found := [one for one in kept if isinstance(one, Context | Macro)]:
            left[path] = found
        kept.clear()

    assert not left
