"""A forgotten password, where mail can be sent."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests.api.serving import serving
from tests.mailbox import Mailbox
from tests.pages.browser import Browser, Page, make_user
from tests.pages.conftest import OWNER, at_an_address_of_its_own
from tests.poll import until

PUBLIC = "https://recuro.example"
OTHER_PASSWORD = "eight badgers sing"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture
async def mailing(server: EmbeddedServer, redis: Redis, mailbox: Mailbox) -> AsyncIterator[Browser]:
    """A browser behind a proxy that ends TLS, of an installation that sends mail."""
    settings = Settings(
        redis_url=server.url,
        api_port=0,
        public_url=PUBLIC,
        mcp_url="https://mcp.recuro.example/mcp",
        smtp_host="127.0.0.1",
        smtp_port=mailbox.port,
        smtp_security="none",
        smtp_from="recuro@example.com",
    )
    with serving(settings) as address:
        async with at_an_address_of_its_own(address) as client:
            browser = Browser(client)
            browser.origin = PUBLIC
            yield browser


async def asked(mailing: Browser, email: str) -> Page:
    return await mailing.send(await mailing.open("/forgotten"), email=email)


async def test_a_letter_has_a_link_that_sets_another_password(
    mailing: Browser, redis: Redis, mailbox: Mailbox
) -> None:
    await make_user(redis, OWNER)
    page = await asked(mailing, OWNER)

    async def arrived() -> bool:
        return bool(mailbox.letters)

    await until(arrived)
    (link,) = [word for word in mailbox.letters[0].get_content().split() if word.startswith(PUBLIC)]
    path = link.removeprefix(PUBLIC)
    fields, headers = {"password": OTHER_PASSWORD}, {"Origin": PUBLIC}
    answer = await mailing.client.post(path, data=fields, headers=headers)

    assert "a letter with a link is on its way" in page.text
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["set-cookie"].startswith("__Host-recuro=")


async def test_whether_there_is_such_a_user_is_not_told(mailing: Browser, redis: Redis) -> None:
    await make_user(redis, OWNER)

    known, unknown = await asked(mailing, OWNER), await asked(mailing, "nobody@example.com")

    assert known.text.replace(OWNER, "") == unknown.text.replace("nobody@example.com", "")
    assert known.status == unknown.status == 200


async def test_links_and_blocks_name_the_public_addresses(mailing: Browser, redis: Redis) -> None:
    await make_user(redis, OWNER)
    fields, headers = {"email": OWNER, "password": "seven otters knit"}, {"Origin": PUBLIC}
    answer = await mailing.client.post("/sign-in", data=fields, headers=headers)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    async with httpx.AsyncClient(
        base_url=str(mailing.client.base_url), headers={"Cookie": cookie}, verify=False
    ) as client:
        inside = Browser(client)
        inside.origin = PUBLIC
        made = await inside.send(await inside.open("/t/1/settings/api"), name="agent")
        invited = await inside.send(await inside.open("/t/1/settings/members"), email="grace@example.com")

    assert f"{PUBLIC}/api/queues" in made.text
    assert '"url": "https://mcp.recuro.example/mcp"' in made.text
    assert f"{PUBLIC}/join/" in invited.text
