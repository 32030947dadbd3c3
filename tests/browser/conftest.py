"""A Chromium of this machine, and what is asked of every page that it shows.

The default suite reads this file too, and has no use for a driver of browsers: that is imported when one is started.
"""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

CHROMIUM = os.environ.get("RECURO_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
FAULTS = (Path(__file__).parent / "faults.js").read_text()
WIDTHS = (1440, 375)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
async def chromium() -> "AsyncIterator[Browser]":
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=30_000)  # as long as it waits for all else

    async with async_playwright() as playwright:
        # As root, as in CI, Chromium has no sandbox; it opens pages of ours alone.
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def opened(context: "BrowserContext", complaints: list[str]) -> "Page":
    """A new page, whose complaints, as of the policy of what may be loaded, are gathered."""
    page = await context.new_page()
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


async def faults_of(page: "Page", is_forced: bool = False) -> list[str]:
    """What axe finds, what can be seen to be wrong, and whether the page has to be moved sideways.

    axe asks the style sheet for colours, which is not what is painted where colours are forced.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    rules = "{'color-contrast': {enabled: false}}" if is_forced else "{}"
    found: list[dict[str, Any]] = await page.evaluate(
        f"axe.run(document, {{resultTypes: ['violations'], rules: {rules}}}).then(all => all.violations.map("
        "one => ({id: one.id, help: one.help, nodes: one.nodes.map(node => node.html.slice(0, 200))})))"
    )
    beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    sideways = [f"{page.url} is {beyond} px too wide"] if beyond > 0 else []
    await page.keyboard.press("Shift")  # what is focused from now on shows it
    seen: list[str] = await page.evaluate(FAULTS)
    return [f"{page.url}: {one['id']}: {one['help']}: {one['nodes']}" for one in found] + sideways + seen
