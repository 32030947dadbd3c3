"""Settings in a browser: a channel, a secret and why a check fails, with and without script; each page looked at."""

import asyncio
import time

import pytest
from playwright.async_api import Browser, expect
from redis.asyncio import Redis

from services.api.pages.routes import SETTINGS
from services.api.routing import Resource
from services.worker.intake.claims import Claims
from services.worker.work import Dead, Result
from shared.security import signing
from shared.store import keyspace
from tests.browser.looking import LONG, LOOKED_AT, Looking
from tests.browser.work import address, entered
from tests.pages.settings import filling
from tests.poll import until

__all__ = ["address"]
HOME = "/t/1/settings"


async def fails(redis: Redis, error: str) -> None:
    """The next message that a worker sends does not arrive."""
    worker = Claims(redis, keyspace.SHARDS[0], "w")

    async def work() -> bool:
        works = await worker.claim(1)
        await worker.finish([Result(one, Dead(), "", "", "http_client_error 404", error) for one in works])
        return bool(works)

    await until(work)


@pytest.mark.parametrize("script", [True, False])
async def test_a_channel_is_tried_and_a_signature_explained(
    address: str, redis: Redis, chromium: Browser, script: bool
) -> None:
    page, complaints = await entered(chromium, address, redis, script=script)
    await page.goto(f"{address}{HOME}/api")
    places = page.get_by_role("navigation", name="Settings", exact=True)
    await places.get_by_role("link", name="Notifications").click()
    await page.get_by_role("region", name="Slack").get_by_label("URL of the webhook").fill(filling.SLACK)
    await page.get_by_role("button", name="Set up Slack").click()
    await expect(page.get_by_role("heading", name="Alerts go to Slack")).to_be_visible()
    await asyncio.gather(
        page.get_by_role("button", name="Send a test to Slack").click(), fails(redis, filling.SAID)
    )
    await expect(page.get_by_role("heading", name="Alerts do not reach Slack")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("404")

    await places.get_by_role("link", name="Signing").click()
    await page.get_by_role("button", name="Make a secret").click()
    secret = await page.locator("#secret").text_content() or ""
    headers = signing.headers_of([secret], "job-1-7", b'{"n":1}', int(time.time()))
    await page.get_by_label("Headers, as they arrived").fill("\n".join(map(": ".join, headers.items())))
    await page.get_by_label("Body, as it arrived").fill('{"n": 1}')
    await page.get_by_role("button", name="Explain").click()
    await expect(page.locator(".parts")).to_contain_text("as compact JSON")

    await places.get_by_role("link", name="Limits").click()
    await page.get_by_label("Requests a month, at most").fill("100,000")
    await page.get_by_role("button", name="Save limits").click()
    await expect(page.locator(".head")).to_contain_text("0 % of 100,000")
    await places.get_by_role("link", name="Audit").click()
    await page.get_by_label("What was done").fill("set-limits")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("heading", name="One change found")).to_be_visible()
    assert complaints == []


async def test_each_page_and_state(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    looking = Looking(page, address, complaints=complaints)
    names = ("notifications", "signing", "redaction", "limits", "audit", "agents")
    for name in names:
        await looking.open(f"{HOME}/{name}", f"{name}-none")
    await filling.fill(redis)
    await filling.alerted(redis, name=LONG, error=LONG)
    for name in names[:-1]:
        await looking.open(f"{HOME}/{name}", name)

    await looking.open(f"{HOME}/notifications", "notifications")
    await looking.press("Save Slack", "notifications-wrong", **{"slack-hook": "nowhere"})
    await looking.open(f"{HOME}/notifications/slack/remove", "channel-remove")
    await looking.open(f"{HOME}/signing", "signing")
    await looking.press("Make the next secret", "signing-fresh")
    await looking.press("Explain", "signing-explained", headers=f"webhook-id: {LONG}", body=LONG)
    await looking.press("Explain", "signing-wrong", headers=LONG)
    await looking.open(f"{HOME}/signing/delete", "signing-delete")
    await looking.open(f"{HOME}/redaction", "redaction")
    await looking.press("Save rules", "redaction-wrong", redact=LONG)
    await looking.open(f"{HOME}/limits", "limits")
    await looking.press("Save limits", "limits-wrong", monthly_request_limit="many")
    await looking.open(f"{HOME}/audit?q=byy:ada&from=x", "audit-wrong")
    await looking.open(f"{HOME}/audit?actor=nobody", "audit-not-found")
    looking.check()
    pages = {
        one.path for one in SETTINGS if isinstance(one.endpoint, Resource) and "GET" in one.endpoint.methods
    }
    assert pages <= LOOKED_AT
