"""The whole way through a provider that we did not write, as a process of its own."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from tests.api.serving import serving
from tests.pages.browser import Browser, Page
from tests.pages.conftest import at_an_address_of_its_own
from tests.pages.provider.conftest import go, settings_of
from tests.provider import Claims, of_others

USERS: tuple[Claims, ...] = (
    {"sub": "ada", "email": "ada@example.com", "email_verified": True, "name": "Ada"},
    {"sub": "mallory", "email": "owner@example.com", "email_verified": False},
    {"sub": "nobody"},
)


@pytest.fixture
async def running() -> AsyncIterator[str]:
    async with of_others(*USERS) as issuer:
        yield issuer


async def signed_in_there(server: EmbeddedServer, issuer: str, **form: str) -> tuple[Page, Page]:
    """What the browser sees when it is back, and what `/me` is then."""
    with serving(settings_of(server, issuer)) as address:
        async with at_an_address_of_its_own(address) as client:
            browser = Browser(client)
            there = await go(browser, "/me")
            sent = await client.post(there, data=form, follow_redirects=False)
            assert sent.status_code == 302, sent.text
            return await browser.open(sent.headers["location"]), await browser.open("/me")


async def test_a_user_signs_in(server: EmbeddedServer, redis: Redis, running: str, ada: int) -> None:
    page, me = await signed_in_there(server, running, sub="ada")

    assert (page.status, page.path, me.path) == (200, "/me", "/me")
    assert "Ada@Example.com" in page.text
    assert await redis.hget(f"r:{{global}}:user:{ada}", "subject") == "ada"  # type: ignore[misc]


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"sub": "mallory"}, 403, "has not verified owner@example.com"),
        ({"sub": "nobody"}, 403, "did not say your e-mail address"),
        ({"action": "deny"}, 401, "begin anew"),
    ],
)
async def test_others_do_not(
    server: EmbeddedServer, redis: Redis, running: str, form: dict[str, str], status: int, sentence: str
) -> None:
    page, me = await signed_in_there(server, running, **form)

    assert (page.status, me.path) == (status, "/sign-in")
    assert sentence in page.text
