"""The real server, and browsers without script in which an owner, a member or nobody is signed in."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests.api.serving import serving
from tests.pages.browser import Browser, enter, make_user

OWNER, MEMBER = "owner@example.com", "member@example.com"

_numbers = count(1)


def at_an_address_of_its_own(server: str) -> httpx.AsyncClient:
    """So that nobody is slowed down for what another test guessed."""
    number = next(_numbers)
    transport = httpx.AsyncHTTPTransport(
        local_address=f"127.1.{number // 250}.{number % 250 + 1}", verify=False
    )
    return httpx.AsyncClient(base_url=server, timeout=30, transport=transport)


@pytest.fixture(scope="module")
def address(server: EmbeddedServer) -> Iterator[str]:
    """One a file: the same few users guess wrong in many tests, and each process brakes them."""
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


@pytest.fixture
async def browser(address: str, redis: Redis) -> AsyncIterator[Browser]:
    """Nobody is signed in; Redis is empty."""
    async with at_an_address_of_its_own(address) as client:
        yield Browser(client)


@pytest.fixture
async def other(address: str, redis: Redis) -> AsyncIterator[Browser]:
    """Another one, somewhere else."""
    async with at_an_address_of_its_own(address) as client:
        yield Browser(client)


@pytest.fixture
async def owner(browser: Browser, redis: Redis) -> Browser:
    """The owner of team 1, called shop."""
    await enter(browser, redis, await make_user(redis, OWNER))
    return browser


@pytest.fixture
async def member(other: Browser, owner: Browser, redis: Redis) -> Browser:
    """A member of the same team, who is no admin."""
    await enter(other, redis, await make_user(redis, MEMBER))
    return other
