"""What somebody has of another one's visit is worth nothing: planted cookies, old ones, used links, keys of forms."""

import pytest
from redis.asyncio import Redis

from services.api.pages.visits import PLAIN_COOKIE
from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.schemas.accounts.users import Role
from tests.pages.browser import PASSWORD, Browser, enter, make_user, token_of
from tests.pages.conftest import OWNER
from tests.pages.test_every_page import everything

API, MEMBERS = "/t/1/settings/api", "/t/1/settings/members"


async def test_a_session_that_somebody_planted_is_not_the_one_after_the_sign_in(
    browser: Browser, other: Browser, redis: Redis
) -> None:
    await make_user(redis, OWNER)
    await enter(other, redis, await make_user(redis, "thief@example.com", "den"))
    planted = other.client.cookies[PLAIN_COOKIE]
    browser.client.cookies.set(PLAIN_COOKIE, planted, domain="127.0.0.1", path="/")

    page = await browser.post("/sign-in", email=OWNER, password=PASSWORD)

    assert page.path == "/t/1"
    assert browser.client.cookies[PLAIN_COOKIE] != planted
    assert (await other.open("/me")).path == "/sign-in"


async def test_a_session_that_never_was_becomes_none_by_a_sign_in(
    browser: Browser, other: Browser, redis: Redis
) -> None:
    await make_user(redis, OWNER)
    for one in (browser, other):
        one.client.cookies.set(PLAIN_COOKIE, "p" * 43, domain="127.0.0.1", path="/")

    await browser.post("/sign-in", email=OWNER, password=PASSWORD)

    assert browser.client.cookies[PLAIN_COOKIE] != "p" * 43
    assert (await other.open("/me")).path == "/sign-in"


async def test_a_link_is_good_once(browser: Browser, other: Browser, redis: Redis) -> None:
    user = await make_user(redis, OWNER)
    for purpose, typed in ((Purpose.SIGN_IN, {}), (Purpose.RESET, {"password": "nine badgers dig"})):
        path = links.address_of("", purpose, await links.make(redis, purpose, user))
        first = await browser.post(path, **typed)
        again = await other.post(path, **typed)

        assert first.path == "/t/1"
        assert (again.status, again.path) == (404, path)
        assert "used up" in again.text
        assert PLAIN_COOKIE not in other.client.cookies


async def test_the_key_of_a_form_shows_nobody_else_what_it_made(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    await enter(other, redis, await make_user(redis, "second@example.com", role=Role.ADMIN))
    form = (await owner.open(API)).form(API)
    made = await owner.post(API, **{**form.fields, "name": "agent"})
    before = await everything(redis)

    stolen = await other.post(API, **{**form.fields, "name": "agent"})

    assert token_of(made) not in stolen.text
    assert await everything(redis) == before


@pytest.mark.parametrize(
    "after",
    [
        *("//planted.invalid", "/\\planted.invalid", "\\\\planted.invalid", "https:planted.invalid"),
        *(
            "javascript:planted=1",
            "data:text/html,x",
            "/t/1\r\nSet-Cookie: planted=1",
            "/t/1\tx",
            "/t/1?x=//y",
        ),
        *("///planted.invalid", "/%5cplanted.invalid", "/t/1#//x", "/t@planted.invalid", "\x00/me", "/me\n"),
        *("/\u2215planted.invalid", "/sign-out", "/static/x", "/api/jobs", "http://127.0.0.1/me", " /me"),
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/zone"])
async def test_nobody_is_led_elsewhere(browser: Browser, redis: Redis, path: str, after: str) -> None:
    await make_user(redis, OWNER)
    if path == "/zone":
        await browser.sign_in(OWNER)
    headers = {"Origin": browser.origin}

    typed = {"email": OWNER, "password": PASSWORD, "next": after, "zone": "UTC"}
    answer = await browser.client.post(path, data=typed, headers=headers)

    assert (answer.status_code, answer.headers["location"].partition("?")[0]) in ((303, "/"), (303, "/t/1"))
    assert "planted" not in str(answer.headers)


@pytest.mark.parametrize(
    "after", ["/t/..//planted.invalid", "/t/%2e%2e//planted.invalid", "/me//planted.invalid"]
)
async def test_a_way_up_stays_at_this_address(browser: Browser, redis: Redis, after: str) -> None:
    await make_user(redis, OWNER)

    page = await browser.post("/sign-in", email=OWNER, password=PASSWORD, next=after)

    assert str(page.response.url).startswith(browser.origin + "/")
