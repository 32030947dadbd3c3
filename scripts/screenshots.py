"""Make the pictures of the pages in docs/screenshots: a filled team, light and dark, wide and as on a phone.

`python -m scripts.screenshots [folder] [page …]`; what each page is called stands in PAGES.
"""

import asyncio
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from playwright.async_api import Page, async_playwright
from pydantic import SecretStr
from redis.asyncio import Redis

from services.cli import embedded
from services.scheduler import replay
from services.worker.work import Complete
from shared.actions import alerts, dead_letters
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.actions.reports import problems
from shared.runtime import health
from shared.schemas.alerts import AlertQuery, AlertType
from shared.schemas.dead_letters import ReplayCreate
from shared.schemas.reports.problems import ProblemQuery
from shared.settings import Settings
from shared.store import connection, transitions
from tests.api.serving import serving
from tests.browser.conftest import CHROMIUM, SCHEMES, WIDTHS
from tests.calls import KEY, call_of
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
PAGES = {
    "sign-in": "/sign-in",
    "overview": "/t/1",
    "overview-empty": "/t/2",
    "alerts": "/t/1/alerts",
    "alert": "/t/1/alerts/{alert}",
    "system": "/system",
    "crons": "/t/1/crons",
    "crons-empty": "/t/2/crons",
    "crons-day": "/t/1/crons/day",
    "crons-month": "/t/1/crons/month",
    "cron": "/t/1/crons/12",
    "cron-fire": "/t/1/crons/12/fires/{last}",
    "cron-form": "/t/1/crons/new",
    "cron-edit": "/t/1/crons/12/edit",
    "jobs": "/t/1/jobs",
    "jobs-wrong": "/t/1/jobs?q=hots:a.example",
    "job": "/t/1/jobs/{job}",
    "new-job": "/t/1/jobs/new",
    "queues": "/t/1/queues",
    "queue": "/t/1/queues/1",
    "dead-letters": "/t/1/dead-letters",
    "problem": "/t/1/dead-letters/{problem}",
    "replay": "/t/1/replays/{replay}",
    "tokens": "/t/1/settings/api",
    "members": "/t/1/settings/members",
    "team": "/t/1/settings/team",
    **SETTINGS,
    "me": "/me",
    "jump": "/t/1/jump?q=invoi",
    "keys": "/t/1/keys",
    "not-there": "/t/1/jobs/999",
}
"""By the names of pictures; what is in braces is an id: `last` a fire that failed, `job` a dead letter."""
SIGNED_OUT, EMPTY = {"sign-in"}, {"overview-empty", "crons-empty"}
"""What nobody is signed in for, and what is of a team that has nothing."""
LATER = {*SETTINGS, "alert"}
"""Filled after the pictures of the others, which show neither its cron nor its channels."""


async def main(folder: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        server = embedded.start(Path(place))
        try:
            settings = Settings(redis_url=server.url, api_port=0, encryption_key=SecretStr(KEY))
            async with connection.connect(settings) as redis:
                await _take(redis, settings, folder, names)
        finally:
            server.stop()


async def _take(redis: Redis, settings: Settings, folder: Path, names: list[str]) -> None:
    owner = await make_user(redis, "owner@example.com")
    newcomer = await make_user(redis, "ada@example.com", "new")
    await filling.fill(redis)
    given = await _fill_work(redis)
    await _let_live(redis)

    def paths(wanted: Collection[str]) -> dict[str, str]:
        return {name: PAGES[name].format(**given) for name in names or PAGES if name in wanted}

    with serving(settings) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

            async def visit(user: int | None, wanted: dict[str, str]) -> None:
                page = await (await browser.new_context(timezone_id=ZONE)).new_page()
                if user:
                    code = await links.make(redis, Purpose.SIGN_IN, user)
                    await page.goto(links.address_of(address, Purpose.SIGN_IN, code))
                    await page.get_by_role("button", name="Sign in").click()
                    await page.wait_for_load_state()
                await _pictures(page, {name: address + path for name, path in wanted.items()}, folder)

            await visit(None, paths(SIGNED_OUT))
            await visit(newcomer, paths(EMPTY))
            await visit(owner, paths(PAGES.keys() - SIGNED_OUT - EMPTY - LATER))
            await of_settings.fill(redis)
            failed = await alerts.page(redis, SHOP, AlertQuery(filter=AlertType.FAILURE, per_page=1))
            given["alert"] = failed.data[0].id
            await visit(owner, paths(LATER))
            await browser.close()


async def _let_live(redis: Redis) -> None:
    """Services seem to run, for as long as pictures are made."""
    for service in health.SERVICES:
        member, valid_ms = f"{service}:here:1", 3_600_000
        await transitions.say_alive(redis, health.SHARD, member=member, valid_ms=valid_ms, trouble=None)


async def _fill_work(redis: Redis) -> dict[str, int]:
    """Jobs of three queues in all states, one of them tried three times, and a replay that is under way."""
    ids = {"job": await work.died_slowly(redis)}
    await work.dead(redis, 17)
    await work.dead(redis, 12, queue="letters", url="https://mail.example.com/send")
    await work.made(redis, 9, queue="reports", url="https://data.example.net/reports")
    await work.ended(redis, [Complete()], '{"ok": true}')
    await work.made(redis, 3, delay=3600)
    call = call_of(redis, SHOP)
    (mail,) = (await problems.page(call, ProblemQuery(search="mail"))).data
    begun = await dead_letters.replay(call, ReplayCreate(problem_id=mail.id, rate=1))
    await replay.step(redis, health.SHARD)
    (hooks,) = (await problems.page(call, ProblemQuery(search="hooks"))).data
    last = await filling.newest(redis, 12)
    return ids | {"problem": hooks.id, "replay": begun.id, "last": last.id}


async def _pictures(page: Page, wanted: dict[str, str], folder: Path) -> None:
    for name, address in wanted.items():
        await page.goto(address)
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
