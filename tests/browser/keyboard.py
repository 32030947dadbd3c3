"""Every journey by the keyboard alone: what has the focus is always seen, and is where a reader expects it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests.api.serving import serving
from tests.browser.conftest import opened
from tests.browser.work import entered
from tests.pages.browser import PASSWORD, make_user
from tests.pages.crons import filling as crons
from tests.pages.work import filling as work

MOST = 120
"""Presses of Tab after which a page is taken for a trap."""
FOCUS = """() => {
    const at = document.activeElement, labels = [...at.labels || []].map(one => one.textContent).join(" ");
    const shown = at.matches(".hide") ? at.nextElementSibling : at, {outlineStyle, outlineWidth} = getComputedStyle(shown);
    const [box] = shown.getClientRects();
    const under = box && document.elementFromPoint(box.left + Math.min(8, box.width / 2), box.top + box.height / 2);
    const words = at.cloneNode(true);
    words.querySelectorAll("kbd").forEach(key => key.remove());
    const name = at.getAttribute("aria-label") || labels || words.textContent;
    return {
        tag: at.tagName.toLowerCase(),
        name: name.replace(/\\s+/g, " ").trim(),
        isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && box.width > 0
            && (shown.contains(under) || under.contains(shown) || under.closest("label")?.control === at),
        isIn: Boolean(at.closest("main")),
    };
}"""


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


class Keyboard:
    """Somebody who has no pointer: goes to things by Tab, and looks at where the focus is after each press."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def focus(self) -> tuple[str, str]:
        """What has the focus, as tag and name, which is to be seen."""
        found = await self.page.evaluate(FOCUS)
        assert found["isSeen"], f"{self.page.url}: nobody sees that {found} has the focus"
        return found["tag"], found["name"]

    async def to(self, name: str) -> None:
        """Press Tab until something of that name has the focus."""
        passed = []
        for _ in range(MOST):
            await self.page.keyboard.press("Tab")
            if await self.page.evaluate("document.activeElement === document.body"):
                continue  # beyond the last one the browser's own buttons come, then the first again
            tag, found = await self.focus()
            if found.startswith(name):
                return
            passed.append(f"{tag} {found}")
        raise AssertionError(f"no {name} on {self.page.url}, but {passed}")

    async def type(self, name: str, text: str) -> None:
        await self.to(name)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def press(self, key: str) -> None:
        await self.page.keyboard.press(key)

    async def use(self, name: str, key: str = "Enter") -> None:
        await self.to(name)
        await self.press(key)

    async def go(self, key: str, path: str) -> None:
        """To another page of the team by two keys."""
        await self.press("g")
        await self.press(key)
        await self.page.wait_for_url(f"**/t/1{path}")
        await self.at()

    async def at(self, name: str = "", tag: str = "h1") -> None:
        """Wait for the page or part that begins there: the focus is on it, and is seen."""
        await expect(self.page.locator(f"{tag}:focus")).to_contain_text(name)
        await self.focus()


async def test_from_the_sign_in_to_the_sign_out(address: str, redis: Redis, chromium: Browser) -> None:
    complaints: list[str] = []
    await make_user(redis, "owner@example.com")
    page = await opened(await chromium.new_context(timezone_id="Europe/Berlin"), complaints)
    by = Keyboard(page)
    await page.goto(f"{address}/sign-in?next=/t/1/crons")

    await by.type("E-mail address", "owner@example.com")
    await by.type("Password", "wrong otters knit")
    await by.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await by.type("Password", PASSWORD)
    await by.press("Enter")
    await by.at("Crons")
    await make_a_cron(by)
    await run_it(by, redis)
    await find_it_again(by)
    await change_a_setting(by)
    await by.go("o", "")
    await by.use("Sign out")
    await page.wait_for_url("**/sign-in")
    assert [said for said in complaints if "status of 4" not in said] == []


async def make_a_cron(by: Keyboard) -> None:
    """A form that is refused leads to its first wrong field; one that is taken, to what it made."""
    await by.press("n")
    await by.at("New cron")
    await by.type("Name", "Nightly invoices")
    await by.press("Control+Enter")
    await expect(by.page.locator("#url")).to_be_focused()
    await by.focus()
    await by.page.keyboard.type("https://billing.example.com/nightly")
    await by.press("Control+Enter")
    await by.at("Nightly invoices")


async def run_it(by: Keyboard, redis: Redis) -> None:
    """Paused and resumed by the key and by what takes it back; run, and its fire opened from the list."""
    await by.press("p")
    await by.at("Nightly invoices is paused.", ".toast")
    await by.use("Undo")
    await by.at("Nightly invoices is resumed.", ".toast")
    await by.press("Escape")
    await by.at("Nightly invoices")
    await by.press("r")
    await expect(by.page.get_by_role("heading", name="Waits")).to_be_visible()
    await crons.end_all(redis)
    await expect(by.page.get_by_role("heading", name="Completed")).to_be_visible()
    await by.press("Escape")
    await by.at("Nightly invoices")
    await by.press("j")
    await by.press("Enter")
    await by.at("Completed")


async def find_it_again(by: Keyboard) -> None:
    """The box opens over the page, keeps the focus, and gives it back."""
    await by.go("j", "/jobs")
    await by.to("Search or jump to")
    await by.press("Enter")
    await expect(by.page.locator("#jump-q")).to_be_focused()
    await by.press("Escape")
    assert (await by.focus())[1] == "Search or jump to"
    await by.press("/")
    await by.page.keyboard.type("nightly")
    await expect(by.page.locator("#found li").first).to_contain_text("Nightly invoices")
    await by.press("ArrowDown")
    assert "Nightly invoices" in (await by.focus())[1]
    await by.press("Enter")
    await by.at("Nightly invoices")


async def change_a_setting(by: Keyboard) -> None:
    await by.go("s", "/settings/api")
    await by.use("Limits")
    await by.page.wait_for_url("**/settings/limits")
    await by.type("Requests a month, at most", "100000")
    await by.press("Enter")
    await expect(by.page.locator(".head")).to_contain_text("of 100,000")
    await by.focus()


async def test_dead_letters_are_chosen_and_replayed(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    await work.dead(redis, 3)
    by = Keyboard(page)

    await by.go("d", "/dead-letters")
    await by.at("3 dead letters, one problem")
    await by.press("j")
    await by.press("Enter")
    await by.at("3 dead letters, one problem")
    await by.use("Send one first", "Space")
    await by.press("Control+Enter")
    await by.at("Replay 1")

    await by.go("j", "/jobs")
    await page.goto(f"{address}/t/1/jobs/1")
    await by.press("y")
    await expect(page.locator("[data-key=y]")).to_contain_text(re.compile("Copied|Not allowed"))
    assert complaints == []


async def test_rows_are_chosen_by_keys(address: str, redis: Redis, chromium: Browser) -> None:
    page, _ = await entered(chromium, address, redis)
    for number in range(4):
        await crons.a_cron(redis, name=f"Cron {number}")
    await page.goto(f"{address}/t/1/crons?sort=name")
    by = Keyboard(page)
    chosen = page.locator("tbody input:checked")

    await by.press("j")
    await by.press("x")
    await by.press("j")
    await by.press("j")
    await by.press("Shift+X")
    await expect(chosen).to_have_count(3)
    await by.press("a")
    await expect(chosen).to_have_count(4)
    await by.press("Escape")
    await expect(chosen).to_have_count(0)
    await by.press("v")
    await page.wait_for_url("**/crons/day")
    await by.press("t")
    await expect(page.locator("html[data-theme=light] .rail [data-key=t] kbd")).to_be_visible()
    await by.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert urlsplit(page.url).path == "/t/1/crons/day"


async def test_attempts_are_gone_through(address: str, redis: Redis, chromium: Browser) -> None:
    page, _ = await entered(chromium, address, redis)
    job = await work.died_slowly(redis)
    await page.goto(f"{address}/t/1/jobs/{job}?attempt=2")
    by = Keyboard(page)

    await by.press("[")
    await page.wait_for_url("**attempt=1")
    await by.press("]")
    await page.wait_for_url("**attempt=2")
    await by.press("r")
    await page.wait_for_url("**/replay")


async def test_no_key_does_anything_in_a_field_or_once_they_are_turned_off(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, _ = await entered(chromium, address, redis)
    await page.goto(f"{address}/t/1/jobs/new")
    by = Keyboard(page)

    await by.type("Body", "t v a y [ ] X n p r gc")
    assert urlsplit(page.url).path == "/t/1/jobs/new"
    assert await page.locator("html").get_attribute("data-theme") is None
    await by.press("Escape")
    assert await page.evaluate("document.activeElement === document.body")
    await page.goto(f"{address}/me")
    await by.use("Turn keys off")
    await expect(page.get_by_role("button", name="Turn keys on")).to_be_visible()
    await page.goto(f"{address}/t/1/crons")
    for key in ("n", "t", "v", "g", "j", "Escape"):
        await by.press(key)
    await expect(page.locator("kbd")).to_have_count(0)
    assert urlsplit(page.url).path == "/t/1/crons"


@pytest.mark.parametrize(
    "path", ["crons", "crons/1", "crons/new", "dead-letters/2", "settings/notifications"]
)
async def test_the_skip_link_comes_first_and_no_page_keeps_the_focus(
    address: str, redis: Redis, chromium: Browser, path: str
) -> None:
    page, _ = await entered(chromium, address, redis)
    await crons.a_cron(redis, "oxx")
    await work.dead(redis, 3)
    by = Keyboard(page)

    await page.evaluate("sessionStorage.clear()")  # as by an address that was typed in
    await page.goto(f"{address}/t/1/{path}")
    await by.press("Tab")
    assert await by.focus() == ("a", "Skip to the page")
    await by.press("Enter")
    await by.press("Tab")
    assert (await page.evaluate(FOCUS))["isIn"]
    seen = 1
    while await page.evaluate("document.activeElement !== document.body"):
        await by.focus()
        await by.press("Tab")
        seen += 1
        assert seen < MOST, f"{path} keeps the focus"
    assert seen > 5
