"""The second factor of a user, from its offer to its end."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import pyotp
import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import links, profile, protection, sign_in
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.protection import Offer
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, Invalid, TooManyAttempts, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.users import UserSetUp
from shared.security.sessions import Signed
from shared.store import account_keys
from shared.store.keyspace import Team
from tests import lost
from tests.actions.people import ADA, PASSWORD, enter, in_browser, later, make, signed

OTHER = "eight badgers sing"
MINUTE = 60_000


class Protected(NamedTuple):
    """What the user has kept, and the browser in which it was done."""

    secret: str
    codes: Sequence[str]
    browser: Visitor


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


async def protect(having: Accounts, browser: Visitor) -> Protected:
    """Add a second factor, a minute ago: its code was taken, and a code of now was not."""
    user = await who(having, browser)
    offer = await protection.begin(having, browser, user, PASSWORD)
    entered = await protection.confirm(having, browser, user, offer, await code_of(having, offer.secret))
    await later(having.redis, MINUTE)
    return Protected(offer.secret, offer.codes, in_browser(browser, entered.session))


async def begin(having: Accounts, visitor: Visitor) -> str:
    found = await sign_in.with_password(having, visitor, ADA, PASSWORD)
    assert isinstance(found, CodeNeeded)
    return found.pending


async def test_with_a_second_factor_the_password_alone_opens_nothing(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)

    pending = await begin(having, visitor)
    entered = await sign_in.with_code(having, visitor, pending, await code_of(having, protected.secret))

    assert (await signed(having, entered.session)).user == 1
    with pytest.raises(Unauthenticated):
        await having.sessions.signed(browser.session)
    assert (await who(having, protected.browser)).user == 1
    with pytest.raises(Unauthenticated):
        await signed(having, pending)


async def test_redis_has_neither_the_secret_nor_the_recovery_codes(
    having: Accounts, browser: Visitor, redis: Redis
) -> None:
    protected = await protect(having, browser)

    kept = await lost.everything(redis)

    for one in (
        protected.secret,
        *protected.codes,
        *(code.replace("-", "") for code in protected.codes),
    ):
        assert not [key for key, value in kept.items() if one in str(value)]


async def test_a_wrong_code_confirms_nothing(having: Accounts, browser: Visitor, visitor: Visitor) -> None:
    user = await who(having, browser)
    offer = await protection.begin(having, browser, user, PASSWORD)
    wrong = await code_of(having, offer.secret, 10)

    with pytest.raises(Invalid, match="app shows now"):
        await protection.confirm(having, browser, user, offer, wrong)

    await enter(having, visitor)


async def test_a_code_counts_once_and_of_five_at_once_for_one(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    pending = [await begin(having, visitor) for _ in range(5)]
    code = await code_of(having, protected.secret)

    tried = await asyncio.gather(
        *(sign_in.with_code(having, visitor, each, code) for each in pending), return_exceptions=True
    )

    assert sum(isinstance(one, SignedIn) for one in tried) == 1
    assert sum(isinstance(one, Invalid) for one in tried) == 4


async def test_the_code_that_confirmed_it_signs_nobody_in(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    user = await who(having, browser)
    offer = await protection.begin(having, browser, user, PASSWORD)
    code = await code_of(having, offer.secret)
    await protection.confirm(having, browser, user, offer, code)

    with pytest.raises(Invalid, match="counts once"):
        await sign_in.with_code(having, visitor, await begin(having, visitor), code)


async def test_an_older_code_is_wrong_once_a_newer_one_was_taken(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    older, newer = await code_of(having, protected.secret), await code_of(having, protected.secret, 1)
    await sign_in.with_code(having, visitor, await begin(having, visitor), newer)

    with pytest.raises(Invalid):
        await sign_in.with_code(having, visitor, await begin(having, visitor), older)


async def test_a_sign_in_takes_five_wrong_codes_and_waits_for_ten_minutes(
    having: Accounts, browser: Visitor, visitor: Visitor, redis: Redis
) -> None:
    protected = await protect(having, browser)
    worn, old = await begin(having, visitor), await begin(having, visitor)
    for _ in range(5):
        with pytest.raises(Invalid):
            await sign_in.with_code(having, visitor, worn, "000000x")

    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, worn, await code_of(having, protected.secret))
    await later(redis, 12 * MINUTE)
    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, old, await code_of(having, protected.secret))


async def test_after_ten_wrong_codes_none_is_taken_for_a_quarter_of_an_hour(
    having: Accounts, browser: Visitor, visitor: Visitor, redis: Redis
) -> None:
    protected = await protect(having, browser)
    for _ in range(2):
        pending = await begin(having, visitor)
        for _ in range(5):
            with pytest.raises(Invalid):
                await sign_in.with_code(having, visitor, pending, "000000x")

    with pytest.raises(TooManyAttempts) as braked:
        await sign_in.with_code(
            having, visitor, await begin(having, visitor), await code_of(having, protected.secret)
        )
    await later(redis, 17 * MINUTE)
    pending = await begin(having, visitor)

    assert 890 < braked.value.wait_seconds <= 900
    assert await sign_in.with_code(having, visitor, pending, await code_of(having, protected.secret))
    assert not await redis.hexists(account_keys.user(1), "wrong_codes")  # type: ignore[misc]


async def test_a_recovery_code_signs_in_once_however_it_is_typed(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    codes = protected.codes
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
    protected = await protect(having, browser)
    pending = await begin(having, visitor)
    here = protected.browser
    await profile.change_password(having, here, await who(having, here), PASSWORD, OTHER)

    with pytest.raises(Unauthenticated, match="begin anew"):
        await sign_in.with_code(having, visitor, pending, await code_of(having, protected.secret))


async def test_a_second_factor_is_removed_by_the_password_and_a_code(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    here = protected.browser
    user, code = await who(having, here), await code_of(having, protected.secret)

    with pytest.raises(Invalid) as wrong_password:
        await protection.remove(having, here, user, current=OTHER, code=code)
    with pytest.raises(Invalid) as wrong_code:
        await protection.remove(having, here, user, current=PASSWORD, code="000000x")
    entered = await protection.remove(having, here, user, current=PASSWORD, code=code)

    assert (wrong_password.value.field, wrong_code.value.field) == ("current", "code")
    assert not (await profile.get(having, await signed(having, entered.session))).has_second_factor
    with pytest.raises(Unauthenticated):
        await having.sessions.signed(here.session)
    await enter(having, visitor)


async def test_recovery_codes_are_renewed_once_they_are_kept(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    here, user = protected.browser, await who(having, protected.browser)
    code = await code_of(having, protected.secret)

    offer = await protection.offer_codes(having, here, user, current=PASSWORD, code=code)
    await sign_in.with_code(having, visitor, await begin(having, visitor), protected.codes[1])
    await protection.take_codes(having, here, user, offer)

    assert not {*offer.codes} & {*protected.codes}
    with pytest.raises(Invalid):
        await sign_in.with_code(having, visitor, await begin(having, visitor), protected.codes[0])
    await sign_in.with_code(having, visitor, await begin(having, visitor), offer.codes[0])


async def test_codes_that_were_offered_count_for_nothing_before(
    having: Accounts, browser: Visitor, visitor: Visitor
) -> None:
    protected = await protect(having, browser)
    user, code = await who(having, protected.browser), await code_of(having, protected.secret)
    offer = await protection.offer_codes(having, protected.browser, user, current=PASSWORD, code=code)

    with pytest.raises(Invalid):
        await sign_in.with_code(having, visitor, await begin(having, visitor), offer.codes[0])


async def test_only_what_was_offered_last_is_confirmed(having: Accounts, browser: Visitor) -> None:
    user = await who(having, browser)
    first = await protection.begin(having, browser, user, PASSWORD)
    last = await protection.begin(having, browser, user, PASSWORD)
    code = await code_of(having, last.secret)

    for stale in (first, Offer(first.codes, last.secret), Offer((), last.secret)):
        with pytest.raises(Conflict, match="Another one was begun"):
            await protection.confirm(having, browser, user, stale, code)
    entered = await protection.confirm(having, browser, user, last, code)
    with pytest.raises(Conflict, match="Another one was begun"):
        await protection.take_codes(having, browser, await signed(having, entered.session), Offer(()))


async def test_a_session_alone_begins_nothing(having: Accounts, browser: Visitor) -> None:
    user = await who(having, browser)

    with pytest.raises(Invalid) as wrong:
        await protection.begin(having, browser, user, "")

    assert wrong.value.field == "current"
    assert not await having.redis.hexists(account_keys.user(1), "totp_new")  # type: ignore[misc]


async def test_without_a_password_a_sign_in_of_under_ten_minutes_proves_it(
    having: Accounts, browser: Visitor, redis: Redis
) -> None:
    await redis.hset(account_keys.user(1), "password", "")  # type: ignore[misc]
    code = await links.make(redis, Purpose.SIGN_IN, 1)
    entered = await sign_in.with_link(having, browser, code)
    assert isinstance(entered, SignedIn)
    user = await signed(having, entered.session)

    await protection.begin(having, browser, user, "")
    await later(redis, 10 * MINUTE)
    with pytest.raises(Forbidden, match="Sign out, sign in again"):
        await protection.begin(having, browser, user, "")
    wanted = UserSetUp(name="Ada", email=ADA, password=OTHER)
    with pytest.raises(Forbidden, match="Sign out, sign in again"):
        await profile.set_up(having, browser, user, wanted)


async def test_the_trail_has_each_step(having: Accounts, browser: Visitor, redis: Redis) -> None:
    protected = await protect(having, browser)
    here, user = protected.browser, await who(having, protected.browser)
    code = await code_of(having, protected.secret)
    offer = await protection.offer_codes(having, here, user, current=PASSWORD, code=code)
    entered = await protection.take_codes(having, here, user, offer)
    user = await signed(having, entered.session)
    await protection.remove(having, here, user, current=PASSWORD, code=offer.codes[0])

    lines = (await audit.page(redis, Team(1), AuditQuery())).data

    assert [line.operation for line in reversed(lines)] == [
        "begin-second-factor",
        "add-second-factor",
        "begin-recovery-codes",
        "renew-recovery-codes",
        "remove-second-factor",
    ]
    said = "".join(line.model_dump_json() for line in lines)
    assert not [one for one in (protected.secret, *protected.codes, *offer.codes) if one in said]
    assert {line.about for line in lines} == {("user:1",)}


async def test_a_second_factor_that_is_set_is_not_set_again(having: Accounts, browser: Visitor) -> None:
    protected = await protect(having, browser)
    user = await who(having, protected.browser)

    with pytest.raises(Conflict, match="remove it first"):
        await protection.begin(having, protected.browser, user, PASSWORD)
