"""A pause, or its end, says what was done and takes it back."""

import pytest
from redis.asyncio import Redis

from shared.actions import crons, queues
from shared.schemas.crons import CronUpdate
from shared.schemas.queues import QueueUpdate
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons.filling import a_cron
from tests.pages.payloads import PAYLOADS
from tests.pages.work import filling
from tests.pages.work.filling import SHOP


@pytest.mark.parametrize("where", ["/t/1/crons", "/t/1/crons/1"])
async def test_a_pause_of_a_cron_is_taken_back(owner: Browser, redis: Redis, where: str) -> None:
    await a_cron(redis, name=PAYLOADS[0])
    page = await owner.open(where)

    paused = await owner.send(page, "/t/1/crons/1/pause")
    was_active = (await crons.get(redis, SHOP, 1)).is_active
    back = await owner.send(paused, paused.forms[-1].action)

    assert (paused.path, f"{PAYLOADS[0]} is paused." in paused.text, was_active) == (where, True, False)
    assert paused.forms[-1].action.startswith("/t/1/crons/1/resume")
    assert (back.path, f"{PAYLOADS[0]} is resumed." in back.text) == (where, True)
    assert (await crons.get(redis, SHOP, 1)).is_active


@pytest.mark.parametrize(("where", "more"), [("/t/1/queues", "?from=list"), ("/t/1/queues/1", "")])
async def test_a_pause_of_a_queue_is_taken_back(owner: Browser, redis: Redis, where: str, more: str) -> None:
    await filling.made(redis)
    page = await owner.open(where)

    paused = await owner.send(page, f"/t/1/queues/1/pause{more}")
    was_active = (await queues.get(redis, SHOP, 1)).is_active
    back = await owner.send(paused, paused.forms[-1].action)

    assert (paused.path, "webhooks is paused." in paused.text, was_active) == (where, True, False)
    assert (back.path, "webhooks is resumed." in back.text) == (where, True)
    assert (await queues.get(redis, SHOP, 1)).is_active


@pytest.mark.parametrize("did", ["paused-1", "resumed-9", "paused-x", "paused-01", "<b>", "deleted-1"])
async def test_what_is_not_so_is_not_said(owner: Browser, redis: Redis, did: str) -> None:
    await filling.made(redis)

    page = await owner.open_with("/t/1/queues", did=did)
    await queues.update(call_of(redis, SHOP), 1, QueueUpdate(is_active=False))
    now = await owner.open_with("/t/1/queues", did=did)

    assert (page.status, "Undo" in page.text) == (200, False)
    assert ("Undo" in now.text) == (did == "paused-1")


async def test_a_pause_of_many_is_taken_back_for_those_that_it_paused(owner: Browser, redis: Redis) -> None:
    for name in ("one", "two", "three", "four"):
        await a_cron(redis, name=name)
    page = await owner.open("/t/1/crons")
    await crons.update(call_of(redis, SHOP), 2, CronUpdate(is_active=False))  # somebody else, meanwhile

    chosen = {"id-1": "on", "id-2": "on", "id-3": "on", "action": "pause"}
    paused = await owner.send(page, "/t/1/crons/bulk", **chosen)
    states = await active(redis)
    back = await owner.post(paused.forms[-1].action, **paused.forms[-1].fields)

    assert "2 crons are paused." in paused.text
    assert states == [False, False, False, True]
    assert "2 crons are resumed." in back.text
    assert await active(redis) == [True, False, True, True]


async def test_what_changed_nothing_or_cannot_be_taken_back_offers_nothing(
    owner: Browser, redis: Redis
) -> None:
    await a_cron(redis)
    page = await owner.open("/t/1/crons")

    so_already = await owner.send(page, "/t/1/crons/bulk", action="resume", **{"id-1": "on"})
    run = await owner.send(page, "/t/1/crons/bulk", action="run", **{"id-1": "on"})

    assert "1 already so" in so_already.text
    assert "1 started" in run.text
    assert ["Undo" in one.text for one in (so_already, run)] == [False, False]


async def active(redis: Redis) -> list[bool]:
    return [(await crons.get(redis, SHOP, number)).is_active for number in range(1, 5)]
