"""Pages that Chromium shows for minutes: how their DOM and their heap grow, and whether what the pointer rests on moves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from playwright.async_api import CDPSession, Page, async_playwright

from tests.browser.conftest import CHROMIUM

RESTS_ON = {
    "/t/1": ".day li:nth-child(4) a",
    "/t/1/jobs": "[data-row]:nth-child(5) a",
    "/t/1/crons": "[data-row]:nth-child(5) a",
    "/t/1/crons/1": "[data-row]:nth-child(5) a",
}
"""Pages, and on what of each the pointer rests."""
_LOOK = """([x, y]) => {
  const found = { moved: 0, changed: 0 };
  const row = () => document.elementFromPoint(x, y).closest("tr, li");
  let under = row(), top = under.getBoundingClientRect().top;
  const look = () => {
    if (under.isConnected && under.getBoundingClientRect().top === top) return requestAnimationFrame(look);
    found.moved += 1;
    under = row();
    top = under?.getBoundingClientRect().top;
    if (under) requestAnimationFrame(look);
  };
  look();
  new MutationObserver((all) => { found.changed += all.length; })
    .observe(document.getElementById("page"), { subtree: true, childList: true, characterData: true, attributes: true });
  window.found = found;
}"""


class Sample(NamedTuple):
    """Of a page, after garbage was collected: bytes of its heap, nodes and listeners; what moved and changed so far."""

    heap: int
    nodes: int
    listeners: int
    moved: int
    changed: int


class Watched(NamedTuple):
    page: Page
    devtools: CDPSession

    async def sample(self) -> Sample:
        await self.devtools.send("HeapProfiler.collectGarbage")
        said = (await self.devtools.send("Performance.getMetrics"))["metrics"]
        of = {one["name"]: int(one["value"]) for one in said}
        found = await self.page.evaluate("window.found")
        return Sample(
            of["JSHeapUsedSize"], of["Nodes"], of["JSEventListeners"], found["moved"], found["changed"]
        )


@asynccontextmanager
async def watching(address: str, cookie: tuple[str, str]) -> AsyncIterator[Mapping[str, Watched]]:
    """Each page in a window of its own, with the pointer at rest, once it is live."""
    name, value = cookie
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        await context.add_cookies([{"name": name, "value": value, "url": address}])
        yield {path: await _shown(await context.new_page(), address, path) for path in RESTS_ON}
        await browser.close()


async def _shown(page: Page, address: str, path: str) -> Watched:
    page.set_default_timeout(60_000)
    await page.goto(address + path)
    await page.locator("#live[data-state=live]").wait_for()
    at = page.locator(RESTS_ON[path]).first
    await at.hover()
    box = await at.bounding_box()
    assert box
    await page.evaluate(_LOOK, [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    await devtools.send("HeapProfiler.enable")
    return Watched(page, devtools)


async def samples(watched: Mapping[str, Watched]) -> dict[str, Sample]:
    found = await asyncio.gather(*(one.sample() for one in watched.values()))
    return dict(zip(watched, found, strict=True))
