"""Make the pictures of the pages in docs/screenshots: a filled team, light and dark, wide and as on a phone.

`python -m scripts.screenshots [folder] [page …]`; what each page is called stands in PAGES.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from redis.asyncio import Redis

from services.cli import embedded
from services.worker.work import Complete
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.settings import Settings
from shared.store import connection
from tests.api.serving import serving
from tests.browser.conftest import CHROMIUM, SCHEMES, WIDTHS
from tests.pages.browser import make_user
from tests.pages.crons import filling
from tests.pages.work import filling as work

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
ZONE = "Europe/Berlin"
PAGES = {
    "crons": "/t/1/crons",
    "crons-day": "/t/1/crons/day",
    "crons-month": "/t/1/crons/month",
    "cron": "/t/1/crons/12",
    "cron-fire": "/t/1/crons/12/fires/{last}",
    "cron-form": "/t/1/crons/new",
    "cron-edit": "/t/1/crons/12/edit",
    "jobs": "/t/1/jobs",
    "job": "/t/1/jobs/{job}",
    "new-job": "/t/1/jobs/new",
    "queues": "/t/1/queues",
    "queue": "/t/1/queues/1",
    "dead-letters": "/t/1/dead-letters",
    "jump": "/t/1/jump?q=invoi",
    "keys": "/t/1/keys",
}
"""By the names of pictures; `{last}` is the last execution of a cron that fails, `{job}` a dead letter."""


async def main(folder: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        server = embedded.start(Path(place))
        try:
            settings = Settings(redis_url=server.url, api_port=0)
            redis = connection.connect(settings)
            owner = await make_user(redis, "owner@example.com")
            await filling.fill(redis)
            last = (await filling.newest(redis, 12)).id
            job = await _fill_work(redis)
            code = await links.make(redis, Purpose.SIGN_IN, owner)
            with serving(settings) as address:
                async with async_playwright() as playwright:
                    browser = await playwright.chromium.launch(
                        executable_path=CHROMIUM, args=["--no-sandbox"]
                    )
                    wanted = {name: PAGES[name].format(last=last, job=job) for name in names or PAGES}
                    link = address + links.address_of("", Purpose.SIGN_IN, code)
                    await _pictures(browser, (address, link), wanted, folder)
                    await browser.close()
            await redis.aclose()
        finally:
            server.stop()


async def _fill_work(redis: Redis) -> int:
    """Jobs of three queues in all states; the id of one that was tried three times."""
    job = await work.died_slowly(redis)
    await work.dead(redis, 17)
    await work.dead(redis, 4, queue="letters", url="https://mail.example.com/send")
    await work.made(redis, 9, queue="reports", url="https://data.example.net/reports")
    await work.ended(redis, [Complete()], '{"ok": true}')
    await work.made(redis, 3, delay=3600)
    return job


async def _pictures(browser: Browser, at: tuple[str, str], wanted: dict[str, str], folder: Path) -> None:
    address, link = at
    page = await (await browser.new_context(timezone_id=ZONE)).new_page()
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()
    for name, path in wanted.items():
        await page.goto(address + path)
        await page.wait_for_load_state()
        await page.wait_for_function("!document.querySelector('[hx-trigger=load]')")  # parts that come later
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                height = await page.evaluate("document.documentElement.scrollHeight")
                await page.set_viewport_size({"width": width, "height": height})
                await page.screenshot(path=folder / f"{name}-{scheme}-{width}.png")


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = Path(given[0]) if given else FOLDER
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen, given[1:]))
