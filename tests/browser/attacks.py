"""Pages under attack in a browser: hostile texts everywhere, other sites, frames, and what is left after the sign-out.

`make browser` opens a few of each page; `make attacks` opens all, with each of the texts.
"""

import os
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Error, Page, Request, expect
from redis.asyncio import Redis

from services.api.pages.routes import PAGES
from services.api.routing import Resource
from shared.actions import executions, jobs
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.schemas.jobs import JobCreate
from tests.browser import planting
from tests.browser.conftest import opened
from tests.browser.planting import SHOP, TEXTS
from tests.browser.work import address
from tests.calls import call_of
from tests.pages.browser import make_user
from tests.pages.kinds import KINDS, in_header, in_name
from tests.pages.test_every_page import filled

__all__ = ["address"]
IS_WHOLE = os.environ.get("RECURO_TEST_ATTACKS") == "all"
OF_EACH_ROUTE = len(TEXTS) if IS_WHOLE else 1
"""Pages that are opened of a route, beside the one of its first id."""
SEED = int(os.environ.get("RECURO_TEST_SEED", "7"))
ROUTES = [one for one in PAGES if isinstance(one.endpoint, Resource) and "GET" in one.endpoint.methods]
TYPED = ("end of a live part", "double quote", "htmx on", "event of a stream")
HARM = """() => {
  const found = [], own = location.origin;
  if (window.planted || /planted=1/.test(document.cookie)) found.push('it ran');
  if (/1337|uid=/.test(document.title + document.body.innerText)) found.push('a template ran');
  for (const one of document.querySelectorAll('[data-planted]')) found.push('an element: ' + one.outerHTML.slice(0, 200));
  for (const one of document.querySelectorAll('*')) for (const { name, value } of one.attributes) {
    if (/^(on|hx-on|data-hx|style$|srcdoc$)/.test(name)) found.push(`${one.tagName} ${name}=${value}`);
    if (!/^(href|src|action|formaction|data|xlink:href|hx-get|hx-post)$/.test(name)) continue;
    const at = new URL(value || location.href, location.href);
    if (at.origin !== own && !(one.tagName === 'IMG' && value.startsWith('data:image/'))) found.push(`${name}=${value}`);
  }
  return found;
}"""
"""What a hostile text did to a page: code that ran, elements, handlers, and addresses of elsewhere."""


@dataclass
class Attacked:
    """A browser that looks at what was planted, and all that should not have happened."""

    context: BrowserContext
    page: Page
    address: str
    harm: list[str] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)

    def listen(self) -> None:
        self.context.on("request", self._asked)
        self.context.on("dialog", lambda dialog: self.harm.append(f"a dialog: {dialog.message}"))
        self.context.on("page", lambda page: self.harm.append(f"a window: {page.url}"))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:image/")):
            self.harm.append(f"a request: {request.url}")

    async def open(self, path: str) -> list[str]:
        """Open it, look, and return where it leads."""
        await self.page.goto(self.address + path)
        await self.look(self.page)
        hrefs = "[...document.links].map(one => one.pathname + one.search)"
        found: list[str] = await self.page.evaluate(hrefs)
        self.opened[route_of(path)] += 1
        return found

    async def look(self, page: Page) -> None:
        try:
            found: list[str] = await page.evaluate(HARM)
        except Error as error:
            found = [f"it led away: {error}"]
        self.harm += [f"{page.url}: {one}" for one in found]

    def check(self, complaints: list[str]) -> None:
        assert self.harm == []
        assert [said for said in complaints if "status of " not in said] == []


async def entered(chromium: Browser, address: str, redis: Redis) -> tuple[Attacked, list[str]]:
    """An owner with a hostile name, in a browser that calls itself so."""
    complaints: list[str] = []
    context = await chromium.new_context(user_agent=in_header(KINDS["double quote"]))
    page = await opened(context, complaints)
    code = await links.make(redis, Purpose.SIGN_IN, await make_user(redis, "owner@example.com"))
    await page.goto(address + links.address_of("", Purpose.SIGN_IN, code))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()
    found = Attacked(context, page, address)
    found.listen()
    return found, complaints


def route_of(path: str) -> str:
    """The one that answers; the first, as the server has it."""
    return next((one.path for one in ROUTES if re.fullmatch(one.path_regex, urlsplit(path).path)), "")


def first_of(route: str) -> str:
    """An address of a route, by the first id of each thing."""
    return filled(route.replace("{channel}", "slack"))


async def test_hostile_texts_stay_texts_on_every_page(address: str, redis: Redis, chromium: Browser) -> None:
    attacked, complaints = await entered(chromium, address, redis)
    await planting.plant(redis)
    for text in TEXTS[:: 1 if IS_WHOLE else 30]:
        await named(attacked, text)
    chance, seen = random.Random(SEED), set[str]()

    waiting = [first_of(one.path) for one in ROUTES if not one.path.endswith("/live")]
    while waiting:
        path = waiting.pop(0)
        if path in seen or attacked.opened[route_of(path)] > OF_EACH_ROUTE:
            continue
        seen.add(path)
        found = [one for one in await attacked.open(path) if route_of(one) and one not in seen]
        waiting += chance.sample(found, len(found))

    attacked.check(complaints)
    assert {one.path for one in ROUTES} - attacked.opened.keys() == {"/t/{team}/live"}
    assert sum(attacked.opened.values()) > len(ROUTES)


async def named(attacked: Attacked, text: str) -> None:
    """The user and another team of it, by the forms of the pages."""
    page = attacked.page
    await page.goto(f"{attacked.address}/me")
    await page.locator("#name").fill(in_name(text, 90))
    await page.get_by_role("button", name="Save").first.click()
    await page.goto(f"{attacked.address}/new-team")
    await page.locator("#name").fill(in_name(text, 90))
    await page.locator("main").get_by_role("button").first.click()
    await attacked.look(page)


async def test_hostile_texts_stay_texts_in_what_changes_by_itself(
    address: str, redis: Redis, chromium: Browser
) -> None:
    attacked, complaints = await entered(chromium, address, redis)
    await planting.plant(redis)
    paths = [f"/t/1/{one}" for one in ("jobs", "crons", "queues")]
    pages = [await opened(attacked.context, complaints) for _ in paths]
    attacked.harm.clear()  # those windows are ours
    for page, path in zip(pages, paths, strict=True):
        await page.goto(address + path)
        await expect(page.locator("#live[data-state=live]")).to_be_visible()

    for text in TEXTS:
        await jobs.create(
            call_of(redis, SHOP),
            JobCreate.model_validate({"queue": in_name(text), "url": "https://a.example/"}),
        )
    await expect(pages[0].locator("#newer")).to_be_visible()
    for page in pages:
        await attacked.look(page)
        await page.close()

    page = attacked.page
    for kind in KINDS if IS_WHOLE else TYPED:
        await page.goto(address + paths[0])
        await page.keyboard.press("/")
        async with page.expect_response(re.compile("jump.*q=")):
            await page.locator("dialog #jump-q").fill(in_name(KINDS[kind])[:60])
        await attacked.look(page)
    fire = await executions.create(call_of(redis, SHOP), 1)
    await page.goto(f"{address}/t/1/crons/1/fires/{fire.id}")
    async with page.expect_response(re.compile("/fires/")):
        await attacked.look(page)
    await attacked.look(page)
    attacked.check(complaints)
