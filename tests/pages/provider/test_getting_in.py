"""Signing in by a provider of OpenID Connect: who gets in, who does not, and where it is written down."""

import contextlib
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import users
from shared.settings import Settings
from shared.store import account_keys
from shared.store.transitions import Setting, accounts
from tests import lost
from tests.api.serving import serving
from tests.pages.browser import PASSWORD, Browser, Page, make_user, token_of
from tests.pages.conftest import OWNER, at_an_address_of_its_own
from tests.pages.provider.conftest import come_back, go, settings_of
from tests.provider import EMAIL, SUBJECT, Provider

TEAM_PAGE, MEMBERS_PAGE = "/t/1", "/t/1/settings/members"


async def lines_of(redis: Redis, team: int = 1) -> list[dict[str, str]]:
    return [fields for _, fields in await redis.xrange(f"r:{{global}}:audit:{team}")]


async def test_a_user_of_the_verified_address_gets_in_and_is_linked(
    browser: Browser, redis: Redis, provider: Provider, ada: int
) -> None:
    page = await come_back(browser, provider, "/me")

    assert (page.status, page.path) == (200, "/me")
    assert "Ada@Example.com" in page.text
    user = await users.get(redis, ada)
    assert (user.issuer, user.subject) == (provider.issuer, SUBJECT)
    (line,) = await lines_of(redis)
    assert '"operation":"link-identity"' in line["who"]
    assert '"actor":"ada@example.com"' in line["who"]
    assert line["about"] == f"user:{ada}"
    assert SUBJECT in line["changes"]


async def test_a_user_who_is_linked_gets_in_with_another_address(
    browser: Browser, other: Browser, redis: Redis, provider: Provider, ada: int
) -> None:
    await come_back(browser, provider)
    provider.claims = {"email": "Countess@example.org"}

    page = await come_back(other, provider, "/me")

    assert "Ada@Example.com" in page.text
    assert len(await lines_of(redis)) == 1


async def test_a_user_who_is_linked_to_another_subject_does_not_get_in(
    browser: Browser, other: Browser, redis: Redis, provider: Provider, ada: int
) -> None:
    await come_back(browser, provider)
    provider.claims = {"sub": "somebody else with the address"}

    page = await come_back(other, provider)

    assert page.status == 403
    assert "recuro user reset --single-sign-on" in page.text
    assert (await users.get(redis, ada)).subject == SUBJECT
    assert (await other.open("/me")).path == "/sign-in"


async def test_a_second_factor_of_ours_is_asked_for_all_the_same(
    browser: Browser, other: Browser, redis: Redis, provider: Provider, ada: int
) -> None:
    await come_back(browser, provider)
    adding = await browser.send(
        await browser.open("/me/second-factor"), "/me/second-factor", current=PASSWORD
    )
    secret = adding.form("/me/second-factor/confirm").fields["secret"]
    recovery = re.findall(r"\b\w{4}-\w{4}-\w{4}-\w{4}\b", adding.text)[0]
    await browser.send(adding, "/me/second-factor/confirm", code=pyotp.TOTP(secret).now(), kept="on")

    asked = await come_back(other, provider, "/me")
    before = await other.open("/t/1")
    inside = await other.send(asked, "/sign-in/code", code=recovery)

    assert "One more step" in asked.text
    assert before.path == "/sign-in"
    assert inside.path == "/me"


async def test_whom_nobody_knows_does_not_get_in(browser: Browser, redis: Redis, provider: Provider) -> None:
    await make_user(redis, OWNER)

    page = await come_back(browser, provider)

    assert page.status == 403
    assert f"Nobody has the address {EMAIL} here" in page.text
    assert await users.find(redis, EMAIL) is None


async def test_whom_nobody_knows_becomes_a_member_of_the_team_that_is_set(
    server: EmbeddedServer, redis: Redis, provider: Provider
) -> None:
    await make_user(redis, OWNER)
    provider.claims = {"name": "Ada\x00 \x1bKing" + "x" * 200}

    with serving(settings_of(server, provider.issuer, oidc_team="shop")) as address:
        async with at_an_address_of_its_own(address) as client:
            page = await come_back(Browser(client), provider)

    assert (page.status, page.path) == (200, TEAM_PAGE)
    user = await users.find(redis, EMAIL)
    assert user
    assert (user.password, user.subject, user.name[:8], len(user.name)) == ("", SUBJECT, "Ada King", 100)
    assert await redis.hget(account_keys.member(1, user.id), "role") == "member"  # type: ignore[misc]
    (line,) = await lines_of(redis)
    assert '"operation":"create-user"' in line["who"]
    assert line["about"] == f"member:{user.id},user:{user.id}"


async def test_who_becomes_a_member_has_no_open_invitation_there_any_more(
    server: EmbeddedServer, redis: Redis, provider: Provider
) -> None:
    await make_user(redis, OWNER)
    with serving(settings_of(server, provider.issuer, oidc_team="shop")) as address:
        async with at_an_address_of_its_own(address) as first, at_an_address_of_its_own(address) as second:
            owner, ada = Browser(first), Browser(second)
            await owner.sign_in(OWNER)
            link, other = [await invited(owner, email) for email in (EMAIL, "grace@example.com")]
            await come_back(ada, provider)
            statuses = [(await owner.open(one)).status for one in (link, other)]

    assert statuses == [404, 200]
    assert (await lines_of(redis))[-1]["about"] == "invitation:1,member:2,user:2"


@pytest.mark.parametrize("team", ["none", "empty"])
async def test_nobody_becomes_the_owner_of_a_team_by_a_provider(
    server: EmbeddedServer, redis: Redis, provider: Provider, team: str
) -> None:
    await redis.hset("r:{global}:teams", "empty", "9")  # type: ignore[misc]
    await redis.hset(account_keys.team(9), mapping={"name": "empty", "shard": "s0"})  # type: ignore[misc]

    with serving(settings_of(server, provider.issuer, oidc_team=team)) as address:
        async with at_an_address_of_its_own(address) as client:
            page = await come_back(Browser(client), provider)

    assert page.status == 403
    assert "RECURO_OIDC_TEAM" in page.text
    assert await users.find(redis, EMAIL) is None


async def test_who_was_invited_joins_by_the_provider_without_a_password(
    owner: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    link = await invited(owner, EMAIL.upper())

    page = await other.open(provider.authorize(await pressed(other, link)))

    assert (page.status, page.path) == (200, TEAM_PAGE)
    user = await users.find(redis, EMAIL)
    assert user
    assert (user.subject, user.name, user.password) == (SUBJECT, "Ada", "")
    assert (await other.open(link)).status == 404


async def squatted(owner: Browser, other: Browser) -> str:
    """Somebody else joins by the address of Ada, and makes a token and an invitation; the token."""
    link = await invited(owner, EMAIL, role="admin")
    inside = await other.send(await other.open(link), name="Ada", password=PASSWORD)
    assert inside.path == "/t/1"
    made = await other.send(await other.open("/t/1/settings/api"), name="left behind", scope="admin")
    return token_of(made)


async def test_of_whoever_joined_by_their_address_nothing_is_left(
    owner: Browser, other: Browser, redis: Redis, provider: Provider, address: str
) -> None:
    token = await squatted(owner, other)
    planted = await invited(other, "mallory@example.com", role="admin")
    kept = await invited(owner, "grace@example.com")

    async with at_an_address_of_its_own(address) as client:
        page = await come_back(Browser(client), provider, "/me")
        refused = await client.get("/api/queues", headers={"Authorization": f"Bearer {token}"})
        links = [(await Browser(client).open(link)).status for link in (planted, kept)]

    assert page.status == 200
    assert refused.status_code == 401
    assert links == [404, 200]
    line = (await lines_of(redis))[-1]
    assert '"operation":"link-identity"' in line["who"]
    assert line["about"] == "token:1,invitation:2,user:2"
    assert "API tokens and invitations that were made, for nobody had proved the address" in line["changes"]


async def test_who_finds_the_address_taken_is_told_once_what_is_removed(
    owner: Browser, other: Browser, redis: Redis, provider: Provider, address: str
) -> None:
    await squatted(owner, other)
    adding = await other.send(await other.open("/me/second-factor"), "/me/second-factor", current=PASSWORD)
    secret = adding.form("/me/second-factor/confirm").fields["secret"]
    await other.send(adding, "/me/second-factor/confirm", code=pyotp.TOTP(secret).now(), kept="on")

    async with at_an_address_of_its_own(address) as client:
        ada = Browser(client)
        told = await come_back(ada, provider, "/me/second-factor")
        me = await ada.open("/me")
        set_again = await ada.send(me, "/me/password", password="nine herons wait")
        again = await come_back_anew(ada, provider)

    assert "the password and the second factor" in told.text
    assert f"Somebody joined as {EMAIL} before" in told.text
    assert {"/me", "/me/second-factor"} <= {*told.links}
    assert "you can set one" in me.text
    assert "Another password" in set_again.text
    assert again.path == "/me"
    assert (await users.get(redis, 2)).has_proved_email


async def come_back_anew(browser: Browser, provider: Provider) -> Page:
    await browser.post("/sign-out")
    return await come_back(browser, provider, "/me")


async def test_who_joins_by_the_provider_is_not_told_that_somebody_was_there(
    owner: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    page = await other.open(provider.authorize(await pressed(other, await invited(owner, EMAIL))))

    assert page.path == TEAM_PAGE
    assert "removed" not in (await lines_of(redis))[-1]["changes"]


@pytest.mark.parametrize("takes", ["shop", "none"])
async def test_who_finds_the_address_in_a_strange_team_begins_in_that_which_takes_who_is_new(
    server: EmbeddedServer, redis: Redis, provider: Provider, takes: str
) -> None:
    await make_user(redis, "mallory@example.com", "traps")
    await make_user(redis, OWNER)
    with serving(settings_of(server, provider.issuer, oidc_team=takes)) as address:
        async with contextlib.AsyncExitStack() as clients:
            mallory, sock, ada, owner = [
                Browser(await clients.enter_async_context(at_an_address_of_its_own(address)))
                for _ in range(4)
            ]
            await mallory.sign_in("mallory@example.com")
            await owner.sign_in(OWNER)
            trap = await invited(mallory, EMAIL)
            unused = await invited(owner, EMAIL, "/t/2/settings/members")
            await sock.send(await sock.open(trap), name="Ada", password=PASSWORD)
            told = await come_back(ada, provider)
            begun = await ada.open("/")
            link = await owner.open(unused)

    is_taken = takes == "shop"
    assert told.status == 200
    assert begun.path == ("/t/2" if is_taken else TEAM_PAGE)
    assert link.status == (404 if is_taken else 200)
    abouts = [[line["about"] for line in await lines_of(redis, team)][-1] for team in (1, 2)]
    assert abouts == ["user:3", "member:3,invitation:1,user:3" if is_taken else "invitation:1"]


async def test_an_invitation_of_another_address_lets_nobody_in(
    owner: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    link = await invited(owner, "grace@example.com")

    page = await other.open(provider.authorize(await pressed(other, link)))

    assert page.status == 403
    assert await users.find(redis, EMAIL) is None
    assert (await other.open(link)).status == 200


async def invited(owner: Browser, email: str, path: str = MEMBERS_PAGE, role: str = "member") -> str:
    page = await owner.send(await owner.open(path), path, email=email, role=role)
    (link,) = [word for word in page.text.split() if "/join/" in word]
    return urlsplit(link).path


async def pressed(browser: Browser, link: str) -> str:
    """Where the browser is sent from the page of an invitation."""
    return (await browser.send(await browser.open(link), "/sign-in/oidc")).links[-1]


async def test_without_a_provider_there_is_no_button_and_no_way(server: EmbeddedServer, redis: Redis) -> None:
    with serving(Settings(redis_url=server.url, api_port=0)) as address:
        async with at_an_address_of_its_own(address) as client:
            browser = Browser(client)
            page = await browser.open("/sign-in")
            sent, back = await browser.post("/sign-in/oidc"), await browser.open("/sign-in/oidc/callback")

    assert "/sign-in/oidc" not in page.response.text
    assert (sent.status, back.status) == (404, 404)


async def test_behind_https_the_cookie_is_secure_and_of_this_host_alone(
    server: EmbeddedServer, redis: Redis, provider: Provider, ada: int
) -> None:
    public = "https://recuro.example"
    with serving(settings_of(server, provider.issuer, api_port=0, public_url=public)) as address:
        async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
            going = await client.post("/sign-in/oidc", headers={"Origin": public})
            (cookie,) = going.headers.get_list("set-cookie")
            back = provider.authorize(Page(going).links[-1]).removeprefix(public)
            answer = await client.get(back, headers={"Cookie": cookie.partition(";")[0]})

    assert cookie.startswith("__Host-recuro-provider=")
    assert {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax", "Secure"} <= {
        part.strip() for part in cookie.split(";")
    }
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    opened, forgotten = answer.headers.get_list("set-cookie")
    assert opened.startswith("__Host-recuro=")
    assert forgotten.startswith('__Host-recuro-provider="";')


async def test_what_goes_along_is_of_this_sign_in_alone_and_none_of_it_is_in_redis(
    browser: Browser, redis: Redis, provider: Provider
) -> None:
    first, second = [parse_qs(urlsplit(await go(browser)).query) for _ in range(2)]

    kept = await lost.everything(redis)

    assert first["scope"] == ["openid email profile"]
    assert first["redirect_uri"] == [f"{browser.origin}/sign-in/oidc/callback"]
    secrets = [each[name][0] for each in (first, second) for name in ("state", "nonce", "code_challenge")]
    secrets.append(browser.client.cookies["recuro-provider"])
    assert len(set(secrets)) == 7
    for secret in secrets:
        assert not [key for key, value in kept.items() if secret in key or secret in str(value)]


async def test_an_invitation_that_was_used_meanwhile_leads_to_the_sentence(
    owner: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    link = await invited(owner, EMAIL)
    back = provider.authorize(await pressed(other, link))
    await invited(owner, EMAIL)  # the first link is worth nothing from now on

    page = await other.open(back)

    assert page.status == 403
    assert "open the link of an invitation" in page.text


async def test_who_was_unlinked_may_be_linked_to_another_subject(
    browser: Browser, redis: Redis, provider: Provider, ada: int
) -> None:
    await come_back(browser, provider)
    user = await users.get(redis, ada)
    gone = [Setting("issuer", None), Setting("subject", None)]
    await accounts.change_user(redis, gone, user=ada, version=user.version)
    grace = await make_user(redis, "grace@example.com")
    await browser.post("/sign-out")
    provider.claims = {"email": "grace@example.com"}  # who has the account of the provider now

    await come_back(browser, provider)
    await browser.post("/sign-out")
    provider.claims = {"sub": "another"}
    await come_back(browser, provider)

    assert (await users.get(redis, grace)).subject == SUBJECT
    assert (await users.get(redis, ada)).subject == "another"


async def test_who_came_by_a_provider_cannot_say_another_address_of_itself(
    owner: Browser, other: Browser, redis: Redis, provider: Provider
) -> None:
    await other.open(provider.authorize(await pressed(other, await invited(owner, EMAIL))))
    fields = {"email": "grace@example.com", "name": "Grace", "password": "seven otters knit"}

    page = await other.post("/welcome", **fields)

    assert "You can sign in again already" in page.text
    assert (await other.open("/welcome")).path == TEAM_PAGE
    assert await users.find(redis, "grace@example.com") is None
