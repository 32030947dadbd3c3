"""The product's first flow in a browser: from the link of `recuro dev` to an agent that calls, and out again."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import opened
from tests.e2e.test_dev import RECURO, Dev
from tests.poll import until

PASSWORD = "seven otters knit"
OWNER, MEMBER = "owner@example.com", "member@example.com"


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    running = Dev(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


async def test_from_the_first_link_to_the_sign_out(dev: Dev, chromium: Browser) -> None:
    await dev.ready()
    complaints: list[str] = []
    context = await chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await opened(context, complaints)

    await begin(page, dev.value("page"))
    token = await generate(page)
    await copy_it(page, token)
    await use_by_curl(page)
    await use_by_mcp(page)
    await regenerate(page, token, dev.value("API"))
    link = await invite(page)
    member = await opened(await chromium.new_context(), complaints)
    await join_as_a_member(member, link)
    await take_nothing_from_elsewhere(page, dev.value("API"))
    await protect(page, dev.value("API"))
    await hand_over(page, dev.value("API"))
    await delete_the_team(member, dev.value("API"))
    await end(page, dev.value("API"))

    assert [said for said in complaints if "status of 40" not in said and "status of 422" not in said] == []
    assert "Traceback" not in dev.said()
    assert token not in dev.said()
    assert PASSWORD not in dev.said()


async def begin(page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/welcome")
    await page.get_by_label("E-mail address").fill(OWNER)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    await page.wait_for_url("**/t/1")
    await page.get_by_role("link", name="Set up your agent").click()
    await page.wait_for_url("**/t/1/settings/api")


async def generate(page: Page) -> str:
    await page.get_by_label("Name", exact=True).fill("coding agent")
    await page.get_by_label("Only these hosts").fill("*.example.com")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    await expect(page.get_by_text("Waiting for its first call")).to_be_visible()
    return await text_of(page, "#token")


async def copy_it(page: Page, token: str) -> None:
    await page.locator(".secret").get_by_role("button", name="Copy").click()
    await expect(page.locator(".secret").get_by_text("Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == token


async def use_by_curl(page: Page) -> None:
    """As the page says it; the page notices."""
    await page.get_by_text("curl", exact=True).click()
    await expect(page.locator("#for-curl")).to_be_visible()
    command = await text_of(page, "#for-curl")
    said = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", f"{command} --silent --fail"], capture_output=True, text=True
    )
    assert json.loads(said.stdout)["total"] == 0, said.stderr
    await expect(page.get_by_text("First call from 127.0.0.1, by REST")).to_be_visible()


async def use_by_mcp(page: Page) -> None:
    """As the page says it to Claude Desktop."""
    await page.get_by_text("Claude Desktop", exact=True).click()
    block: dict[str, Any] = json.loads(await text_of(page, "#for-claude-desktop"))
    server = block["mcpServers"]["recuro"]
    command = str(RECURO.parent / server["command"])
    parameters = StdioServerParameters(command=command, env={"PATH": str(RECURO.parent), **server["env"]})
    async with Client(parameters) as client:
        result = await client.call_tool("list-crons", {})
    assert not result.is_error, result


async def regenerate(page: Page, before: str, api: str) -> None:
    await page.goto(f"{api}/t/1/settings/api/2")
    await page.get_by_role("link", name="Regenerate").click()
    await page.get_by_role("button", name="Regenerate").click()
    after = await text_of(page, "#token")

    async def is_refused() -> bool:
        return await status_of(api, before) == "401"

    assert after != before
    assert await until(is_refused, 5.5)
    assert await status_of(api, after) == "200"


async def status_of(api: str, token: str) -> str:
    curl = shutil.which("curl") or "curl"
    command = [curl, "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {token}"]
    said = await asyncio.to_thread(
        subprocess.run, [*command, f"{api}/api/queues"], capture_output=True, text=True, check=True
    )
    return said.stdout


async def invite(page: Page) -> str:
    await (
        page.get_by_role("navigation", name="Settings", exact=True)
        .get_by_role("link", name="Members")
        .click()
    )
    await page.get_by_label("E-mail address").fill(MEMBER)
    await page.get_by_role("button", name="Invite").click()
    return await text_of(page, "#link")


async def join_as_a_member(page: Page, link: str) -> None:
    """They see no page of admins, and no way to one."""
    await page.goto(link)
    await page.get_by_label("Name", exact=True).fill("Mel")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Join").click()
    await page.wait_for_url("**/t/1")
    await page.get_by_role("navigation", name="You and settings").get_by_role("link", name="Settings").click()
    await page.wait_for_url("**/t/1/settings/members")
    await expect(page.get_by_role("link", name="API", exact=True)).to_have_count(0)
    await expect(page.get_by_role("button", name=re.compile("Remove|Invite|Make"))).to_have_count(0)
    answer = await page.goto(page.url.replace("/members", "/api"))
    assert answer
    assert answer.status == 403
    await expect(page.get_by_text("Only admins of the team may see this")).to_be_visible()


async def take_nothing_from_elsewhere(page: Page, api: str) -> None:
    """A page of another site sends a form of ours: no cookie comes with it, and nothing is done."""
    other = await page.context.new_page()
    form = (
        f'<form method="post" action="{api}/t/1/settings/api"><input name="name" value="planted">'
        '<input name="scope" value="admin"><button>Win</button></form>'
    )
    await other.route(
        "http://evil.example/**", lambda route: route.fulfill(body=form, content_type="text/html")
    )
    await other.goto("http://evil.example/")
    await other.get_by_role("button", name="Win").click()
    await expect(other.get_by_text("This form came from another site, so nothing was done.")).to_be_visible()
    await other.close()
    await page.goto(f"{api}/t/1/settings/api")
    await expect(page.get_by_text("planted")).to_have_count(0)


async def protect(page: Page, api: str) -> None:
    """By the secret as text, as somebody does it who cannot scan the picture; the next sign-in asks for it."""
    await page.goto(f"{api}/me")
    await page.get_by_role("link", name="Add a second factor").click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("img", name=re.compile("QR code"))).to_be_visible()
    width = await page.locator("img.qr").evaluate("image => image.naturalWidth")
    assert width > 0
    secret = pyotp.TOTP((await text_of(page, "#secret")).replace(" ", ""))
    recovery = (await text_of(page, "#codes")).split()
    await page.get_by_label("I have kept them").check()
    await page.get_by_label("Code", exact=True).fill(secret.now())
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_text("Ten recovery codes left.")).to_be_visible()
    await page.locator("main").get_by_role("button", name="Sign out", exact=True).first.click()
    await page.get_by_label("E-mail address").fill(OWNER)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Code", exact=True).fill(recovery[0])
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/t/1")


async def hand_over(page: Page, api: str) -> None:
    await page.goto(f"{api}/t/1/settings/team")
    await page.get_by_role("link", name="Hand over").click()
    await page.get_by_role("link", name=f"Choose {MEMBER}").click()
    await page.get_by_role("button", name="Hand over").click()
    await expect(page.get_by_text("Mel owns this team.")).to_be_visible()
    await expect(page.get_by_role("link", name="Delete the team")).to_have_count(0)


async def delete_the_team(page: Page, api: str) -> None:
    """By its new owner, who may from now on."""
    await page.goto(f"{api}/t/1/settings/team")
    await page.get_by_role("link", name="Delete the team").click()
    await page.get_by_label(re.compile("type its name")).fill("default")
    await page.get_by_role("button", name="Delete the team").click()
    await page.wait_for_url("**/me")
    await expect(page.get_by_text("No teams")).to_be_visible()


async def end(page: Page, api: str) -> None:
    """Out, and the cookie that somebody kept opens nothing."""
    kept = await page.context.cookies()
    await page.goto(f"{api}/me")
    await page.locator("main").get_by_role("button", name="Sign out", exact=True).first.click()
    await page.wait_for_url("**/sign-in")
    await page.context.add_cookies([{**one} for one in kept])  # type: ignore[typeddict-item]
    await page.goto(f"{api}/me")
    await page.wait_for_url("**/sign-in?next=/me")


async def text_of(page: Page, selector: str) -> str:
    found = await page.locator(selector).text_content()
    assert found
    return found
