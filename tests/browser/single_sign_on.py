"""Through a provider and back in Chromium, which holds a redirect in answer to a form against the page's policy."""

import pytest
from playwright.async_api import Browser
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.store import account_keys
from tests.api.serving import serving
from tests.browser.conftest import faults_of, opened
from tests.pages.browser import make_user
from tests.pages.provider.conftest import settings_of
from tests.provider import of_others

ADA = {"sub": "ada", "email": "ada@example.com", "email_verified": True}


@pytest.mark.parametrize("has_script", [True, False])
async def test_a_user_signs_in_by_the_provider(
    server: EmbeddedServer, redis: Redis, chromium: Browser, has_script: bool
) -> None:
    await make_user(redis, "ada@example.com")
    complaints: list[str] = []
    async with of_others(ADA) as issuer:
        with serving(settings_of(server, issuer, oidc_name="Example login")) as address:
            page = await opened(await chromium.new_context(java_script_enabled=has_script), complaints)
            await page.goto(f"{address}/sign-in?next=/me")
            faults = await faults_of(page) if has_script else []
            await page.get_by_role("button", name="Sign in with Example login").click()
            await page.wait_for_url(f"{issuer}/**")
            await page.get_by_role("button", name="ada", exact=True).click()
            await page.wait_for_url(f"{address}/me")

            assert await page.get_by_text("ada@example.com").count()
            assert faults == []
            # The provider's own page asks for a style of elsewhere, and has no icon.
            assert [said for said in complaints if "Failed to load resource" not in said] == []


async def test_who_finds_the_address_taken_reads_what_is_removed_and_sets_a_password(
    server: EmbeddedServer, redis: Redis, chromium: Browser
) -> None:
    user = await make_user(redis, "ada@example.com")
    await redis.hdel(account_keys.user(user), "email_proved")  # type: ignore[misc]
    complaints: list[str] = []
    async with of_others(ADA) as issuer:
        with serving(settings_of(server, issuer, oidc_name="Example login")) as address:
            page = await opened(await chromium.new_context(), complaints)
            await page.goto(f"{address}/sign-in")
            await page.get_by_role("button", name="Sign in with Example login").click()
            await page.wait_for_url(f"{issuer}/**")
            await page.get_by_role("button", name="ada", exact=True).click()
            await page.get_by_role("heading", name="This account is yours now").wait_for()
            faults = await faults_of(page)
            await page.get_by_role("link", name="Your page").click()
            faults += await faults_of(page)
            await page.locator("#password").fill("nine herons wait")
            await page.get_by_role("button", name="Set a password").click()
            await page.get_by_role("button", name="Change password").wait_for()

            assert faults == []
            assert [said for said in complaints if "Failed to load resource" not in said] == []
