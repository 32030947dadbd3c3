"""A session that has ended changes nothing, though a process remembers it for some seconds."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pyotp
import pytest
from redis.asyncio import Redis

from shared.actions.accounts import (
    invitations,
    joining,
    links,
    members,
    profile,
    protection,
    resets,
    sessions,
    sign_in,
    teams,
    tokens,
    users,
)
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Unauthenticated
from shared.operations import Call
from shared.schemas.accounts.invitations import InvitationCreate
from shared.schemas.accounts.members import MemberUpdate
from shared.schemas.accounts.teams import TeamUpdate
from shared.schemas.accounts.tokens import TokenCreate, TokenUpdate
from shared.schemas.accounts.users import Role, UserSetUp
from shared.security.sessions import Signed
from shared.store import account_keys
from shared.store.keyspace import Team
from shared.store.transitions import Setting, accounts
from tests.actions.people import ADA, GRACE, PASSWORD, enter, in_browser, make
from tests.calls import call_of

OTHER = "eight badgers sing"


class Remembered(NamedTuple):
    """A browser whose session of Ada, who owns team 1, the process remembers."""

    having: Accounts
    browser: Visitor
    who: Signed
    token: int
    code: str
    """Of an invitation of Ada into another team."""

    def call(self, operation: str) -> Call:
        return self.having.call(self.browser, self.who, operation)


@pytest.fixture
async def remembered(having: Accounts, visitor: Visitor) -> Remembered:
    ada, _ = await make(having), await make(having, GRACE)
    await make(having, "other@example.com", "two")
    invitation = InvitationCreate(email=ADA, role=Role.MEMBER)
    invited = await invitations.create(call_of(having.redis, Team(2)), invitation)
    await enter(having, visitor)  # another of hers
    browser = in_browser(visitor, (await enter(having, visitor)).session)
    who = await having.sessions.signed(browser.session)
    token = await tokens.create(having.call(browser, who, "create-token"), _TOKEN)
    await invitations.create(having.call(browser, who, "create-invitation"), _INVITATION)
    assert who.user == ada
    return Remembered(having, browser, who, token.id, invited.code)


_TOKEN = TokenCreate(name="agent", scopes=["admin"])
_INVITATION = InvitationCreate(email="new@example.com", role=Role.MEMBER)

Change = Callable[[Remembered], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "rename": lambda one: profile.rename(one.having, one.browser, one.who, "Mallory"),
    "password": lambda one: profile.change_password(one.having, one.browser, one.who, PASSWORD, OTHER),
    "second factor": lambda one: protection.begin(one.having, one.browser, one.who, PASSWORD),
    "end others": lambda one: sessions.revoke_others(one.having, one.browser, one.who),
    "join": lambda one: joining.accept(one.having, one.browser, one.who, one.code),
    "make a team": lambda one: joining.make_team(one.having, one.browser, one.who, "three"),
    "make a token": lambda one: tokens.create(one.call("create-token"), _TOKEN.model_copy(update={"name": "x"})),
    "change a token": lambda one: tokens.update(one.call("update-token"), one.token, TokenUpdate(name="x")),
    "regenerate a token": lambda one: tokens.regenerate(one.call("regenerate-token"), one.token),
    "delete a token": lambda one: tokens.delete(one.call("delete-token"), one.token),
    "invite": lambda one: invitations.create(one.call("create-invitation"), _INVITATION),
    "cancel": lambda one: invitations.cancel(one.call("cancel-invitation"), 1),
    "set a role": lambda one: members.update(one.call("update-member"), 2, MemberUpdate(role=Role.ADMIN)),
    "remove a member": lambda one: members.remove(one.call("remove-member"), 2),
    "rename the team": lambda one: teams.rename(one.call("update-team"), TeamUpdate(name="x")),
    "hand over": lambda one: teams.hand_over(one.call("hand-over-team"), 2),
    "delete the team": lambda one: teams.delete(one.call("delete-team")),
}  # fmt: skip


async def held(redis: Redis) -> dict[str, object]:
    """What all keys hold; of hashes and sets in whatever order, which Redis does not keep."""
    found: dict[str, object] = {}
    for key in sorted(await redis.keys("r:{global}:*")):
        match await redis.type(key):
            case "hash":
                found[key] = await redis.hgetall(key)  # type: ignore[misc]
            case "set":
                found[key] = await redis.smembers(key)  # type: ignore[misc]
            case _:
                found[key] = await redis.dump(key)
    return found


@pytest.mark.parametrize("change", CHANGES)
async def test_it_changes_nothing(remembered: Remembered, redis: Redis, change: str) -> None:
    await accounts.end_sessions(redis, user=1, begins=remembered.who.session)
    before = await held(redis)

    with pytest.raises(Unauthenticated, match="You are not signed in"):
        await CHANGES[change](remembered)

    assert await held(redis) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_one_that_is_open_does_all_of_that(remembered: Remembered, redis: Redis, change: str) -> None:
    before = await held(redis)

    await CHANGES[change](remembered)

    assert await held(redis) != before


async def test_a_session_of_another_user_changes_nothing(remembered: Remembered, redis: Redis) -> None:
    await redis.hset(account_keys.session(remembered.who.session), "user", "2")  # type: ignore[misc]

    with pytest.raises(Unauthenticated):
        await CHANGES["rename"](remembered)

    assert (await users.get(redis, 1)).name == "Ada"


async def test_an_offer_of_before_is_not_confirmed_by_it(remembered: Remembered, redis: Redis) -> None:
    having, browser, who = remembered.having, remembered.browser, remembered.who
    offer = await protection.begin(having, browser, who, PASSWORD)
    await accounts.end_sessions(redis, user=1)
    code = pyotp.TOTP(offer.secret).at(await having.now())

    with pytest.raises(Unauthenticated):
        await protection.confirm(having, browser, who, offer, code)

    assert not (await users.get(redis, 1)).totp


async def test_nobody_says_who_they_are_by_it(having: Accounts, visitor: Visitor, redis: Redis) -> None:
    owner = await users.owner_of(redis, "default", "installer@example.com")
    code = await links.make(redis, Purpose.SIGN_IN, owner)
    entered = await sign_in.with_link(having, visitor, code)
    assert isinstance(entered, SignedIn)
    browser = in_browser(visitor, entered.session)
    who = await having.sessions.signed(browser.session)
    created = await redis.hget(account_keys.session(who.session), "created")  # type: ignore[misc]
    await accounts.end_sessions(redis, user=owner)
    # Its record may go between the look at how old it is and the change.
    await redis.hset(account_keys.session(who.session), mapping={"created": created})  # type: ignore[misc]

    with pytest.raises(Unauthenticated):
        await profile.set_up(having, browser, who, UserSetUp(email=GRACE, name="Grace", password=PASSWORD))

    assert not (await users.get(redis, owner)).password


@pytest.mark.parametrize("has_second_factor", [False, True])
async def test_who_was_read_before_a_change_does_not_get_in_after_it(
    having: Accounts, visitor: Visitor, redis: Redis, has_second_factor: bool
) -> None:
    await make(having)
    if has_second_factor:
        await redis.hset(account_keys.user(1), "totp", "sealed")  # type: ignore[misc]
    before = await users.get(redis, 1)
    await accounts.change_user(redis, [Setting("password", "x")], user=1, version=before.version)
    kept = await held(redis)

    with pytest.raises(Conflict, match="sign in again"):
        await sign_in.proceed(having, visitor, before)

    assert await held(redis) == kept


async def test_a_thief_confirms_no_second_factor_after_the_owners_reset(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    browser = in_browser(visitor, (await enter(having, visitor)).session)
    thief = await having.sessions.signed(browser.session)
    offer = await protection.begin(having, browser, thief, PASSWORD)
    code = await links.make(redis, Purpose.RESET, 1)
    await resets.set_password(having, visitor, code, OTHER)
    app = pyotp.TOTP(offer.secret)

    with pytest.raises(Conflict, match="No second factor was begun"):
        await protection.confirm(having, browser, thief, offer, app.at(await having.now()))

    user = await users.get(redis, 1)
    assert (user.totp, user.totp_new, user.recovery_new) == ("", "", "")
