"""Coming back from a provider: two at once, answers that are lost, and what Redis takes of each."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import single_sign_on, users
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.single_sign_on import Answer, Arrived
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.security.oidc.provider import Provider as OurProvider
from shared.security.tokens import digest_of
from shared.settings import Settings
from shared.store import account_keys, connection, transitions
from shared.store.connection import OutcomeUnknown
from shared.store.transitions import NewToken, Setting, TokenFields, accounts
from tests import lost
from tests.actions.people import enter, make
from tests.provider import CLIENT, EMAIL, SECRET, SUBJECT, Provider

LINK, BROWSER, MINUTE = "f" * 64, "b" * 64, 60_000
ISSUER = "https://login.example.com"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture
def having(having: Accounts, settings: Settings, provider: Provider) -> Accounts:
    """With a provider, whose new people become members of the team of Ada."""
    given = {
        "public_url": "http://127.0.0.1:1",
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_team": "one",
    }
    complete = Settings(**{**settings.model_dump(), **given})
    return replace(having, settings=complete, provider=OurProvider(complete))


async def arrive(having: Accounts, visitor: Visitor, provider: Provider) -> Arrived:
    going = await single_sign_on.begin(having, visitor, "", "")
    back = provider.authorize(going.address).partition("?code=")[2]
    code, _, state = back.partition("&state=")
    return await single_sign_on.finish(having, visitor, going.browser, Answer(state, code.replace("+", " ")))


async def test_somebody_new_who_comes_back_twice_at_once_is_one_user(
    having: Accounts, visitor: Visitor, provider: Provider
) -> None:
    await make(having, "owner@example.com")

    arrived = await asyncio.gather(*(arrive(having, visitor, provider) for _ in range(4)))

    found = {one.found.user for one in arrived if isinstance(one.found, SignedIn)}
    assert found == {2}
    assert len([user async for user in users.listed(having.redis)]) == 2


async def test_an_answer_that_is_lost_makes_nobody_twice(
    server: EmbeddedServer, having: Accounts, visitor: Visitor, provider: Provider
) -> None:
    await make(having, "owner@example.com")
    await lost.teach(having.redis)
    with lost.way_to(server) as proxy:
        away = connection.connect(Settings(redis_url=proxy.url))
        proxy.cut_after(lost.on_the_wire("link_identity"))
        with pytest.raises(OutcomeUnknown):
            await arrive(replace(having, redis=away), visitor, provider)
        await away.aclose()

    arrived = await arrive(having, visitor, provider)

    assert isinstance(arrived.found, SignedIn)
    assert arrived.found.user == 2
    assert len(await having.redis.xrange("r:{global}:audit:1")) == 1


async def test_a_flow_is_taken_once_in_time_and_by_its_browser(redis: Redis) -> None:
    async def take(browser: str = BROWSER, now_ms: int = MINUTE) -> str | None:
        return await accounts.take_flow(redis, link=LINK, browser=browser, now_ms=now_ms)

    async def keep() -> None:
        await accounts.keep_flow(
            redis, link=LINK, browser=BROWSER, after="/me", expires=2 * MINUTE, now_ms=MINUTE
        )

    await keep()
    assert await take(browser="c" * 64) is None
    assert await take() == "/me"
    assert await take() is None
    await keep()
    assert await take(now_ms=2 * MINUTE) is None
    assert await redis.exists(f"r:{{global}}:link:{LINK}") == 0


async def test_a_flow_that_nobody_takes_is_forgotten(redis: Redis) -> None:
    await accounts.keep_flow(redis, link=LINK, browser=BROWSER, after="", expires=2 * MINUTE, now_ms=MINUTE)

    (fading,) = await redis.zrange("r:{global}:fading", 0, -1)

    assert fading == f"link:{LINK}"


async def link(
    redis: Redis, user: StoredUser | None, subject: str = SUBJECT, email: str = EMAIL
) -> int | str:
    return await accounts.link_identity(
        redis,
        identity=f"digest of {subject}",
        issuer=ISSUER,
        subject=subject,
        user=user.id if user else None,
        version=user.version if user else None,
        team=1,
        joins=None if user else 1,
        email=email,
        email_given=email,
        name="",
        now_ms=MINUTE,
    )


async def found(redis: Redis, subject: str = SUBJECT) -> int | None:
    return await accounts.find_linked(redis, identity=f"digest of {subject}", issuer=ISSUER, subject=subject)


async def test_a_user_has_one_identity_and_an_identity_one_user(having: Accounts) -> None:
    redis = having.redis
    ada, grace = await make(having), await make(having, "grace@example.com")

    assert await link(redis, await users.get(redis, ada)) == ada
    assert await link(redis, await users.get(redis, ada)) == ada
    assert await link(redis, await users.get(redis, ada), "another") == "other"
    assert await link(redis, await users.get(redis, grace)) == "taken"
    assert await link(redis, None, email="new@example.com") == "taken"
    assert (await found(redis), await found(redis, "another")) == (ada, None)
    assert await users.find(redis, "new@example.com") is None


async def test_a_user_who_changed_meanwhile_is_not_linked(having: Accounts) -> None:
    before = await users.get(having.redis, await make(having))
    await accounts.change_user(having.redis, [Setting("name", "x")], user=before.id, version=before.version)

    assert await link(having.redis, before) == "stale"
    assert await found(having.redis) is None


async def test_who_is_new_gets_no_address_of_another_and_no_team_without_an_owner(having: Accounts) -> None:
    await make(having, EMAIL)
    taken = await link(having.redis, None)
    await having.redis.hdel("r:{global}:team:1", "owner")  # type: ignore[misc]

    assert taken == "taken"
    assert await link(having.redis, None, email="new@example.com") == "gone"
    assert await users.find(having.redis, "new@example.com") is None


async def test_who_was_unlinked_is_not_found_any_more(having: Accounts) -> None:
    redis = having.redis
    ada, grace = await make(having), await make(having, "grace@example.com")
    await link(redis, await users.get(redis, ada))
    user = await users.get(redis, ada)
    gone = [Setting("issuer", None), Setting("subject", None)]
    await accounts.change_user(redis, gone, user=ada, version=user.version)

    assert await found(redis) is None
    assert await link(redis, await users.get(redis, grace)) == grace
    assert await found(redis) == grace


@pytest.mark.parametrize("is_proved", [True, False])
async def test_whoever_joined_by_an_address_of_somebody_else_is_shut_out_by_its_owner(
    having: Accounts, visitor: Visitor, provider: Provider, is_proved: bool
) -> None:
    before = await make(having, EMAIL)
    entered = await enter(having, visitor, EMAIL)
    await having.redis.hset(account_keys.user(before), "totp_new", "sealed")  # type: ignore[misc]
    if not is_proved:
        await having.redis.hdel(account_keys.user(before), "email_proved")  # type: ignore[misc]

    arrived = await arrive(having, visitor, provider)

    user = await users.get(having.redis, before)
    assert (user.subject, user.has_proved_email) == (SUBJECT, True)
    assert (bool(user.password), bool(user.totp_new)) == (is_proved, is_proved)
    assert isinstance(arrived.found, SignedIn)
    kept = await having.redis.zcard(account_keys.sessions(before))
    assert kept == (2 if is_proved else 1)
    is_inside = await having.redis.exists(account_keys.session(digest_of(entered.session)))
    assert bool(is_inside) == is_proved


async def test_of_whoever_had_the_address_nothing_acts_in_any_team(
    having: Accounts, visitor: Visitor, provider: Provider
) -> None:
    redis = having.redis
    owner = await make(having, "owner@example.com")
    ada = await make(having, EMAIL, "two")
    await redis.hdel(account_keys.user(ada), "email_proved")  # type: ignore[misc]
    await invite(redis, 1, EMAIL, owner)
    await invite(redis, 2, "evil@example.com", ada)
    await invite(redis, 2, "grace@example.com", owner)
    for name, user in (("evil", ada), ("kept", None)):
        await make_token(redis, name, user)

    arrived = await arrive(having, visitor, provider)

    assert isinstance(arrived.found, SignedIn)
    assert arrived.removed == ("the password",)
    assert await redis.hkeys("r:{global}:tokens:2") == ["2"]  # type: ignore[misc]
    assert [await redis.zrange(f"r:{{global}}:invitations:{team}", 0, -1) for team in (1, 2)] == [[], ["2"]]
    abouts = [(await redis.xrevrange(f"r:{{global}}:audit:{team}"))[0][1]["about"] for team in (1, 2)]
    assert abouts == [f"member:{ada},invitation:1,user:{ada}", f"token:1,invitation:1,user:{ada}"]
    session = digest_of(arrived.found.session)
    assert await redis.hget(account_keys.session(session), "team") == "1"  # type: ignore[misc]


async def invite(redis: Redis, team: int, email: str, by: int) -> None:
    await accounts.create_invitation(
        redis,
        team=team,
        email=email,
        email_given=email,
        role="admin",
        by="",
        by_user=by,
        link=digest_of(f"{team} {email}"),
        sealed="sealed",
        expires=10**15,
        now_ms=MINUTE,
    )


async def make_token(redis: Redis, name: str, user: int | None) -> None:
    new = NewToken(digest_of(name), "last", "sealed", user)
    fields = TokenFields(name, "admin", "{}")
    await transitions.create_token(redis, team=2, fields=fields, new=new, created_by="", now_ms=MINUTE)


async def test_who_is_new_has_no_open_invitation_into_the_team(
    having: Accounts, visitor: Visitor, provider: Provider
) -> None:
    owner = await make(having, "owner@example.com")
    await invite(having.redis, 1, EMAIL, owner)
    await invite(having.redis, 1, "grace@example.com", owner)

    await arrive(having, visitor, provider)

    assert await having.redis.zrange("r:{global}:invitations:1", 0, -1) == ["2"]
    assert not await having.redis.exists(f"r:{{global}}:link:{digest_of(f'1 {EMAIL}')}")
