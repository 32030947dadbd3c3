"""Live pages in a browser: what changes is seen, no row moves, keys, the jump box and undo; each page looked at."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.api.pages.live.routes import routes
from services.cli.embedded import EmbeddedServer
from services.worker.work import Dead, Fail
from shared.actions import executions
from shared.settings import Settings
from tests.api.serving import serving
from tests.browser.crons import entered
from tests.browser.looking import LOOKED_AT, Looking
from tests.calls import call_of
from tests.pages.crons.filling import a_cron
from tests.pages.work import filling
from tests.pages.work.filling import SHOP

JOBS, CRONS = "/t/1/jobs", "/t/1/crons"


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


async def is_live(page: Page) -> None:
    await expect(page.locator("#live[data-state=live]")).to_be_visible()


async def places(page: Page) -> dict[str, float]:
    """Where each row is."""
    found: dict[str, float] = await page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-row]')].map("
        "row => [row.dataset.row, row.getBoundingClientRect().top]))"
    )
    return found


async def test_what_changes_is_seen_and_no_row_moves(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    await filling.made(redis, 3)
    await page.goto(address + JOBS)
    await is_live(page)
    await page.locator("[data-row='2']").hover()
    before = await places(page)

    await filling.ended(redis, [Dead()])
    await filling.made(redis, 2)
    await expect(page.locator("#newer")).to_have_text("2 new")
    await expect(page.locator("h1")).to_have_text("5 jobs")
    assert await places(page) == before
    await page.mouse.move(0, 0)
    await filling.made(redis)
    await expect(page.locator("[data-row='2']")).to_contain_text("Dead letter")
    await page.locator("#newer").click()
    await expect(page.locator("[data-row]")).to_have_count(6)

    await is_live(page)
    await page.keyboard.press("s")
    await expect(page.locator("#live span")).to_have_text("Stopped")
    await page.locator("#live").click()
    await is_live(page)
    assert complaints == []


async def test_nothing_moves_under_a_pointer_that_rests(
    address: str, redis: Redis, chromium: Browser
) -> None:
    """A cron begins to fail: what is said of it above its fires waits until the pointer leaves them."""
    page, complaints = await entered(chromium, address, redis)
    await a_cron(redis, "ooo")
    await page.goto(f"{address}{CRONS}/1")
    await is_live(page)
    await page.locator("[data-row='3']").hover()
    before = await places(page)
    await executions.create(call_of(redis, SHOP), 1)
    await filling.ended(redis, [Fail()])

    await expect(page).to_have_title(re.compile("^Failing"))
    await expect(page.locator("#newer")).to_have_text("1 new")
    assert await places(page) == before
    await expect(page.locator("[data-part=trouble]")).not_to_contain_text("fails")
    await page.mouse.move(0, 0)
    await expect(page.locator("[data-part=trouble] .note")).to_be_visible()
    await expect(page.get_by_role("button", name="Pause").locator("kbd")).to_have_text("p")
    assert complaints == []


async def test_a_page_whose_stream_breaks_says_what_it_shows(
    server: EmbeddedServer, redis: Redis, chromium: Browser
) -> None:
    with serving(Settings(redis_url=server.url, api_port=0)) as address:
        page, _ = await entered(chromium, address, redis)
        await page.goto(address + JOBS)
        await is_live(page)
        assert await page.locator("#still").is_hidden()

    await expect(page.locator("#still")).to_contain_text("This page is not live.")
    await expect(page.locator("#still")).to_contain_text(re.compile(r"shows the state of \d\d:\d\d:\d\d"))
    await expect(page.locator("#live span")).to_have_text("Not live")


async def test_keys_go_to_pages_choose_rows_and_press_buttons(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, complaints = await entered(chromium, address, redis)
    await a_cron(redis, "ox", name="Nightly invoices")
    await a_cron(redis, name="Weekly report")
    await page.goto(address + JOBS)
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await expect(page).to_have_title(re.compile("^1 failing"))
    assert "icon-failing" in await page.evaluate("document.querySelector('link[rel=icon]').href")

    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.get_by_role("checkbox", name="Choose Nightly invoices")).to_be_checked()
    await page.keyboard.press("/")
    await page.locator("dialog #jump-q").fill("week")
    await expect(page.locator("dialog #found li").first).to_contain_text("Weekly report")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Weekly report")).to_be_visible()

    await page.keyboard.press("p")
    await expect(page.locator(".toast")).to_contain_text("Weekly report is paused.")
    await expect(page).not_to_have_url(re.compile("did="))
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".toast")).to_contain_text("Weekly report is resumed.")
    await expect(page.locator(".toast")).to_be_hidden()

    await page.keyboard.press("?")
    await expect(page.locator("dialog .keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.goto(f"{address}/me")
    await page.get_by_role("button", name="Turn keys off").click()
    await page.goto(address + JOBS)
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await expect(page.locator("kbd")).to_have_count(0)
    assert page.url == address + JOBS
    assert complaints == []


async def test_each_page_and_state(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    await a_cron(redis, "oooxo", name="n" * 255)
    looking = Looking(page, address, complaints=complaints)
    await looking.open("/t/1/jump", "jump")
    await looking.open("/t/1/jump?q=nnn", "jump-found")
    await looking.open("/t/1/keys", "keys")
    await looking.open(CRONS, "crons-live")
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await page.get_by_role("switch").click()
    await page.get_by_role("button", name="Undo").focus()
    await looking.look("crons-undo")
    await page.locator("a.jump").click()
    await expect(page.locator("dialog #found")).to_be_visible()
    await looking.look("jump-box")
    looking.check()
    assert {"/t/{team}/jump", "/t/{team}/keys"} <= LOOKED_AT & {route.path for route in routes}
