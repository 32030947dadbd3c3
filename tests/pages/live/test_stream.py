"""Streams of live pages: what changed is sent, to whom may see it, for as long as that is so."""

import re
import time
from contextlib import AsyncExitStack
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from services.api.pages.live.stream import MOST_OF_A_SESSION
from services.api.pages.live.views import pace_of, parts_of
from shared.actions import executions
from shared.store import keyspace
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons import filling as filling_crons
from tests.pages.crons.filling import a_cron
from tests.pages.live.streams import live
from tests.pages.payloads import PAYLOADS
from tests.pages.work import filling
from tests.pages.work.filling import SHOP
from tests.poll import until

PAGES = ("/t/1/crons", "/t/1/jobs?q=status%3Apending", "/t/1/queues", "/t/1/replays/1")
OTHERS = (
    *("/t/1", "/t/1/crons/1", "/t/1/crons/1/fires/1", "/t/1/jobs", "/t/1/jobs/1", "/t/1/queues/1"),
    *("/t/1/dead-letters", "/t/1/dead-letters?view=one", "/t/1/dead-letters/1", "/t/1/replays"),
    *("/t/1/alerts", "/t/1/alerts/1", "/system"),
)
MOST_A_SECOND = 5
"""Commands that a live page costs Redis."""


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_sent_as_it_is_and_then_what_changed(owner: Browser, redis: Redis, page: str) -> None:
    await filling.dead(redis, 2)
    await owner.send(await owner.open("/t/1/dead-letters/1"), "/t/1/dead-letters/1/replay", first=None)
    whole = await owner.open(page)

    async with live(owner, page) as stream:
        first = await stream.until("at")
        await a_cron(redis, name=PAYLOADS[0])
        await filling.made(redis, queue="other")
        await stream.until("at")
        came = stream.parts

    assert first >= {"title", "icon", "at"}
    assert (page == PAGES[3]) == ("progress" in came)
    assert (page == PAGES[3]) != ("rows" in came)
    assert came["title"] in whole.response.text
    assert "once" not in came.get("rows", "") or 'name="once" value=""' in came["rows"]
    assert PAYLOADS[0] not in "".join(came.values())
    if page == PAGES[2]:
        assert came["head"] == "2 queues"
        assert came["rows"].count("data-row") == 2


@pytest.mark.parametrize("page", [*PAGES, *OTHERS])
async def test_what_is_sent_of_a_page_stands_in_it(owner: Browser, redis: Redis, page: str) -> None:
    """Each part has its place, and the browser asks for the stream of the page."""
    await filling.dead(redis, 2, key="a")
    await a_cron(redis, "ox", name=PAYLOADS[0])
    await executions.create(call_of(redis, SHOP), 1)
    await owner.send(await owner.open("/t/1/dead-letters/1"), "/t/1/dead-letters/1/replay", first=None)
    ahead = (await filling_crons.newest(redis, 1)).id
    page = page.replace("/fires/1", f"/fires/{ahead}")

    whole = (await owner.open(page)).response.text
    async with live(owner, page) as stream:
        await stream.until("at")

    named = set(re.findall(r'data-part="(\w+)"', whole))
    assert named
    assert stream.parts.keys() == named | {"title", "icon", "at"}
    assert f'data-live="/t/1/live?page={quote(page)}"' in whole
    assert PAYLOADS[0] not in whole


async def test_a_cron_shows_what_became_of_its_fire(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o")
    async with live(owner, "/t/1/crons/1") as stream:
        await stream.until("at")
        before = stream.parts["rows"].count("data-row")
        await executions.create(call_of(redis, SHOP), 1)
        await filling_crons.end_all(redis)
        await stream.until("rows")

    assert (before, stream.parts["rows"].count("data-row")) == (1, 2)


async def test_nothing_is_sent_again_but_the_moment_while_nothing_changes(
    owner: Browser, redis: Redis
) -> None:
    await a_cron(redis)
    async with live(owner, "/t/1/crons") as stream:
        await stream.until("at")
        again = await stream.until("at")

    assert again == {"at"}


async def test_many_streams_have_one_reader(owner: Browser, member: Browser, redis: Redis) -> None:
    async with AsyncExitStack() as streams:
        seen = [
            await streams.enter_async_context(live(browser, page))
            for page in PAGES[:3]
            for browser in (owner, member)
        ]
        for stream in seen:
            await stream.until("at")

        readers = [one for one in await redis.client_list() if one["cmd"] == "xread"]

    assert len(readers) == 1


async def test_many_who_look_at_a_page_cost_redis_few_commands_while_much_happens(
    owner: Browser, redis: Redis
) -> None:
    """By the reads that Redis counts: one for each command, or batch of them, that a connection brings."""
    await a_cron(redis)
    async with AsyncExitStack() as streams:
        seen = [await streams.enter_async_context(live(owner, "/t/1/crons")) for _ in range(4)]
        for stream in seen:
            await stream.until("at")
        before, began, ours = await reads(redis), time.monotonic(), 1
        for _ in range(3):
            async with redis.pipeline(transaction=False) as pipe:
                for _ in range(50):
                    pipe.xadd(
                        keyspace.events("s0"), {"name": "cron.completed", "team": "1", "refs": "cron:1"}
                    )
                await pipe.execute()
            ours += 1
            for stream in seen:
                await stream.until("at")
        seconds, after = time.monotonic() - began, await reads(redis)

    assert (after - before - ours) / seconds < MOST_A_SECOND


async def reads(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_signing_out_ends_the_stream(owner: Browser, redis: Redis) -> None:
    async with live(owner, "/t/1/jobs") as stream:
        await stream.until("at")
        await owner.post("/sign-out")
        came = await stream.until("over")

    assert "over" in came


async def test_a_member_who_was_removed_sees_no_more(owner: Browser, member: Browser) -> None:
    async with live(member, "/t/1/jobs") as stream:
        await stream.until("at")
        await owner.send(await owner.open("/t/1/settings/members/2/remove"))
        came = await stream.until("over")

    assert "over" in came


async def test_a_stream_goes_on_while_the_session_is_in_another_team(owner: Browser, redis: Redis) -> None:
    async with live(owner, "/t/1/queues") as stream:
        await stream.until("at")
        other = await owner.send(await owner.open("/new-team"), name="second")
        await filling.made(redis)
        while "1 queue" not in stream.parts["head"]:
            assert "over" not in await stream.until("at", "over")

    assert other.path.startswith("/t/2")


async def test_a_session_has_so_many_streams_and_no_more(owner: Browser) -> None:
    async with AsyncExitStack() as streams:
        seen = [await streams.enter_async_context(live(owner, "/t/1/jobs")) for _ in range(MOST_OF_A_SESSION)]
        for one in seen:
            await one.until("at")
        async with live(owner, "/t/1/jobs") as stream:
            refused = await stream.until("full", "at")

    async def has_room() -> bool:
        async with live(owner, "/t/1/jobs") as stream:
            return "at" in await stream.until("full", "at")

    assert refused == {"full"}
    await until(has_room)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "/t/1/settings/api",
        "/t/2/jobs",
        "//evil.example",
        "/t/1/jobs/new",
        "/t/1/crons/new",
        "/t/2",
        "/t/1/jobs?" + "x" * 2_000,
    ],
)
async def test_what_is_no_live_page_has_no_stream(owner: Browser, page: str) -> None:
    found = await owner.open_with("/t/1/live", page=page)

    assert (found.status, "There is no such page" in found.text) == (404, True)


async def test_a_page_whose_record_goes_ends_its_stream(owner: Browser) -> None:
    async with live(owner, "/t/1/replays/7") as stream:
        assert await stream.until("at", "gone") == {"gone"}


@pytest.mark.parametrize(("trips", "seconds"), [(0, 3.0), (10, 3.0), (14, 4.0), (70, 20.0)])
def test_a_page_that_asks_redis_often_is_made_less_often(trips: int, seconds: float) -> None:
    assert pace_of(trips) == seconds
    assert trips / pace_of(trips) < MOST_A_SECOND


def test_a_text_that_looks_like_a_mark_is_none() -> None:
    page = "<title>A &lt;!--live b--&gt;</title><!--live rows--><i>&lt;!--/live--&gt;</i><!--/live-->"

    assert parts_of(page) == {"title": "A &lt;!--live b--&gt;", "rows": "<i>&lt;!--/live--&gt;</i>"}
