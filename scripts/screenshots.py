"""Make the pictures of the pages in docs/screenshots: a filled team, light and dark, wide and as on a phone.

`python -m scripts.screenshots [folder] [page …]`; what each page is called stands in PAGES.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr
from redis.asyncio import Redis

from services.cli import embedded
from services.worker.work import Complete
from shared.actions import alerts
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.runtime import health
from shared.schemas.alerts import AlertQuery, AlertType
from shared.settings import Settings
from shared.store import connection, transitions
from tests.api.serving import serving
from tests.browser.conftest import CHROMIUM, SCHEMES, WIDTHS
from tests.calls import KEY
from tests.pages.browser import make_user
from tests.pages.crons import filling
from tests.pages.crons.filling import SHOP
from tests.pages.settings import filling as of_settings
from tests.pages.work import filling as work

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
ZONE = "Europe/Berlin"
SETTINGS = {
    name: f"/t/1/settings/{name}"
    for name in ("notifications", "signing", "redaction", "limits", "audit", "agents")
}
"""Filled after the pictures of the others, which show neither its cron nor its alerts."""
PAGES = {
    "overview": "/t/1",
    "alerts": "/t/1/alerts",
    "alert": "/t/1/alerts/{alert}",
    "system": "/system",
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
    **SETTINGS,
    "jump": "/t/1/jump?q=invoi",
    "keys": "/t/1/keys",
}
"""By the names of pictures; `{last}` is a fire that failed, `{job}` a dead letter, `{alert}` a failure."""


async def main(folder: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        server = embedded.start(Path(place))
        try:
            settings = Settings(redis_url=server.url, api_port=0, encryption_key=SecretStr(KEY))
            redis = connection.connect(settings)
            owner = await make_user(redis, "owner@example.com")
            await filling.fill(redis)
            given = {"last": (await filling.newest(redis, 12)).id, "job": await _fill_work(redis)}
            told = await alerts.page(redis, SHOP, AlertQuery(filter=AlertType.FAILURE, per_page=1))
            given["alert"] = told.data[0].id
            await _let_live(redis)
            code = await links.make(redis, Purpose.SIGN_IN, owner)
            last = (await filling.newest(redis, 12)).id
            job = await _fill_work(redis)
            with serving(settings) as address:
                async with async_playwright() as playwright:
                    browser = await playwright.chromium.launch(
                        executable_path=CHROMIUM, args=["--no-sandbox"]
                    )
                    wanted = {name: PAGES[name].format(**given) for name in names or PAGES}
                    link = address + links.address_of("", Purpose.SIGN_IN, code)
                    await _pictures(browser, (address, link), wanted, folder)
                    wanted = {name: PAGES[name].format(last=last, job=job) for name in names or PAGES}
                    for is_settings in (False, True):
                        part = {name: wanted[name] for name in wanted if (name in SETTINGS) is is_settings}
                        if part and is_settings:
                            await of_settings.fill(redis)
                        code = await links.make(redis, Purpose.SIGN_IN, owner)
                        link = address + links.address_of("", Purpose.SIGN_IN, code)
                        await _pictures(browser, (address, link), part, folder)
                    await browser.close()
            await redis.aclose()
        finally:
            server.stop()


async def _let_live(redis: Redis) -> None:
    """Services seem to run, for as long as pictures are made."""
    for service in health.SERVICES:
        member, valid_ms = f"{service}:here:1", 3_600_000
        await transitions.say_alive(redis, health.SHARD, member=member, valid_ms=valid_ms, trouble=None)


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
