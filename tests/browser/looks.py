"""Each page, light and dark, wide and narrow: axe finds nothing, nothing scrolls sideways, nothing is blocked."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.schemas.accounts.users import Role
from shared.settings import Settings
from tests.api.serving import serving
from tests.browser.conftest import SCHEMES, WIDTHS, faults_of, opened
from tests.pages.browser import PASSWORD, make_user

LONG = "a-name-of-many-characters-without-a-blank-" * 5
PATHS = (
    "/t/1/settings/api",
    "/t/1/settings/api/1",
    "/t/1/settings/api/1/regenerate",
    "/t/1/settings/api/1/revoke",
    "/t/1/settings/members",
    "/t/1/settings/members/2/remove",
    "/me",
    "/new-team",
    "/t/9",
)
OPEN = ("/sign-in", "/sign-in/link/any", "/forgotten", "/join/any")


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_page_is_sound(
    address: str, redis: Redis, chromium: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    owner = await make_user(redis, "owner@example.com")
    await make_user(redis, f"{LONG[:60]}@example.com", role=Role.ADMIN)
    complaints: list[str] = []
    context = await chromium.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
    page = await opened(context, complaints)
    faults = []

    for path in OPEN:
        await page.goto(f"{address}{path}")
        faults += await faults_of(page)
    await page.goto(
        address + links.address_of("", Purpose.SIGN_IN, await links.make(redis, Purpose.SIGN_IN, owner))
    )
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/t/1/settings/api")
    await page.get_by_label("Name", exact=True).fill(LONG)
    await page.get_by_label("Only these hosts").fill("a.example.com, *.example.org")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    faults += await faults_of(page)
    await page.get_by_label("Name", exact=True).fill(LONG)
    await page.get_by_label("Calls a day").fill("many")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    faults += await faults_of(page)
    for path in PATHS:
        await page.goto(f"{address}{path}")
        faults += await faults_of(page)
    await page.goto(f"{address}/t/1/settings/members")
    await page.get_by_label("E-mail address").fill("new@example.com")
    await page.get_by_role("button", name="Invite").click()
    faults += await faults_of(page)
    await page.goto(f"{address}/me")
    await page.get_by_role("button", name="Add a second factor").click()
    faults += await faults_of(page)

    assert faults == []
    assert [said for said in complaints if "status of 4" not in said] == []


async def test_without_script_a_token_is_made_and_each_block_is_seen(
    address: str, redis: Redis, chromium: Browser
) -> None:
    await make_user(redis, "owner@example.com")
    page = await (await chromium.new_context(java_script_enabled=False)).new_page()

    await page.goto(f"{address}/sign-in?next=/me")
    await page.get_by_label("E-mail address").fill("owner@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    path = urlsplit(page.url).path
    await page.goto(f"{address}/t/1/settings/api")
    await page.get_by_label("Name", exact=True).fill("agent")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    seen = []
    for client in ("Claude Code", "Claude Desktop", "Cursor", "VS Code", "Windsurf", "Zed", "curl"):
        await page.get_by_text(client, exact=True).click()
        seen.append(
            [
                await one.inner_text()
                for one in await page.locator(".tabset .code header").all()
                if await one.is_visible()
            ]
        )

    assert path == "/me"
    assert [len(one) for one in seen] == [1] * 7
    assert await page.locator("[data-copy]:visible").count() == 0
