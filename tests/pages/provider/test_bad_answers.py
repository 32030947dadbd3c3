"""Answers of a provider, or of somebody in its place, that let nobody in."""

import asyncio
import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.security.oidc import provider as oidc
from tests.api.serving import serving
from tests.installation import free_port
from tests.pages.browser import Browser, Page
from tests.pages.conftest import at_an_address_of_its_own
from tests.pages.provider.conftest import come_back, go, settings_of
from tests.provider import (
    CONNECTIONS_SECONDS,
    EMAIL,
    KEY,
    OTHER_KEY,
    SECRET,
    SUBJECT,
    Claims,
    Provider,
    saying,
    signed,
)

pytestmark = pytest.mark.usefixtures("ada")
CALLBACK = "/sign-in/oidc/callback"


async def is_outside(browser: Browser, redis: Redis, page: Page, status: int = 401) -> bool:
    """Whether nobody was let in and nobody linked, and the page offers to begin anew."""
    assert page.status == status, page.text
    assert page.form("/sign-in/oidc")
    assert "recuro" not in browser.client.cookies
    assert not await redis.exists("r:{global}:identities")
    return (await browser.open("/me")).path == "/sign-in"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "it is of another sign-in"),
        ({"nonce": None}, "it is of another sign-in"),
        ({"nonce": ["a", "list"]}, "it is of another sign-in"),
        ({"iss": "https://evil.example"}, "it is of another issuer"),
        ({"iss": None}, "it is of another issuer"),
        ({"aud": "another client"}, "it is for another client"),
        ({"aud": ["another client"]}, "it is for another client"),
        ({"aud": ["recuro", "another client"]}, "it is for another client"),
        ({"aud": ["recuro", "another"], "azp": "another"}, "it is for another client"),
        ({"aud": [], "azp": "recuro"}, "it is for another client"),
        ({"aud": ["another client"], "azp": "recuro"}, "it is for another client"),
        ({"aud": None}, "it is for another client"),
        ({"azp": "another client"}, "it is for another client"),
        ({"exp": 1}, "it is too old"),
        ({"exp": None}, "it is too old"),
        ({"exp": "tomorrow"}, "it is too old"),
        ({"exp": float("nan")}, "it is too old"),
        ({"exp": float("inf")}, "it is too old"),
        ({"exp": True}, "it is too old"),
        ({"iat": 99_999_999_999}, "it is not valid yet"),
        ({"iat": None}, "it is not valid yet"),
        ({"nbf": 99_999_999_999}, "it is not valid yet"),
        ({"sub": None}, "it does not say who signed in"),
        ({"sub": ""}, "it does not say who signed in"),
        ({"sub": 7}, "it does not say who signed in"),
        ({"sub": "x" * 256}, "it does not say who signed in"),
        ({"at_hash": "of another access token"}, "does not belong to the access token"),
        ({"at_hash": 7}, "was not accepted"),
    ],
)
async def test_an_id_token_that_is_not_of_this_sign_in(
    browser: Browser, redis: Redis, provider: Provider, claims: Claims, why: str
) -> None:
    provider.claims = claims

    page = await come_back(browser, provider)

    assert why in page.text
    assert await is_outside(browser, redis, page)


def just_over(_: Claims) -> Claims:
    return {"exp": int(time.time()) - 61, "iat": int(time.time()) - 400}


def just_within(_: Claims) -> Claims:
    return {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}


async def test_clocks_may_differ_by_a_minute(browser: Browser, redis: Redis, provider: Provider) -> None:
    provider.sign = lambda claims: signed(claims | just_over(claims))
    page = await come_back(browser, provider)
    assert await is_outside(browser, redis, page)
    provider.sign = lambda claims: signed(claims | just_within(claims))

    assert (await come_back(browser, provider, "/me")).path == "/me"


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(claims: Claims) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def with_our_secret(claims: Claims) -> str:
    key = OctKey.import_key(SECRET)
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, key, algorithms=["HS256"])


def with_the_public_key(claims: Claims) -> str:
    """As of a library that takes the key that it finds for the secret of whatever algorithm is named."""
    head = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    mac = hmac.digest(KEY.as_pem(private=False), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def with_another_key(claims: Claims, kid: str = "one", **head: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": kid, **head}, claims, OTHER_KEY, algorithms=["RS256"])


def with_its_key_along(claims: Claims) -> str:
    return with_another_key(claims, jwk=OTHER_KEY.as_dict(private=False))


def changed(claims: Claims) -> str:
    head, _, mac = signed(claims).split(".")
    return f"{head}.{part(claims | {'email': 'owner@example.com'})}.{mac}"


def critical(claims: Claims) -> str:
    head = f"{part({'alg': 'RS256', 'kid': 'one', 'crit': ['strange'], 'strange': 1})}.{part(claims)}"
    mac = jws.JWSRegistry.algorithms["RS256"].sign(head.encode(), KEY)
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        with_our_secret,
        with_the_public_key,
        with_another_key,
        lambda claims: with_another_key(claims, "two"),
        with_its_key_along,
        changed,
        critical,
        lambda claims: signed(claims)[:-4],
        lambda claims: signed(claims).rpartition(".")[0] + ".",
        lambda claims: f"{part([])}.{part(claims)}.AA",
        lambda claims: f"{part({'alg': ['RS256']})}.{part(claims)}.AA",
        lambda claims: "",
        lambda claims: "no token",
        lambda claims: "x" * 70_000,
        lambda claims: "[" * 5_000 + ".".join("..."),
        lambda claims: None,
        lambda claims: 7,
        lambda claims: jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[1]", KEY),
        lambda claims: jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[" * 50_000, KEY),
    ],
)
async def test_an_id_token_that_the_provider_did_not_sign(
    browser: Browser, redis: Redis, provider: Provider, sign: Any
) -> None:
    provider.sign = sign

    page = await come_back(browser, provider)

    assert "The answer of the provider was not accepted" in page.text
    assert await is_outside(browser, redis, page)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email_verified": False}, "has not verified ada@example.com"),
        ({"email_verified": "false"}, "has not verified ada@example.com"),
        ({"email_verified": None}, "has not verified ada@example.com"),
        ({"email_verified": None, "xms_edov": True}, "has not verified ada@example.com"),
        ({"email_verified": 1}, "has not verified ada@example.com"),
        ({"email": None}, "did not say your e-mail address"),
        ({"email": ""}, "did not say your e-mail address"),
        ({"email": 7}, "did not say your e-mail address"),
        ({"email": ["ada@example.com"]}, "did not say your e-mail address"),
        ({"email": "ada@example.com, grace@example.com"}, "did not say your e-mail address"),
        ({"email": "ada@example.com\x00"}, "did not say your e-mail address"),
        ({"email": "\u212aate@example.com"}, "did not say your e-mail address"),
        ({"email": "ada@evil.example"}, "do not sign in here; use one of example.com, example.org"),
        ({"email": "ada@sub.example.com"}, "do not sign in here"),
        ({"email": "ada@example.com.evil.example"}, "do not sign in here"),
        ({"email": "ada@evilexample.com"}, "do not sign in here"),
    ],
)
async def test_an_address_that_is_not_verified_or_not_of_ours(
    browser: Browser, redis: Redis, provider: Provider, claims: Claims, why: str
) -> None:
    provider.claims = claims

    page = await come_back(browser, provider)

    assert why in page.text
    assert await is_outside(browser, redis, page, 403)


@pytest.mark.parametrize(
    "claims", [{}, {"hd": "evil.example"}, {"hd": ""}, {"hd": True}, {"hd": ["example.com"]}]
)
async def test_a_private_account_at_google_does_not_pass_as_one_of_the_organisation(
    browser: Browser, redis: Redis, provider: Provider, monkeypatch: pytest.MonkeyPatch, claims: Claims
) -> None:
    monkeypatch.setattr(oidc, "GOOGLE", provider.issuer)
    provider.claims = claims
    provider.userinfo = {"sub": SUBJECT, "hd": "example.com"}  # only what is signed counts

    page = await come_back(browser, provider)

    assert f"{EMAIL} is a private account at Google" in page.text
    assert await is_outside(browser, redis, page, 403)


async def test_an_account_that_the_organisation_gave_at_google_gets_in(
    browser: Browser, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "GOOGLE", provider.issuer)
    provider.claims = {"hd": "Example.com"}

    page = await come_back(browser, provider, "/me")

    assert page.path == "/me"


async def test_the_address_may_come_by_userinfo_if_it_is_of_the_same_subject(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "somebody else", "email": EMAIL, "email_verified": True}
    page = await come_back(browser, provider)
    assert "is of somebody else" in page.text
    assert await is_outside(browser, redis, page)
    provider.userinfo = {"sub": SUBJECT, "email": EMAIL, "email_verified": False}
    assert await is_outside(browser, redis, await come_back(browser, provider), 403)
    provider.userinfo = {"sub": SUBJECT, "email": EMAIL, "email_verified": True}

    assert (await come_back(browser, provider, "/me")).path == "/me"


async def test_what_came_back_is_good_for_one_use(browser: Browser, redis: Redis, provider: Provider) -> None:
    back = provider.authorize(await go(browser))
    cookies = dict(browser.client.cookies)
    inside = await browser.open(back)
    browser.client.cookies.clear()
    browser.client.cookies.update(cookies)

    page = await browser.open(back)

    assert inside.status == 200
    assert page.status == 401
    assert "used up, too old, or was begun in another browser" in page.text


async def test_a_code_is_good_for_one_use_also_with_another_state(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    first, second = provider.authorize(await go(browser)), provider.authorize(await go(browser))
    await provider_takes(browser, first)

    page = await browser.open(with_state_of(first, second))

    assert page.status == 401
    assert "it took the code of this sign-in for none of its own" in page.text
    assert "of the client" not in page.text


async def provider_takes(browser: Browser, back: str) -> None:
    cookies = dict(browser.client.cookies)
    assert (await browser.open(back)).status == 200
    browser.client.cookies.clear()
    browser.client.cookies.update(cookies)


def with_state_of(one: str, other: str) -> str:
    return one.partition("&state=")[0] + "&state=" + other.partition("&state=")[2]


async def test_two_pages_of_a_browser_may_be_on_the_way_at_once(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    first, _ = provider.authorize(await go(browser, "/me")), await go(browser)

    assert (await browser.open(first)).path == "/me"


async def test_a_code_of_another_sign_in_of_the_same_browser_is_refused(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    first, second = provider.authorize(await go(browser)), provider.authorize(await go(browser))

    page = await browser.open(with_state_of(first, second))

    assert await is_outside(browser, redis, page)


async def test_a_sign_in_that_was_begun_in_another_browser_does_nothing_here(
    browser: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    """Else somebody could sign others in as themselves, and read what they leave there."""
    planted = provider.authorize(await go(other))
    await go(browser)

    page = await browser.open(planted)

    assert "begun in another browser" in page.text
    assert await is_outside(browser, redis, page)
    assert (await other.open(planted)).status == 200


@pytest.mark.parametrize(
    "query",
    ["", "?code=x", "?state=x&code=x", f"?state={'x' * 43}&code=x", "?state=%00&code=%ff", "?error=x"],
)
@pytest.mark.parametrize("has_cookie", [True, False])
async def test_what_nobody_sent_out_comes_back_in_vain(
    browser: Browser, redis: Redis, provider: Provider, query: str, has_cookie: bool
) -> None:
    if has_cookie:
        await go(browser)

    assert await is_outside(browser, redis, await browser.open(CALLBACK + query))


async def test_a_sign_in_that_took_longer_than_ten_minutes_is_over(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    back = provider.authorize(await go(browser))
    (key,) = [key async for key in redis.scan_iter("*link:*")]
    await redis.hset(key, "expires", "1")  # type: ignore[misc]

    assert await is_outside(browser, redis, await browser.open(back))


@pytest.mark.parametrize("code", ["", "x" * 4097])
async def test_without_a_code_of_a_size_for_codes_the_provider_is_not_asked(
    browser: Browser, redis: Redis, provider: Provider, code: str
) -> None:
    _, _, state = provider.authorize(await go(browser)).partition("&state=")
    asked = len(provider.asked)

    page = await browser.open(f"{CALLBACK}?code={code}&state={state}")

    assert await is_outside(browser, redis, page)
    assert len(provider.asked) == asked


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("access_denied", "You were not let in by the provider"),
        ("temporarily_unavailable", "try again later"),
        ("invalid_scope", "could not sign you in (invalid_scope)"),
        ("<b>Call 555-0100</b>", "could not sign you in (unknown)"),
    ],
)
async def test_an_error_of_the_provider_is_told_in_our_words(
    browser: Browser, redis: Redis, provider: Provider, error: str, sentence: str
) -> None:
    _, _, state = provider.authorize(await go(browser)).partition("&state=")

    page = await browser.open(f"{CALLBACK}?error={error}&error_description=Call+555-0100&state={state}")

    assert sentence in page.text
    assert "555" not in page.text
    assert await is_outside(browser, redis, page)


async def test_an_answer_that_names_another_issuer_is_refused(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    back = provider.authorize(await go(browser))

    page = await browser.open(f"{back}&iss=https%3A%2F%2Fevil.example")

    assert "it is of another issuer" in page.text
    assert await is_outside(browser, redis, page)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (b"<html>", 200),
        (b"[" * 100_000, 200),
        (b"[]", 200),
        (b'{"id_token": "' + b"x" * 10_000_000 + b'"}', 200),
        (b"\xff\xfe", 502),
    ],
)
async def test_nonsense_and_megabytes_instead_of_a_token(
    browser: Browser, redis: Redis, provider: Provider, document: bytes, status: int
) -> None:
    provider.behaviours["/token"] = saying(document, status)

    page = await come_back(browser, provider)

    assert "does not answer as it should" in page.text
    assert await is_outside(browser, redis, page, 502)


@pytest.mark.parametrize("said", [b"", b" "])
async def test_a_provider_that_says_nothing_or_no_end_is_waited_for_five_seconds(
    browser: Browser, redis: Redis, provider: Provider, said: bytes
) -> None:
    provider.behaviours["/token"] = lambda request: provider.drip(request, said)
    begun = time.monotonic()

    page = await come_back(browser, provider)

    assert time.monotonic() - begun < CONNECTIONS_SECONDS / 2
    assert await is_outside(browser, redis, page, 502)


async def test_while_the_provider_is_gone_passwords_are_taken_still(
    server: EmbeddedServer, redis: Redis
) -> None:
    with serving(settings_of(server, f"http://127.0.0.1:{free_port()}")) as address:
        async with at_an_address_of_its_own(address) as client:
            browser = Browser(client)
            page = await browser.send(await browser.open("/sign-in?next=/me"), "/sign-in/oidc")
            inside = await browser.send(page, "/sign-in", email=EMAIL, password="seven otters knit")

    assert page.status == 502
    assert "The provider of single sign-on does not answer as it should. Try again" in page.text
    assert inside.path == "/me"


async def test_so_many_flows_are_begun_from_one_address_and_no_more(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    sent = (browser.client.post("/sign-in/oidc", headers={"Origin": browser.origin}) for _ in range(120))
    answers = await asyncio.gather(*sent)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert 1 <= len(refused) <= 20
    assert int(refused[0].headers["retry-after"]) >= 1


async def test_a_page_to_go_on_to_is_not_kept_at_any_length(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    going = await browser.post("/sign-in/oidc", next="/me/" + "x" * 500_000)
    (key,) = [key async for key in redis.scan_iter("*link:*")]

    assert await redis.hget(key, "after") == ""  # type: ignore[misc]
    assert (await browser.open(provider.authorize(going.links[-1]))).status == 200
