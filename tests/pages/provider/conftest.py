"""A server with single sign-on, its provider, and the way of a browser to it and back."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests.api.serving import serving
from tests.installation import free_port
from tests.pages.browser import Browser, Page, make_user
from tests.pages.conftest import OWNER
from tests.provider import CLIENT, SECRET, Provider


@pytest.fixture(scope="session")
def running() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    running.reset()
    yield running
    running.released.set()


@pytest.fixture(scope="session")
def address(server: EmbeddedServer, running: Provider) -> Iterator[str]:
    """In place of the server without single sign-on."""
    with serving(settings_of(server, running.issuer)) as found:
        yield found


@pytest.fixture
async def ada(redis: Redis) -> int:
    """A user of the address that the provider says, in the team of the owner."""
    await make_user(redis, OWNER)
    return await make_user(redis, "Ada@Example.com")


def settings_of(server: EmbeddedServer, issuer: str, **given: Any) -> Settings:
    port = free_port()
    usual: dict[str, Any] = {
        "redis_url": server.url,
        "api_port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_domains": "example.com,Example.ORG",
    }
    return Settings(**{**usual, **given})


async def go(browser: Browser, after: str = "") -> str:
    """Press the button; where the browser is sent."""
    page = await browser.open(f"/sign-in?next={after}")
    going = await browser.send(page, "/sign-in/oidc")
    assert going.status == 200, going.text
    there = going.links[-1]
    assert f'content="0;url={there.replace("&", "&amp;")}"' in going.response.text
    return there


async def come_back(browser: Browser, provider: Provider, after: str = "") -> Page:
    return await browser.open(provider.authorize(await go(browser, after)))
