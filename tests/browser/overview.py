"""The overview, alerts and the system in a browser: from what needs somebody to what was done; each state looked at."""

import re

import pytest
from playwright.async_api import Browser, expect
from redis.asyncio import Redis

from services.api.pages.overview import front
from services.api.pages.overview.routes import routes
from services.api.routing import Resource
from shared.actions import crons, notifications, queues
from shared.runtime import health
from shared.schemas.crons import CronCreate
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueCreate
from tests.browser.conftest import faults_of
from tests.browser.looking import LONG, LOOKED_AT, Looking
from tests.browser.work import address, entered
from tests.calls import call_of
from tests.pages.crons.filling import SHOP, a_cron
from tests.pages.work import filling as work

__all__ = ["address"]

HOME, ALERTS = "/t/1", "/t/1/alerts"
PARTS = {
    "/t/{team}/today",
    *(f"/t/{{team}}/alerts/{{alert}}/{act}" for act in ("quiet", "reopen", "resolve", "resend")),
}
"""They are a part of a page, or lead back to one."""


async def fill(redis: Redis) -> None:
    """A cron that fails and told Slack in vain, a queue with dead letters, and names that are too long."""
    call = call_of(redis, SHOP)
    wanted = Notifications.model_validate({"slack": {"url": "https://hooks.slack.com/services/x"}})
    await notifications.put(call, wanted)
    await a_cron(redis, "ooxx", alert_threshold=1, cron_expression="0 * * * *")
    failed = {"channel:slack": "failed", "error:slack": f"404 no_service {LONG}"}
    await redis.hset(f"{SHOP.prefix}a:1:1", mapping=failed)  # type: ignore[misc]
    await a_cron(redis, "oxo", name=LONG, cron_expression="0 * * * *", url=f"https://a.example/{LONG}")
    await queues.create(call, QueueCreate(name=LONG, alerts_enabled=True))
    await work.dead(redis, 12, queue=LONG, url=f"https://a.example/{LONG}")
    await work.made(redis, 5, queue="reports", delay=60)


@pytest.mark.parametrize("script", [True, False])
async def test_from_what_needs_somebody_to_quiet(
    address: str, redis: Redis, chromium: Browser, script: bool
) -> None:
    page, complaints = await entered(chromium, address, redis, script=script)
    await expect(page.get_by_role("heading", name="Nothing runs here yet.")).to_be_visible()
    await fill(redis)

    await page.get_by_role("navigation", name="Team", exact=True).get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("heading", name="Five things need you.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Today")).to_be_visible()
    await page.get_by_role("link", name="Look: Slack cannot be reached").click()
    await expect(page.get_by_text("Slack not delivered")).to_be_visible()
    await page.get_by_role("button", name="Quiet until it recovers").click()
    await expect(page.get_by_role("button", name="Tell of it again")).to_be_visible()

    await page.get_by_role("navigation", name="Team", exact=True).get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("link", name=re.compile("^Nightly invoices has failed"))).to_have_count(0)
    await page.get_by_role("link", name="System", exact=True).first.click()
    await expect(page.get_by_role("heading", name="Two things are wrong with the system.")).to_be_visible()
    assert complaints == []


async def test_the_day_of_many_crons_is_fetched_after_the_page(
    address: str, redis: Redis, chromium: Browser
) -> None:
    call = call_of(redis, SHOP)
    for number in range(front.AT_ONCE + 1):
        await crons.create(call, CronCreate(name=f"Cron {number}", url=work.URL, cron_expression="0 0 1 1 *"))

    page, complaints = await entered(chromium, address, redis)

    await expect(page.get_by_text("243 more crons are folded into the first row.")).to_be_visible()
    assert complaints == []


async def test_each_page_and_state(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    looking = Looking(page, address, complaints=complaints)
    await looking.open(HOME, "overview-none")
    await looking.open(ALERTS, "alerts-none")
    await looking.open("/system", "system-wrong")
    await fill(redis)

    await looking.open(HOME, "overview")
    await looking.open(ALERTS, "alerts")
    await looking.open(f"{ALERTS}?search=nobody", "alerts-not-found")
    await looking.open(f"{ALERTS}?page=9", "alerts-beyond")
    await looking.open(f"{ALERTS}/1", "alert")
    await looking.press("Quiet until it recovers", "alert-quiet")
    for service in ("scheduler", "worker"):
        await health.beat(redis, service)
    await looking.open("/system", "system")
    await page.set_viewport_size({"width": 320, "height": 900})
    for path in (HOME, ALERTS, f"{ALERTS}/1", "/system"):
        await page.goto(address + path)
        looking.faults += await faults_of(page)
    await page.locator(".others summary").click()
    looking.faults += await faults_of(page)
    looking.check()
    pages = {
        one.path for one in routes if isinstance(one.endpoint, Resource) and "GET" in one.endpoint.methods
    }
    assert pages - LOOKED_AT == PARTS
