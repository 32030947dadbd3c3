"""Jobs, queues and dead letters in a browser: from a job by the form to its replay; each page and state looked at."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.api.pages.routes import WORK
from services.api.routing import Resource
from services.cli.embedded import EmbeddedServer
from services.scheduler.replay import step
from services.worker.work import Complete, Dead, Retry
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.settings import Settings
from tests.api.serving import serving
from tests.browser.conftest import opened
from tests.browser.looking import LONG, LOOKED_AT, Looking
from tests.pages.browser import make_user
from tests.pages.work import filling
from tests.pages.work.filling import SHARD

JOBS, QUEUES, DEAD = "/t/1/jobs", "/t/1/queues", "/t/1/dead-letters"


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


async def entered(
    browser: Browser, address: str, redis: Redis, *, script: bool = True
) -> tuple[Page, list[str]]:
    """The page of an owner who has just come in, and its complaints."""
    complaints: list[str] = []
    page = await opened(await browser.new_context(java_script_enabled=script), complaints)
    code = await links.make(redis, Purpose.SIGN_IN, await make_user(redis, "owner@example.com"))
    await page.goto(address + links.address_of("", Purpose.SIGN_IN, code))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()
    return page, complaints


@pytest.mark.parametrize("script", [True, False])
async def test_from_a_job_by_the_form_to_its_replay(
    address: str, redis: Redis, chromium: Browser, script: bool
) -> None:
    page, complaints = await entered(chromium, address, redis, script=script)
    team = page.get_by_role("navigation", name="Team", exact=True)
    await team.get_by_role("link", name="Jobs").click()
    await page.get_by_role("link", name="Make the first job").click()
    await page.get_by_label("Queue", exact=True).fill("webhooks")
    await page.get_by_label("URL", exact=True).fill(filling.URL)
    await page.get_by_label("Body", exact=True).fill('{"order": 99121}')
    await page.get_by_role("button", name="Send it").click()
    await expect(page.get_by_role("heading", name="Job 1")).to_be_visible()
    await expect(page.locator(".head")).to_contain_text("Waits")

    await filling.ended(redis, [Retry(1), Dead()])
    await page.reload()
    await expect(page.locator(".head")).to_contain_text("Two attempts in")
    await page.get_by_role("link", name=re.compile("Attempt 1")).click()
    await expect(page.get_by_role("heading", name="Attempt 1")).to_be_visible()

    await team.get_by_role("link", name="Dead letters").click()
    await expect(page.get_by_role("heading", name="1 dead letter, one problem")).to_be_visible()
    await page.get_by_role("link", name=re.compile("^Open server error 503")).click()
    await page.get_by_label("A second, at most").fill("2")
    await page.get_by_role("button", name="Count again").click()
    await expect(page.locator(".say")).to_contain_text("One job is sent now.")
    await page.get_by_role("button", name="Replay 1 job").click()
    await expect(page.get_by_role("heading", name="Replay 1")).to_be_visible()
    await step(redis, SHARD)
    await filling.ended(redis, [Complete()], "fine")
    await step(redis, SHARD)
    if not script:
        await page.reload()
    await expect(page.locator("#progress")).to_contain_text("All handed out")

    await team.get_by_role("link", name="Queues").click()
    await page.get_by_role("button", name="Pause webhooks").click()
    await expect(page.get_by_text("It is paused.")).to_be_visible()
    assert complaints == []


async def test_each_page_and_state(address: str, redis: Redis, chromium: Browser) -> None:
    page, complaints = await entered(chromium, address, redis)
    looking = Looking(page, address, complaints=complaints)
    for path, name in ((JOBS, "jobs-none"), (QUEUES, "queues-none"), (DEAD, "dead-none")):
        await looking.open(path, name)
    await looking.open("/t/1/replays", "replays-none")
    await filling.died_slowly(redis)
    await filling.dead(redis, 30, url=f"https://a.example/{LONG}", queue=LONG, key=LONG, labels={"team": "a"})
    await filling.made(redis, body="y" * 1_000_000, payload=None)
    await filling.ended(redis, [Complete()], '{"rows": [' + ", ".join(["1"] * 4_000) + "]}")
    await filling.made(redis, delay=60, key=LONG)

    await looking.open(JOBS, "jobs")
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await page.get_by_role("checkbox").first.check()
    await looking.look("jobs-chosen")
    await looking.open(f"{JOBS}?status=dead_lettered", "jobs-found")
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await page.get_by_role("checkbox").first.check()
    await page.get_by_role("checkbox", name=re.compile("^All 3. that were found")).check()
    await looking.press("Delete", "jobs-delete-many")
    await looking.open(f"{JOBS}?q=stauts:failed", "jobs-wrong")
    await looking.open(f"{JOBS}/1", "job")
    await looking.open(f"{JOBS}/34", "job-huge")
    await looking.open(f"{JOBS}/35/cancel", "job-cancel")
    await looking.open(f"{JOBS}/1/delete", "job-delete")
    await looking.open(f"{JOBS}/1/replay", "job-replay")
    await looking.open(f"{JOBS}/new?copy=1", "job-copy")
    await looking.press("Send it", "job-new-wrong", url="nowhere", headers="no colon")
    await looking.open(QUEUES, "queues")
    await looking.open(f"{QUEUES}/new", "queue-new")
    await looking.open(f"{QUEUES}/2", "queue")
    await looking.press("Save", "queue-wrong", rate_limit="0")
    await looking.open(f"{QUEUES}/2/delete", "queue-delete")
    await looking.open(DEAD, "dead")
    await looking.open(f"{DEAD}?view=one", "dead-one-by-one")
    await page.locator(".pick .check").first.check()
    await looking.look("dead-chosen")
    await looking.open(f"{DEAD}/2", "dead-open")
    await looking.open(f"{DEAD}/2?rate=0&origin=x", "dead-wrong")
    await looking.open(f"{DEAD}/2/purge", "dead-purge")
    await looking.press("Purge them", "dead-purge-wrong", number="1")
    await page.goto(f"{address}{DEAD}/2")
    await looking.press("Replay 30 jobs", "replay")
    await looking.open(f"{page.url.removeprefix(address)}/stop", "replay-stop")
    await looking.open("/t/1/replays", "replays")
    looking.check()
    pages = {one.path for one in WORK if isinstance(one.endpoint, Resource) and "GET" in one.endpoint.methods}
    assert pages <= LOOKED_AT
