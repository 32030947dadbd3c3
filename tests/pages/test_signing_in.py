"""Signing in and out, with script or without."""

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.settings import Settings
from tests.api.serving import serving
from tests.pages.browser import PASSWORD, Browser, Page, make_user
from tests.pages.conftest import OWNER

OTHER_PASSWORD = "eight badgers sing"


async def link(redis: Redis, purpose: Purpose = Purpose.SIGN_IN, team: str = "default") -> str:
    code = await links.make(redis, purpose, await users.owner_of(redis, team, users.FIRST_OWNER))
    return links.address_of("", purpose, code)


async def test_a_password_opens_the_page_of_the_team(browser: Browser, redis: Redis) -> None:
    await make_user(redis, OWNER)

    page = await browser.sign_in(OWNER)

    assert (page.status, page.path) == (200, "/t/1")
    assert OWNER in page.text


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    browser: Browser, redis: Redis
) -> None:
    await make_user(redis, OWNER)
    fields = {"email": OWNER, "password": PASSWORD}

    answer = await browser.client.post("/sign-in", data=fields, headers={"Origin": browser.origin})

    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("recuro=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


async def test_behind_https_the_cookie_is_secure_and_of_this_host_alone(
    server: EmbeddedServer, redis: Redis
) -> None:
    await make_user(redis, OWNER)
    settings = Settings(redis_url=server.url, api_port=0, public_url="https://recuro.example")
    fields, headers = {"email": OWNER, "password": PASSWORD}, {"Origin": "https://recuro.example"}

    with serving(settings) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
            answer = await client.post("/sign-in", data=fields, headers=headers)

    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-recuro=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_over_plain_http_from_elsewhere_nobody_is_signed_in_and_no_link_used_up(
    browser: Browser, redis: Redis
) -> None:
    await make_user(redis, OWNER, "default")
    path = await link(redis)
    headers = {"Host": "recuro.lan", "Origin": "http://recuro.lan"}

    answers = [
        await browser.client.post("/sign-in", data={"email": OWNER, "password": PASSWORD}, headers=headers),
        await browser.client.post(path, headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Use the https address." in answers[1].text
    assert all("set-cookie" not in answer.headers for answer in answers)
    assert (await browser.send(await browser.open(path))).path == "/t/1"


@pytest.mark.parametrize("email", [OWNER, "nobody@example.com"])
async def test_a_wrong_password_and_an_unknown_address_are_told_in_the_same_words(
    browser: Browser, redis: Redis, email: str
) -> None:
    await make_user(redis, OWNER)

    page = await browser.sign_in(email, "wrong otters knit")

    assert (page.status, page.path) == (401, "/sign-in")
    assert "The e-mail address or the password is wrong." in page.text
    form = page.form("/sign-in")
    assert (form.fields["email"], form.fields["password"]) == (email, "")


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/t/\\evil",
        "/meow\r\nX: y",
        "javascript:1",
    ],
)
async def test_after_the_sign_in_it_goes_on_inside_only(browser: Browser, redis: Redis, after: str) -> None:
    await make_user(redis, OWNER)
    fields = {"email": OWNER, "password": PASSWORD, "next": after}

    answer = await browser.client.post("/sign-in", data=fields, headers={"Origin": browser.origin})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(owner: Browser) -> None:
    kept = dict(owner.client.cookies)

    page = await owner.post("/sign-out")
    owner.client.cookies.update(kept)

    assert page.path == "/sign-in"
    assert (await owner.open("/me")).path == "/sign-in"


async def test_a_link_signs_in_once_and_only_when_somebody_presses(browser: Browser, redis: Redis) -> None:
    await make_user(redis, OWNER, "default")
    path = await link(redis)
    await browser.open(path)  # as what looks at links ahead of people does

    first = await browser.send(await browser.open(path))
    second = await browser.send(await browser.open(path), path)

    assert first.path == "/t/1"
    assert second.status == 404
    assert "one use" in second.text


async def test_the_first_owner_is_welcomed_and_signs_in_by_password_then(
    browser: Browser, other: Browser, redis: Redis
) -> None:
    welcome = await browser.send(await browser.open(await link(redis)))
    wrong = await browser.send(welcome, email="no address", name="Ada", password="password12")
    inside = await browser.send(wrong, email=OWNER, password=PASSWORD)

    assert welcome.path == "/welcome"
    assert wrong.status == 422
    assert "Must be an e-mail address" in wrong.text
    assert wrong.form("/welcome").fields["name"] == "Ada"
    assert inside.path == "/t/1"
    assert (await other.sign_in(OWNER)).path == "/t/1"


async def test_a_password_is_set_by_a_link(browser: Browser, redis: Redis) -> None:
    await make_user(redis, OWNER, "default")
    path = await link(redis, Purpose.RESET)

    page = await browser.open(path)
    wrong = await browser.send(page, password="short")
    inside = await browser.send(wrong, password=OTHER_PASSWORD)

    assert OWNER in page.text
    assert "Must have 10 characters or more." in wrong.text
    assert inside.path == "/t/1"
    assert (await browser.open(path)).status == 404


async def test_without_mail_who_has_forgotten_it_is_told_whom_to_ask(browser: Browser) -> None:
    page = await browser.send(await browser.open("/forgotten"), email=OWNER)

    assert page.status == 409
    assert "ask whoever runs Recuro" in page.text


def attempts_refused() -> float:
    return REGISTRY.get_sample_value("recuro_calls_refused_total", {"reason": "attempts"}) or 0.0


async def test_guessing_is_slowed_down_and_says_how_long(browser: Browser, redis: Redis) -> None:
    await make_user(redis, "guessed@example.com")
    before = attempts_refused()

    page: Page | None = None
    for _ in range(12):
        page = await browser.sign_in("guessed@example.com", "wrong otters knit")

    assert page is not None
    assert page.status == 429
    assert attempts_refused() == before + 2
    assert int(page.response.headers["retry-after"]) >= 1
    assert "try again" in page.text


async def test_where_there_is_a_public_address_forms_are_taken_from_it_alone(
    server: EmbeddedServer, redis: Redis
) -> None:
    await make_user(redis, OWNER)
    settings = Settings(redis_url=server.url, api_port=0, public_url="https://recuro.example")
    fields = {"email": OWNER, "password": PASSWORD}
    strange = {"Host": "recuro.lan", "Origin": "http://recuro.lan"}

    with serving(settings) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
            refused = [
                await client.post("/sign-in", data=fields, headers=headers)
                for headers in (strange, {**strange, "Origin": "http://recuro.example"})
            ]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert not any("set-cookie" in answer.headers for answer in refused)
