"""What a user changes of itself, and the second factor from its beginning to its end."""

import asyncio
from datetime import timedelta

import pyotp
import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import profile, sign_in
from shared.actions.accounts.profile import Protected
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.visits import ACCOUNT_BURST, Accounts, Visitor
from shared.errors import Conflict, Invalid, TooManyAttempts, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.security.sessions import Signed
from shared.store import keyspace
from shared.store.keyspace import Team
from tests import lost
from tests.actions.people import ADA, PASSWORD, enter, in_browser, later, make, signed

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


async def code_of(having: Accounts, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(await having.now() + timedelta(seconds=30 * steps))


async def protect(having: Accounts, browser: Visitor) -> tuple[str, Protected]:
    """Add a second factor, a minute ago: its code was taken, and a code of now was not."""
    new = await profile.begin_second_factor(having, await who(having, browser))
    code = await code_of(having, new.secret)
    found = await profile.confirm_second_factor(having, browser, await who(having, browser), code)
    await later(having.redis, MINUTE)
    return new.secret, found


async def begin(having: Accounts, visitor: Visitor) -> str:
    found = await sign_in.with_password(having, visitor, ADA, PASSWORD)
    assert isinstance(found, CodeNeeded)
    return found.pending


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


async def test_with_a_second_factor_the_password_alone_opens_nothing(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    secret, protected = await protect(having, browser)

    pending = await begin(having, visitor)
    entered = await sign_in.with_code(having, visitor, pending, await code_of(having, secret))

    assert (await signed(having, entered.session)).user == 1
    with pytest.raises(Unauthenticated):
        await having.sessions.signed(browser.session)
    assert (await signed(having, protected.signed_in.session)).user == 1
    with pytest.raises(Unauthenticated):
        await signed(having, pending)


async def test_redis_has_neither_the_secret_nor_the_recovery_codes(
    having: Accounts, browser: Visitor, redis: Redis
) -> None:
    secret, protected = await protect(having, browser)

    kept = await lost.everything(redis)

    for one in (
        secret,
        *protected.recovery_codes,
        *(code.replace("-", "") for code in protected.recovery_codes),
    ):
        assert not [key for key, value in kept.items() if one.encode() in value]


async def test_a_wrong_code_confirms_nothing(having: Accounts, browser: Visitor, visitor: Visitor) -> None:
    new = await profile.begin_second_factor(having, await who(having, browser))
    wrong = await code_of(having, new.secret, 10)

    with pytest.raises(Invalid, match="app shows now"):
        await profile.confirm_second_factor(having, browser, await who(having, browser), wrong)

    await enter(having, visitor)


async def test_a_code_counts_once_and_of_five_at_once_for_one(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    secret, _ = await protect(having, browser)
    pending = [await begin(having, visitor) for _ in range(5)]
    code = await code_of(having, secret)

    tried = await asyncio.gather(
        *(sign_in.with_code(having, visitor, each, code) for each in pending), return_exceptions=True
    )

    assert sum(isinstance(one, SignedIn) for one in tried) == 1
    assert sum(isinstance(one, Invalid) for one in tried) == 4


async def test_the_code_that_confirmed_it_signs_nobody_in(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    new = await profile.begin_second_factor(having, await who(having, browser))
    code = await code_of(having, new.secret)
    await profile.confirm_second_factor(having, browser, await who(having, browser), code)

    with pytest.raises(Invalid, match="counts once"):
        await sign_in.with_code(having, visitor, await begin(having, visitor), code)


async def test_an_older_code_is_wrong_once_a_newer_one_was_taken(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    secret, _ = await protect(having, browser)
    older, newer = await code_of(having, secret), await code_of(having, secret, 1)
    await sign_in.with_code(having, visitor, await begin(having, visitor), newer)

    with pytest.raises(Invalid):
        await sign_in.with_code(having, visitor, await begin(having, visitor), older)


async def test_a_sign_in_takes_five_wrong_codes_and_waits_for_ten_minutes(
    having: Accounts, browser: Visitor, visitor: Visitor, redis: Redis
) -> None:
    secret, _ = await protect(having, browser)
    worn, old = await begin(having, visitor), await begin(having, visitor)
    for _ in range(5):
        with pytest.raises(Invalid):
            await sign_in.with_code(having, visitor, worn, "000000x")

    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, worn, await code_of(having, secret))
    await later(redis, 12 * MINUTE)
    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, old, await code_of(having, secret))


async def test_after_ten_wrong_codes_none_is_taken_for_a_quarter_of_an_hour(
    having: Accounts, browser: Visitor, visitor: Visitor, redis: Redis
) -> None:
    secret, _ = await protect(having, browser)
    for _ in range(2):
        pending = await begin(having, visitor)
        for _ in range(5):
            with pytest.raises(Invalid):
                await sign_in.with_code(having, visitor, pending, "000000x")

    with pytest.raises(TooManyAttempts) as braked:
        await sign_in.with_code(having, visitor, await begin(having, visitor), await code_of(having, secret))
    await later(redis, 17 * MINUTE)
    pending = await begin(having, visitor)

    assert 890 < braked.value.wait_seconds <= 900
    assert await sign_in.with_code(having, visitor, pending, await code_of(having, secret))
    assert not await redis.hexists(keyspace.user(1), "wrong_codes")  # type: ignore[misc]


async def test_a_recovery_code_signs_in_once_however_it_is_typed(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    _, protected = await protect(having, browser)
    codes = protected.recovery_codes
    pending = [await begin(having, visitor) for _ in range(5)]

    tried = await asyncio.gather(
        *(sign_in.with_code(having, visitor, each, codes[3].upper()) for each in pending),
        return_exceptions=True,
    )
    entered = await sign_in.with_code(having, visitor, await begin(having, visitor), codes[9])

    assert sum(isinstance(one, SignedIn) for one in tried) == 1
    left = (await profile.get(having, await signed(having, entered.session))).recovery_codes_left
    assert left == 8


async def test_another_password_ends_sign_ins_that_wait(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    secret, protected = await protect(having, browser)
    pending = await begin(having, visitor)
    here = in_browser(visitor, protected.signed_in.session)
    await profile.change_password(having, here, await who(having, here), PASSWORD, OTHER)

    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, pending, await code_of(having, secret))


async def test_a_second_factor_is_removed_by_a_code(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    secret, protected = await protect(having, browser)
    here = in_browser(visitor, protected.signed_in.session)
    with pytest.raises(Invalid):
        await profile.remove_second_factor(having, here, await who(having, here), "000000x")

    entered = await profile.remove_second_factor(
        having, here, await who(having, here), await code_of(having, secret)
    )

    assert not (await profile.get(having, await signed(having, entered.session))).has_second_factor
    with pytest.raises(Unauthenticated):
        await having.sessions.signed(here.session)
    await enter(having, visitor)


async def test_recovery_codes_are_renewed(having: Accounts, browser: Visitor, visitor: Visitor) -> None:
    secret, protected = await protect(having, browser)
    here = in_browser(visitor, protected.signed_in.session)

    renewed = await profile.renew_recovery_codes(
        having, here, await who(having, here), await code_of(having, secret)
    )

    assert not {*renewed.recovery_codes} & {*protected.recovery_codes}
    with pytest.raises(Invalid):
        await sign_in.with_code(having, visitor, await begin(having, visitor), protected.recovery_codes[0])
    await sign_in.with_code(having, visitor, await begin(having, visitor), renewed.recovery_codes[0])


async def test_a_second_factor_that_is_set_is_not_set_again(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    _, protected = await protect(having, browser)
    here = await who(having, in_browser(visitor, protected.signed_in.session))

    with pytest.raises(Conflict, match="remove it first"):
        await profile.begin_second_factor(having, here)


async def test_who_guesses_the_password_of_a_signed_in_user_is_braked(
    having: Accounts, browser: Visitor
) -> None:
    user = await who(having, browser)

    for _ in range(ACCOUNT_BURST):
        with pytest.raises(Invalid):
            await profile.change_password(having, browser, user, "wrong otters knit", OTHER)
    with pytest.raises(TooManyAttempts):
        await profile.change_password(having, browser, user, PASSWORD, OTHER)
