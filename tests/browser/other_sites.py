"""Other sites against somebody who is signed in: their forms, frames, windows and pictures; and the browser of who has left."""

import asyncio
import html
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, async_playwright, expect
from redis.asyncio import Redis
from starlette.requests import Request

from services.api.pages import origins
from services.api.pages.routes import PAGES
from services.api.routing import Resource
from shared.settings import Settings
from shared.store import transitions
from tests import hostile
from tests.browser.attacks import IS_WHOLE, first_of
from tests.browser.conftest import CHROMIUM
from tests.browser.work import address, entered
from tests.pages.crons.filling import a_cron
from tests.pages.work import filling as work
from tests.poll import until

__all__ = ["address"]
FORMS, LOOKS = (
    [one.path for one in PAGES if isinstance(one.endpoint, Resource) and method in one.endpoint.methods]
    for method in ("POST", "GET")
)
TYPES = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data")
FIELDS = {
    **{"name": "shop", "email": "evil@planted.invalid", "password": "seven otters knit", "role": "admin"},
    **{
        "url": "https://planted.invalid/",
        "queue": "planted",
        "scope": "admin",
        "do": "create",
        "number": "3",
    },
    **{
        "kind": "daily",
        "at_daily": "02:30",
        "days": "*",
        "monthly_request_limit": "0",
        "id-1": "on",
        "key": "eu",
    },
    **{"action": "delete", "hook": "https://planted.invalid/", "zone": "UTC", "next": "//planted.invalid"},
}
"""So many that nearly every form would be taken."""


@asynccontextmanager
async def site(*pages: str) -> AsyncIterator[str]:
    """The port of another site, with a page at /0, one at /1 and so on."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await hostile.request_head(reader)).split(b" ")[1].strip(b"/").partition(b"?")[0]
        body = pages[int(path)].encode() if path.isdigit() and int(path) < len(pages) else b""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async with hostile.serving(behave) as found:
        yield found.rpartition(":")[2]


SEND = """async ([urls, fields]) => {
  const each = (type) => Object.entries(fields).reduce((all, [name, text]) => (all.append(name, text), all), new type());
  const text = Object.entries(fields).map(([name, text]) => `${name}=${text}`).join('\\r\\n');
  for (const url of urls) for (const body of [each(URLSearchParams), each(FormData), text])
    await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(() => '');
}"""
"""As a form sends it, in each of the three ways, by a script that is not shown the answer."""


def forms(address: str, *paths: str) -> str:
    """A page with forms of ours that send themselves, each into a frame."""
    fields = "".join(f'<input name="{name}" value="{html.escape(text)}">' for name, text in FIELDS.items())
    each = (
        f'<iframe name="{kind}{path}"></iframe><form method="post" target="{kind}{path}" '
        f'action="{address}{first_of(path)}" enctype="{kind}">{fields}</form>'
        for path in paths
        for kind in TYPES
    )
    return "".join(each) + "<script>for (const one of document.forms) one.submit()</script>"


class Arrived(NamedTuple):
    """A form that came to the server: where to, how, from where, and whether it was refused."""

    path: str
    kind: str
    origin: str
    has_cookie: bool
    is_refused: bool


@contextmanager
def arriving() -> Iterator[list[Arrived]]:
    """All forms that come to the pages of this process."""
    found, check = list[Arrived](), origins.check

    def noted(request: Request, settings: Settings) -> None:
        headers, is_refused = request.headers, True
        try:
            check(request, settings)
            is_refused = False
        finally:
            kind, origin = headers.get("content-type", "").partition(";")[0], headers.get("origin", "")
            found.append(Arrived(request.url.path, kind, origin, "cookie" in headers, is_refused))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origins, "check", noted)
        yield found


async def state(redis: Redis) -> dict[str, object]:
    """All that is stored, but when a session was used last."""
    found: dict[str, object] = {}
    async for key in redis.scan_iter("*"):
        match await redis.type(key):
            case "hash" if ":session:" not in key:
                found[key] = await redis.hgetall(key)  # type: ignore[misc]
            case "zset":
                found[key] = await redis.zrange(key, 0, -1)
            case "stream":
                found[key] = await redis.xlen(key)
            case "set":
                found[key] = await redis.smembers(key)  # type: ignore[misc]
            case _:
                found[key] = ""
    return found


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another host", "another port"])
async def test_no_form_of_another_site_is_taken(
    address: str, redis: Redis, chromium: Browser, host: str
) -> None:
    page, _ = await entered(chromium, address, redis)
    await a_cron(redis)
    await work.dead(redis, 3)
    before = await state(redis)
    boxed = '<iframe sandbox="allow-scripts allow-forms" src="/0"></iframe>'
    some = ("/t/{team}/jobs/new", "/t/{team}/settings/members", "/sign-out")

    async with site(forms(address, *some), boxed, "<body></body>") as port:
        here = f"http://{host}:{port}"
        with arriving() as found:
            await page.goto(f"{here}/2")
            await page.evaluate(SEND, [[address + first_of(path) for path in FORMS], FIELDS])
        ways = {(one.path, one.kind) for one in found}
        assert ways == {(first_of(path), kind) for path in FORMS for kind in TYPES}
        # Cookies know no port: such a form came with that of who is signed in.
        assert {one[2:] for one in found} == {(here, host == "127.0.0.1", True)}

        for number, origin in ((0, here), (1, "null")):
            with arriving() as found:
                await page.goto(f"{here}/{number}", wait_until="commit")
                await until(lambda found=found: has(found, len(some) * len(TYPES)))  # type: ignore[misc]
            assert {(one.path, one.kind) for one in found} == {
                (first_of(path), kind) for path in some for kind in TYPES
            }
            assert {(one.origin, one.is_refused) for one in found} == {(origin, True)}
    assert await state(redis) == before


async def has(found: list[Arrived], most: int) -> bool:
    return len(found) >= most


async def test_no_page_shows_in_a_frame_or_as_a_part_of_another_site(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, _ = await entered(chromium, address, redis)
    looks = [path for path in (LOOKS if IS_WHOLE else LOOKS[::8]) if not path.endswith("/live")]
    frames = "".join(f'<iframe src="{address}{first_of(path)}"></iframe>' for path in looks)
    other = f'<embed src="{address}/me"><object data="{address}/me"></object><iframe src="{address}/static/pages.js"></iframe>'

    async with site(frames + other) as port:
        await page.goto(f"http://127.0.0.1:{port}/0")
        shown = [frame.url for frame in page.frames if frame is not page.main_frame]
        inside = [await frame.locator("#page, form").count() for frame in page.frames[1:]]

    assert len(shown) > len(looks)
    assert [url for url in shown if url.startswith(address)] == []
    assert sum(inside) == 0


LOADED = """(parts) => Promise.all(parts.map(([tag, at, url]) => new Promise((done) => {
  const one = document.createElement(tag);
  Object.assign(one, { onload: () => done('loaded ' + url), onerror: () => done(''), rel: 'stylesheet', [at]: url });
  document.body.append(one);
})))"""


async def test_nothing_of_a_page_is_loaded_by_another_site(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, _ = await entered(chromium, address, redis)
    parts = [
        [tag, at, f"{address}{path}"]
        for tag, at in (("script", "src"), ("img", "src"), ("link", "href"))
        for path in (
            "/me",
            "/t/1/jobs",
            "/t/1/live?page=/t/1/jobs",
            "/static/pages.js",
            "/static/icon.svg",
            "/static/pages.css",
        )
    ]
    asked = "(url) => fetch(url, {credentials: 'include'}).then(one => one.text(), () => '')"

    async with site("<body></body>") as port:
        await page.goto(f"http://127.0.0.1:{port}/0")
        loaded = await page.evaluate(LOADED, parts)
        text = await page.evaluate(asked, f"{address}/me")

    assert [one for one in loaded if one] == []
    assert text == ""


async def test_a_site_that_opens_a_page_in_a_window_has_no_hold_on_it(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, _ = await entered(chromium, address, redis)

    async with site(f"<a href='{address}/me' target=w>x</a>") as port:
        await page.goto(f"http://127.0.0.1:{port}/0")
        async with page.expect_popup() as popping:
            await page.evaluate("(url) => { window.w = open(url, 'w') }", f"{address}/me")
        window = await popping.value
        await expect(window.locator("h1")).to_be_visible()
        closed = await page.evaluate("w.closed")
        await page.evaluate("w.location = 'about:blank'")

        assert closed
        assert await window.evaluate("opener") is None
        assert window.url == f"{address}/me"


async def test_who_goes_back_after_the_sign_out_sees_nothing(address: str, redis: Redis) -> None:
    await work.made(redis, 3, queue="secret-queue")
    async with async_playwright() as playwright:
        # Playwright turns the memory of pages off that a browser goes back to.
        kept = ["--disable-back-forward-cache"]
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], ignore_default_args=kept
        )
        page, _ = await entered(browser, address, redis)
        for path in ("/t/1/jobs", "/t/1/queues", "/me"):
            await page.goto(address + path)
        await page.get_by_role("button", name="Sign out").first.click()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()

        for _ in range(3):
            await page.go_back()
            await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            assert "secret-queue" not in await page.content()
        await browser.close()


async def test_a_form_that_is_sent_again_by_loading_its_answer_is_done_once(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, _ = await entered(chromium, address, redis)
    await page.goto(f"{address}/t/1/settings/api")
    await page.get_by_label("Name", exact=True).fill("agent")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    await expect(page.locator("h1")).to_be_visible()
    first = await page.locator("main").inner_text()

    await page.reload()
    again = await page.locator("main").inner_text()

    tokens = [word for word in first.split() if word.startswith("rc_")]
    assert tokens
    assert tokens[0] in again
    assert len(await transitions.read_tokens(redis, team=1)) == 1
