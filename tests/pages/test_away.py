"""Pages while Redis does not answer: they say so, and keep what was typed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.cli import embedded
from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from shared.store import connection
from tests.api.serving import serving
from tests.pages.browser import Browser, Page, enter, make_user
from tests.pages.conftest import OWNER, at_an_address_of_its_own


@pytest.fixture
def own_server(tmp_path: Path) -> EmbeddedServer:
    return embedded.start(tmp_path)


@pytest.fixture
async def left(own_server: EmbeddedServer) -> AsyncIterator[tuple[Browser, Page]]:
    """A browser with the page of the tokens open, when Redis goes away."""
    redis = connection.connect(Settings(redis_url=own_server.url))
    with serving(Settings(redis_url=own_server.url, api_port=0)) as address:
        async with at_an_address_of_its_own(address) as client:
            browser = Browser(client)
            await enter(browser, redis, await make_user(redis, OWNER))
            page = await browser.open("/t/1/settings/api")
            await redis.aclose()
            own_server.stop()
            yield browser, page


async def test_a_page_says_that_nothing_is_lost(left: tuple[Browser, Page]) -> None:
    browser, _ = left

    page = await browser.open("/t/1/settings/members")

    assert page.status == 503
    assert "Redis does not answer" in page.text
    assert "/t/1/settings/members" in page.links
    assert page.response.headers["retry-after"]


async def test_a_form_keeps_what_was_typed_until_it_is_sent_again(
    left: tuple[Browser, Page], own_server: EmbeddedServer
) -> None:
    browser, page = left
    away = await browser.send(page, name="agent", hosts="*.example.com")
    back = embedded.start(own_server.data_dir)

    again = await browser.send(away)
    back.stop()

    assert away.status == 503
    assert away.form(page.path).fields["hosts"] == "*.example.com"
    assert again.status == 201
    assert "Only host *.example.com" in again.text


async def test_a_password_is_asked_for_again_and_not_written_into_the_page(
    left: tuple[Browser, Page],
) -> None:
    browser, _ = left

    away = await browser.post("/sign-in", email=OWNER, password="seven otters knit")

    assert away.status == 503
    assert away.form("/sign-in").fields == {"email": OWNER, "password": ""}
    assert "seven otters knit" not in away.response.text
