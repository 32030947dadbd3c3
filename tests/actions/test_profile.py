"""What a user changes of itself."""

import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import profile
from shared.actions.accounts.visits import ACCOUNT_BURST, Accounts, Visitor
from shared.errors import Invalid, TooManyAttempts, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.security.sessions import Signed
from shared.store.keyspace import Team
from tests.actions.people import ADA, PASSWORD, enter, in_browser, make, signed

OTHER = "eight badgers sing"
MINUTE = 60_000


@pytest.fixture
async def browser(having: Accounts, visitor: Visitor) -> Visitor:
    """One in which Ada is signed in."""
    await make(having)
    return in_browser(visitor, (await enter(having, visitor)).session)


async def who(having: Accounts, browser: Visitor) -> Signed:
    assert browser.session
    return await signed(having, browser.session)


async def test_a_user_is_renamed(having: Accounts, browser: Visitor) -> None:
    shown = await profile.rename(having, browser, await who(having, browser), " Ada L. ")

    assert (shown.name, shown.email, shown.has_password, shown.has_second_factor) == (
        "Ada L.",
        ADA,
        True,
        False,
    )
    assert (await who(having, browser)).name == "Ada L."


async def test_another_password_ends_all_sessions_but_a_new_one(having: Accounts, browser: Visitor) -> None:
    elsewhere = (await enter(having, Visitor("192.0.2.9"))).session

    entered = await profile.change_password(having, browser, await who(having, browser), PASSWORD, OTHER)

    for ended in (elsewhere, browser.session or ""):
        with pytest.raises(Unauthenticated):
            await having.sessions.signed(ended)
    assert (await signed(having, entered.session)).user == 1
    with pytest.raises(Unauthenticated):
        await enter(having, browser, password=PASSWORD)
    await enter(having, browser, password=OTHER)


async def test_the_password_of_now_is_asked_for_and_a_bad_one_is_refused(
    having: Accounts, browser: Visitor
) -> None:
    user = await who(having, browser)

    with pytest.raises(Invalid) as wrong:
        await profile.change_password(having, browser, user, OTHER, OTHER)
    with pytest.raises(Invalid) as common:
        await profile.change_password(having, browser, user, PASSWORD, "qwertyuiop1")

    assert (wrong.value.field, common.value.field) == ("current", "password")
    await enter(having, browser)


async def test_the_trail_says_that_and_not_what(having: Accounts, browser: Visitor, redis: Redis) -> None:
    await profile.change_password(having, browser, await who(having, browser), PASSWORD, OTHER)

    (line,) = (await audit.page(redis, Team(1), AuditQuery())).data

    assert (line.operation, line.actor, line.about) == ("change-password", ADA, ("user:1",))
    assert line.changes == {}


async def test_who_guesses_the_password_of_a_signed_in_user_is_braked(
    having: Accounts, browser: Visitor
) -> None:
    user = await who(having, browser)

    for _ in range(ACCOUNT_BURST):
        with pytest.raises(Invalid):
            await profile.change_password(having, browser, user, "wrong otters knit", OTHER)
    with pytest.raises(TooManyAttempts):
        await profile.change_password(having, browser, user, PASSWORD, OTHER)
