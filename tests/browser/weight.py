"""What a first visit fetches of each page, as a browser counts it over the wire: the page, styles, scripts, icons and parts."""

from collections import defaultdict
from typing import Any

import pytest
from playwright.async_api import Browser
from redis.asyncio import Redis

from services.api.pages.files import FILES
from tests.browser.attacks import ROUTES, first_of
from tests.browser.work import address, entered
from tests.pages.crons import filling as crons
from tests.pages.work import filling as work
from tests.poll import until

__all__ = ["address"]
MOST_BYTES = 60_000


class Counted:
    """Bytes by address, head and body, of what came since the last page."""

    def __init__(self) -> None:
        self.bytes: defaultdict[str, int] = defaultdict(int)
        self._urls: dict[str, str] = {}

    def began(self, event: dict[str, Any]) -> None:
        self._urls[event["requestId"]] = event["request"]["url"]

    def came(self, event: dict[str, Any]) -> None:
        self.bytes[self._urls[event["requestId"]]] += int(event["encodedDataLength"])


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["a stranger", "the owner"])
async def test_a_first_visit_is_light(
    address: str, redis: Redis, chromium: Browser, is_signed_in: bool
) -> None:
    page, complaints = await entered(chromium, address, redis)
    await crons.fill(redis)
    await work.dead(redis, 30)
    await work.made(redis, 30)
    if not is_signed_in:
        await page.context.clear_cookies()
    counted, wire = Counted(), await page.context.new_cdp_session(page)
    wire.on("Network.requestWillBeSent", counted.began)
    wire.on("Network.loadingFinished", counted.came)
    await wire.send("Network.enable")
    await wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    paths = [first_of(one.path) for one in ROUTES if not one.path.endswith("/live")]

    weights: dict[str, int] = {}
    for path in paths if is_signed_in else ["/sign-in", "/forgotten"]:
        counted.bytes.clear()
        await page.goto(address + path)
        if await page.locator("link[rel=stylesheet]").count():  # not a part of a page
            await until(lambda: whole(counted))
            await page.wait_for_function("!document.querySelector('[hx-trigger=load]')")
        weights[path] = sum(counted.bytes.values())

    assert {path: weight for path, weight in weights.items() if weight > MOST_BYTES} == {}
    assert weights["/sign-in"] > 30_000  # else nothing was counted
    assert [said for said in complaints if "status of " not in said] == []


async def whole(counted: Counted) -> bool:
    """Whether all files of ours have come: each page loads them, and one of the icons."""
    names = {url.partition("/static/")[2].partition("?")[0] for url in counted.bytes}
    return {name for name in FILES if not name.endswith(".svg")} <= names
