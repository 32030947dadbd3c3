"""The short form of the journey in Debian's Firefox: in, a cron by the form, a list that is live, and out again."""

import os
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.browser.firefox import bidi
from tests.browser.firefox.bidi import Tab
from tests.browser.work import address
from tests.pages.browser import PASSWORD, make_user
from tests.pages.crons.filling import a_cron
from tests.poll import until

__all__ = ["address"]

OWNER = "owner@example.com"


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not bidi.FIREFOX:
        missing = "firefox-esr is not installed"
        if os.environ.get("RECURO_TEST_ALL"):
            pytest.fail(f"{missing}, and RECURO_TEST_ALL asks for all tests")
        pytest.skip(missing)


async def test_the_pages_work_in_firefox(address: str, redis: Redis, tmp_path: Path) -> None:
    await make_user(redis, OWNER)
    async with bidi.firefox(tmp_path) as tab:
        await sign_in(tab, address)
        await make_a_cron(tab)
        await see_the_list_change(tab, redis)
        await tab.click("button", name="Sign out")
        await shows(tab, "h1", "Sign in")

        assert tab.complaints == []
        assert [url for url in tab.asked if not url.startswith(address)] == []
        assert f"{address}/static/live.js" in [url.partition("?")[0] for url in tab.asked]


async def shows(tab: Tab, selector: str, text: str) -> None:
    async def is_there() -> bool:
        found = await tab.evaluate(f"document.querySelector({selector!r})?.textContent ?? ''")
        return text in (found or "")

    await until(is_there)


async def sign_in(tab: Tab, address: str) -> None:
    await tab.open(f"{address}/sign-in?next=/t/1/crons")
    await tab.type("#email", OWNER)
    await tab.type("#password", PASSWORD)
    await tab.click("main button", name="Sign in")
    await shows(tab, "h1", "Crons")


async def make_a_cron(tab: Tab) -> None:
    """What its schedule means is said while it is typed, by script."""
    await tab.click("a", name="Make the first cron")
    await tab.click("label", name="Weekly")
    await tab.type("#at_weekly", "09:15")
    await shows(tab, "#said", "At 09:15, only on Monday")
    await tab.type("#name", "Weekly report")
    await tab.type("#url", "https://reports.example.com/weekly")
    await tab.click("button", name="Create cron")
    await shows(tab, "h1", "Weekly report")


async def see_the_list_change(tab: Tab, redis: Redis) -> None:
    await tab.click(".nav a", name="Crons")
    await until(lambda: tab.evaluate("document.querySelector('#live')?.dataset.state === 'live'"))
    await a_cron(redis, "ox", name="Nightly invoices")
    await shows(tab, "#newer", "1 new")
