"""Crons in a browser: made by the form, explained while it is typed, run and seen; and each page and state looked at."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.api.pages.crons.routes import routes
from services.api.routing import Resource
from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.settings import Settings
from tests.api.serving import serving
from tests.browser.conftest import opened
from tests.browser.looking import LOOKED_AT, Looking
from tests.pages.browser import make_user
from tests.pages.crons import filling

CRONS = "/t/1/crons"
ONWARD = {f"/t/{{team}}/crons{rest}" for rest in ("/bulk", "/explain", "/ahead")} | {
    f"/t/{{team}}/crons/{{cron}}{rest}" for rest in ("/run", "/pause", "/resume")
}
"""They lead to another page, or are a part of one."""


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


async def entered(
    browser: Browser, address: str, redis: Redis, *, script: bool = True
) -> tuple[Page, list[str]]:
    """The page of an owner who has just come in, and its complaints."""
    complaints: list[str] = []
    context = await browser.new_context(timezone_id="Europe/Berlin", java_script_enabled=script)
    page = await opened(context, complaints)
    code = await links.make(redis, Purpose.SIGN_IN, await make_user(redis, "owner@example.com"))
    await page.goto(address + links.address_of("", Purpose.SIGN_IN, code))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()
    return page, complaints


@pytest.mark.parametrize("script", [True, False])
async def test_from_nothing_to_a_cron_that_ran_and_is_gone(
    address: str, redis: Redis, chromium: Browser, script: bool
) -> None:
    page, complaints = await entered(chromium, address, redis, script=script)
    await page.get_by_role("navigation", name="Team").get_by_role("link", name="Crons").click()
    await page.get_by_role("link", name="Make the first cron").click()

    await page.get_by_text("Weekly", exact=True).click()
    await page.get_by_label("At", exact=True).locator("visible=true").fill("09:15")
    if not script:
        await page.get_by_role("button", name="Explain").click()
    await expect(page.locator("#said")).to_contain_text("At 09:15, only on Monday")
    await page.get_by_label("Name", exact=True).fill("Weekly report")
    await page.get_by_role("button", name="Create cron").click()
    await expect(page.locator("#url-wrong")).to_contain_text("what is to be called?")
    await page.get_by_label("URL", exact=True).fill("https://reports.example.com/weekly")
    await page.get_by_role("button", name="Create cron").click()
    await expect(page.get_by_role("heading", name="Weekly report")).to_be_visible()
    if script:
        await expect(page.get_by_text("Berlin", exact=True).first).to_be_visible()

    await page.get_by_role("button", name="Run now").click()
    await expect(page.get_by_role("heading", name="Waits")).to_be_visible()
    await filling.end_all(redis)
    if not script:
        await page.get_by_role("link", name="Look now").click()
    await expect(page.get_by_role("heading", name="Completed")).to_be_visible()
    await expect(page.get_by_text("from outside, shown as text")).to_be_visible()

    await page.goto(address + CRONS)
    await page.get_by_role("checkbox", name="Choose Weekly report").check()
    await page.get_by_role("button", name="Pause", exact=True).locator("visible=true").last.click()
    await expect(page.get_by_text("1 paused.")).to_be_visible()
    await page.get_by_role("switch", name="Weekly report fires").click()
    await expect(page.get_by_role("switch", name="Weekly report fires")).to_have_attribute(
        "aria-checked", "true"
    )
    await page.get_by_role("link", name="Weekly report").click()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_label(re.compile("type its name")).fill("Weekly report")
    await page.get_by_role("button", name="Delete the cron").click()
    await expect(page.get_by_text("Nothing fires yet")).to_be_visible()
    assert [said for said in complaints if "status of 422" not in said] == []


async def test_an_expression_opens_its_tab_and_is_explained_as_it_is_typed(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, complaints = await entered(chromium, address, redis)
    await filling.a_cron(redis, cron_expression="*/7 3 * * *")

    await page.goto(f"{address}{CRONS}/1/edit")
    await expect(page.get_by_label("Expression", exact=True).locator("visible=true").last).to_have_value(
        "*/7 3 * * *"
    )
    await page.locator("#cron_expression").fill("0 0 31 * *")
    await expect(page.locator("#said")).to_contain_text("Not every month has a day 31")
    await page.locator("#cron_expression").fill("0 0 31")
    await expect(page.locator("#said")).to_contain_text("Not yet a schedule")
    await page.locator("#timezone").fill("Asia/Tokyo")
    await page.locator("#cron_expression").fill("0 12 * * *")

    await expect(page.locator("#said")).to_contain_text("Every day at 12:00 in Tokyo")
    assert complaints == []


@pytest.fixture
async def looking(address: str, redis: Redis, chromium: Browser) -> AsyncIterator[Looking]:
    page, complaints = await entered(chromium, address, redis)
    found = Looking(page, address, complaints=complaints)
    yield found
    found.check()


async def test_every_page_and_state_is_well_to_look_at(looking: Looking, redis: Redis) -> None:
    await looking.open(CRONS, "crons-none")
    await looking.open(f"{CRONS}/day", "crons-day-none")
    await filling.fill(redis)
    await looking.open(CRONS, "crons")
    await looking.page.set_viewport_size({"width": 1440, "height": 1000})
    await looking.page.get_by_role("checkbox").first.check()
    await looking.look("crons-chosen")
    await looking.page.set_viewport_size({"width": 1440, "height": 1000})
    await looking.page.get_by_role("checkbox").first.check()
    await looking.press("Delete", "crons-delete-many")
    await looking.open(f"{CRONS}?q=nothing", "crons-nothing-found")
    await looking.open(f"{CRONS}?q=statos:x", "crons-wrong-search")
    await looking.open(f"{CRONS}/day", "crons-day")
    await looking.open(f"{CRONS}/month", "crons-month")
    await looking.open(f"{CRONS}/12?at=2026-11-09", "cron-failing")
    await looking.open(f"{CRONS}/11", "cron-heartbeat")
    await looking.open(f"{CRONS}/2", "cron-long")
    await looking.open(f"{CRONS}/1", "cron-paused")
    await looking.open(f"{CRONS}/12/fires/{(await filling.newest(redis, 12)).id}", "fire")
    await looking.open(f"{CRONS}/2/fires/{(await filling.newest(redis, 2)).id}", "fire-long")
    await looking.open(f"{CRONS}/12/edit", "cron-edit")
    await looking.open(f"{CRONS}/new", "cron-form")
    await looking.press("Create cron", "cron-form-wrong", name="", at_daily="99")
    await looking.open(f"{CRONS}/2/delete", "cron-delete")
    await looking.press("Delete the cron", "cron-delete-wrong", name="x")
    pages = {
        one.path for one in routes if isinstance(one.endpoint, Resource) and "GET" in one.endpoint.methods
    }

    assert pages - LOOKED_AT - ONWARD == set()
