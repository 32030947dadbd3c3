"""The whole journey in a browser, with and without script: from the first start to a failure, its repair and its replay.

A step is one function for both. What differs is `Journey.arrives` alone: what comes by itself on a live page has to be
loaded again without script.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import opened
from tests.browser.first_flow import begin, dev, text_of
from tests.browser.live import is_live
from tests.e2e.test_dev import Dev
from tests.poll import until
from tests.target import Received, Target

__all__ = ["dev"]

CRON, QUEUE, JOBS = "Health check", "invoices", 3
BROKEN = b"closed for repairs"


@dataclass
class Journey:
    """An owner's way through an installation that calls `target` and tells `receiver`."""

    page: Page
    api: str
    target: Target
    receiver: Target
    has_script: bool
    token: str = ""
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """What the browser asked of other addresses."""

    async def go(self, place: str, among: str = "Team") -> None:
        """By the menu of that name."""
        places = self.page.get_by_role("navigation", name=among, exact=True)
        link = places.get_by_role("link", name=place)
        await link.click()
        await expect(link).to_have_attribute(
            "aria-current", "page"
        )  # a page that is on its way is not loaded again

    def heading(self, words: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=words, exact=True)

    async def arrives(self, there: Locator, *, is_live: bool = False) -> None:
        """Wait until the page shows it: by itself on a live page, else by loading the page again and again."""
        if is_live and self.has_script:
            return await expect(there).to_be_visible()

        async def is_there() -> bool:
            await self.page.reload()
            return await there.is_visible()

        await until(is_there)

    async def is_told(self, event: str, many: int) -> list[dict[str, Any]]:
        """What the channel was sent of that kind, once it is as many."""

        async def came() -> list[dict[str, Any]]:
            found = [one for one in map(_sent, self.receiver.received) if one["event"] == event]
            return found if len(found) >= many else []

        return await until(came)


def _sent(received: Received) -> dict[str, Any]:
    alert: dict[str, Any] = json.loads(received.body)
    return alert


@pytest.fixture
def targets() -> Iterator[tuple[Target, Target]]:
    with Target() as target, Target() as receiver:
        yield target, receiver


@pytest.mark.parametrize("has_script", [True, False])
async def test_from_the_first_start_to_a_failure_and_back(
    dev: Dev, targets: tuple[Target, Target], chromium: Browser, has_script: bool
) -> None:
    await dev.ready()
    complaints: list[str] = []
    page = await opened(await chromium.new_context(java_script_enabled=has_script), complaints)
    journey = Journey(page, dev.value("API"), *targets, has_script, complaints=complaints)
    page.on(
        "request",
        lambda sent: None if sent.url.startswith(journey.api) else journey.elsewhere.append(sent.url),
    )

    await begin(page, dev.value("page"))
    for step in STEPS:
        await step(journey)
        assert (journey.complaints, journey.elsewhere) == ([], []), step.__name__

    assert "Traceback" not in dev.said()
    assert journey.token not in dev.said()


async def make_a_token(journey: Journey) -> None:
    page = journey.page
    await page.get_by_label("Name", exact=True).fill("shop")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    await expect(page.get_by_text("Waiting for its first call")).to_be_visible()
    journey.token = await text_of(page, "#token")


async def set_up_a_channel(journey: Journey) -> None:
    await journey.go("Notifications", "Settings")
    webhook = journey.page.get_by_role("region", name="Webhook")
    await webhook.get_by_label("URL", exact=True).fill(f"{journey.receiver.url}/alerts")
    await webhook.get_by_role("button", name="Set up Webhook").click()
    await expect(journey.heading("Alerts go to your webhook")).to_be_visible()
    await webhook.get_by_role("button", name="Send a test to your webhook").click()
    await expect(webhook.get_by_role("status")).to_contain_text("The test message was taken.")
    await journey.is_told("alert.test", 1)


async def make_a_cron(journey: Journey) -> None:
    page = journey.page
    await journey.go("Crons")
    await page.get_by_role("link", name="Make the first cron").click()
    await page.get_by_text("Expression", exact=True).first.click()
    await page.get_by_label("Expression", exact=True).locator("visible=true").last.fill("*/3 * * * * *")
    await page.get_by_label("Name", exact=True).fill(CRON)
    await page.get_by_label("URL", exact=True).fill(f"{journey.target.url}/health")
    await page.get_by_label("Tell people after").select_option("the first failure")
    await page.get_by_role("button", name="Create cron").click()
    await expect(journey.heading(CRON)).to_be_visible()


async def see_it_fire(journey: Journey) -> None:
    """A further fire comes into the strip; with script into the page that is there."""
    page = journey.page
    await journey.go("Crons")
    if journey.has_script:
        await is_live(page)
        await page.evaluate("window.isTheSame = true")
    completed = page.locator(".strip .m-ok")
    await journey.arrives(completed.first, is_live=True)
    await journey.arrives(completed.nth(await completed.count()), is_live=True)
    if journey.has_script:
        assert await page.evaluate("window.isTheSame")


async def make_a_queue(journey: Journey) -> None:
    page = journey.page
    await journey.go("Queues")
    await page.get_by_role("link", name="New queue").first.click()
    await page.get_by_label("Name", exact=True).fill(QUEUE)
    await page.get_by_label("Seconds before each retry").fill("1")
    await page.get_by_role("checkbox", name="Alert").check()
    await page.get_by_role("button", name="Make the queue").click()
    await expect(journey.heading(QUEUE)).to_be_visible()


async def break_the_target(journey: Journey) -> None:
    """Then jobs come to it from a program that uses the token."""
    journey.target.answer_with(503, BROKEN)
    headers = {"Authorization": f"Bearer {journey.token}"}
    async with httpx.AsyncClient(base_url=journey.api, headers=headers, trust_env=False) as client:
        for number in range(JOBS):
            job = {"queue": QUEUE, "url": f"{journey.target.url}/invoices/{number}", "payload": {}}
            answer = await client.post("/api/jobs", json=job)
            assert answer.status_code == 201, answer.text


async def see_the_alerts(journey: Journey) -> None:
    """At the receiver, as incidents, and on the overview."""
    page = journey.page
    failures = await journey.is_told("alert.failure", 2)
    assert {one["name"] for one in failures} == {CRON, QUEUE}
    await journey.go("Alerts")
    for name in (CRON, QUEUE):
        row = page.get_by_role("row", name=name)
        await journey.arrives(row.filter(has_text="Open").filter(has_text="delivered"))
    await journey.go("Overview")
    await journey.arrives(page.get_by_role("link", name=re.compile(rf"^{CRON} has failed")).first)
    await journey.arrives(page.get_by_role("link", name="3 dead letters", exact=True))


async def plan_the_replay(journey: Journey) -> None:
    page = journey.page
    await page.get_by_role("link", name=re.compile("^Plan a replay")).click()
    await expect(journey.heading("3 dead letters, one problem")).to_be_visible()
    await page.get_by_role("checkbox", name="Send one first").check()
    await page.get_by_label("A second, at most").fill("10")
    await page.get_by_role("button", name="Count again").click()
    await expect(page.locator(".say")).to_contain_text("One job is sent now.")


async def mend_the_target(journey: Journey) -> None:
    journey.target.answer_with(200, b"open again")
    (recovery,) = await journey.is_told("alert.recovery", 1)
    assert recovery["name"] == CRON


async def replay(journey: Journey) -> None:
    page = journey.page
    await page.get_by_role("button", name="Replay 3 jobs").click()
    await expect(journey.heading("Replay 1")).to_be_visible()
    await journey.arrives(page.locator("#progress").filter(has_text="All handed out"), is_live=True)
    await journey.arrives(page.get_by_role("img", name=re.compile("3 of 3: 3 completed")), is_live=True)
    await expect(page.get_by_text("Sent first")).to_be_visible()
    rail = page.get_by_role("navigation", name="Team", exact=True)
    await journey.arrives(rail.get_by_role("link", name="Dead letters", exact=True), is_live=True)


async def see_that_all_is_well(journey: Journey) -> None:
    page = journey.page
    await journey.go("Alerts")
    await journey.arrives(page.get_by_role("row", name=CRON).filter(has_text="Recovered"))
    await expect(journey.heading("One thing is broken.")).to_be_visible()
    await page.get_by_role("row", name=QUEUE).get_by_role("link").click()
    await page.get_by_role("button", name="Resolve").click()
    await expect(page.locator(".head")).to_contain_text("Recovered")
    await journey.go("Alerts")
    await expect(journey.heading("Nothing is broken.")).to_be_visible()
    await journey.go("Overview")
    await journey.arrives(journey.heading("Everything runs."))


STEPS = (
    make_a_token,
    set_up_a_channel,
    make_a_cron,
    see_it_fire,
    make_a_queue,
    break_the_target,
    see_the_alerts,
    plan_the_replay,
    mend_the_target,
    replay,
    see_that_all_is_well,
)
