"""Accepting an invitation, and making a team."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import invitations, joining, links, members, profile, sessions, sign_in, teams
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, Invalid, NotFound, TooManyAttempts, Unauthenticated
from shared.operations import Call
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.invitations import InvitationCreate, InvitationQuery
from shared.schemas.accounts.members import MemberUpdate
from shared.schemas.accounts.teams import TeamUpdate
from shared.schemas.accounts.users import Role, UserSetUp
from shared.security import tokens
from shared.security.brake import BURST
from shared.store import account_keys
from shared.store.keyspace import Team
from tests.actions.people import ADA, GRACE, PASSWORD, enter, later, make, signed
from tests.calls import call_of

DAY = 86_400_000


@pytest.fixture
async def call(having: Accounts, team: Team) -> Call:
    """By an admin of team 1, which Ada owns."""
    await make(having)
    return call_of(having.redis, team)


async def invite(call: Call, email: str = GRACE, role: Role = Role.MEMBER) -> str:
    return (await invitations.create(call, InvitationCreate(email=email, role=role))).code


async def join(having: Accounts, visitor: Visitor, code: str) -> SignedIn:
    return await joining.join(having, visitor, code, name="Grace", password=PASSWORD)


async def test_somebody_new_joins_by_the_link_and_is_signed_in(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    code = await invite(call, role=Role.ADMIN)

    shown = await joining.look(having, visitor, code)
    entered = await join(having, visitor, code)

    assert (shown.team_name, shown.email, shown.role, shown.has_user) == ("one", GRACE, "admin", False)
    who = await signed(having, entered.session)
    assert (who.email, who.name, who.role, who.caller.team.id) == (GRACE, "Grace", "admin", 1)
    assert (await enter(having, visitor, GRACE)).user == who.user
    assert (await teams.get(call)).owner_id == 1


async def test_the_trail_of_the_team_says_who_joined(having: Accounts, visitor: Visitor, call: Call) -> None:
    await join(having, visitor, await invite(call))

    line, invited = (await audit.page(call.redis, call.team, AuditQuery())).data

    assert (line.operation, line.actor, line.interface, line.client) == (
        "accept-invitation",
        GRACE,
        "web",
        "Firefox",
    )
    assert line.about == ("user:2", "invitation:1", "member:2")
    assert invited.about == ("invitation:1",)


async def test_an_invitation_is_accepted_once_and_of_five_at_once_by_one(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    code = await invite(call)

    tried = await asyncio.gather(*(join(having, visitor, code) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(one, SignedIn) for one in tried) == 1
    assert sum(isinstance(one, NotFound | Conflict) for one in tried) == 4
    with pytest.raises(NotFound):
        await joining.look(having, visitor, code)
    assert (await members.get(call.redis, call.team, 2)).role is Role.MEMBER


async def test_who_has_a_user_signs_in_and_accepts(having: Accounts, visitor: Visitor, call: Call) -> None:
    await make(having, GRACE, team="two")
    code = await invite(call, "GRACE@example.com")
    who = await signed(having, (entered := await enter(having, visitor, GRACE)).session)

    with pytest.raises(Conflict, match="sign in"):
        await join(having, visitor, code)
    await joining.accept(having, visitor, who, code)

    assert (await signed(having, entered.session)).caller.team.id == 1
    assert [one.name for one in await sessions.teams(having.redis, who)] == ["one", "two"]


async def test_a_user_of_another_address_does_not_accept(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    await make(having, "eve@example.com", team="two")
    code = await invite(call)
    eve = await signed(having, (await enter(having, visitor, "eve@example.com")).session)

    with pytest.raises(Forbidden, match="another e-mail address"):
        await joining.accept(having, visitor, eve, code)

    assert (await joining.look(having, visitor, code)).email == GRACE
    with pytest.raises(NotFound):
        await members.get(call.redis, call.team, eve.user)


async def test_a_cancelled_invitation_is_worth_nothing(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    code = await invite(call)
    await invitations.cancel(call, 1)

    with pytest.raises(NotFound):
        await join(having, visitor, code)


async def test_an_invitation_is_worth_nothing_after_a_week(
    having: Accounts, visitor: Visitor, call: Call, redis: Redis
) -> None:
    code = await invite(call)

    await later(redis, 7 * DAY - 60_000)
    assert (await joining.look(having, visitor, code)).email == GRACE
    await later(redis, 7 * DAY)

    with pytest.raises(NotFound):
        await join(having, visitor, code)
    assert (await members._read(redis, call.team, [2])) == []


async def test_the_first_to_join_a_team_of_tokens_owns_it(
    having: Accounts, visitor: Visitor, redis: Redis, team: Team
) -> None:
    await tokens.create(redis, team="one", name="test", scopes=("admin",))

    entered = await join(having, visitor, await invite(call_of(redis, team)))

    assert (await teams.get(call_of(redis, team))).owner_id == entered.user
    assert (await signed(having, entered.session)).role == "admin"


async def test_a_common_password_is_refused_and_the_invitation_stays(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    code = await invite(call)

    with pytest.raises(Invalid, match="tried first"):
        await joining.join(having, visitor, code, name="Grace", password="Password2026!")

    assert (await join(having, visitor, code)).user == 2


async def test_a_user_makes_a_team_and_owns_it(having: Accounts, visitor: Visitor, redis: Redis) -> None:
    await make(having, team=None)
    entered = await enter(having, visitor)

    made = await joining.make_team(having, visitor, await signed(having, entered.session), "mine")
    who = await signed(having, entered.session)
    with pytest.raises(Invalid, match="unique"):
        await joining.make_team(having, visitor, who, "mine")

    assert who.caller.team.id == made
    call = having.call(visitor, who, "get-team")
    assert (await teams.get(call)).owner_id == 1
    (line,) = (await audit.page(redis, Team(made), AuditQuery())).data
    assert (line.operation, line.actor, line.about) == ("create-team", ADA, (f"team:{made}", "member:1"))


async def test_only_the_owner_hands_over_and_deletes(having: Accounts, visitor: Visitor, call: Call) -> None:
    await make(having, GRACE, role=Role.ADMIN)
    owner, admin = [
        having.call(visitor, await signed(having, (await enter(having, visitor, email)).session), "x")
        for email in (ADA, GRACE)
    ]

    for refused in (teams.delete(admin), teams.hand_over(admin, 2)):
        with pytest.raises(Forbidden, match="Only the owner"):
            await refused
    assert (await teams.rename(admin, TeamUpdate(name="ours"))).name == "ours"
    assert (await teams.hand_over(owner, 2)).owner_id == 2
    with pytest.raises(Forbidden):
        await teams.delete(owner)
    await teams.delete(admin)

    with pytest.raises(Unauthenticated, match="The team was deleted"):
        await teams.get(call)


async def test_a_member_leaves_and_the_owner_only_once_it_has_handed_over(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    await make(having, GRACE)
    ada, grace = [
        having.call(
            visitor, await signed(having, (await enter(having, visitor, email)).session), "leave-team"
        )
        for email in (ADA, GRACE)
    ]

    with pytest.raises(Conflict, match="hand the team over first"):
        await members.leave(ada)
    await teams.hand_over(ada, 2)
    await members.leave(ada)

    assert await having.redis.zrange(account_keys.members(1), 0, -1) == ["2"]
    line = (await audit.page(call.redis, call.team, AuditQuery())).data[0]
    assert (line.operation, line.actor, line.about) == ("leave-team", ADA, ("member:1",))
    with pytest.raises(Conflict):
        await members.leave(grace)


async def test_two_who_hand_over_at_once_leave_one_owner(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    for number in range(3):
        await make(having, f"user{number}@example.com")
    owner = having.call(visitor, await signed(having, (await enter(having, visitor)).session), "x")

    tried = await asyncio.gather(
        *(teams.hand_over(owner, member) for member in (2, 3, 4)), return_exceptions=True
    )

    assert sum(isinstance(one, Forbidden) for one in tried) == 2
    page = [await members.get(call.redis, call.team, each) for each in (1, 2, 3, 4)]
    assert sum(one.is_owner for one in page) == 1


async def test_a_role_that_is_set_already_is_set_again(having: Accounts, call: Call) -> None:
    await make(having, GRACE)

    again = await members.update(call, 2, MemberUpdate(role=Role.MEMBER))

    assert again.role is Role.MEMBER


async def test_who_is_no_admin_any_more_has_invited_nobody(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    admin = await make(having, GRACE, role=Role.ADMIN)
    of_admin = replace(call, caller=replace(call.caller, user=admin))
    code = await invite(of_admin, "grace@elsewhere.example", Role.ADMIN)
    await members.remove(call, admin)

    with pytest.raises(NotFound):
        await join(having, visitor, code)


async def test_nobody_takes_the_name_by_which_the_first_team_is_found(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    who = await signed(having, (await enter(having, visitor)).session)

    with pytest.raises(Invalid, match="must be unique"):
        await joining.make_team(having, visitor, who, " default ")
    with pytest.raises(Invalid, match="must be unique"):
        await teams.rename(call, TeamUpdate(name="default"))


async def test_a_link_is_looked_for_however_many_were_wrong_before(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    code = await invite(call)
    for number in range(BURST + 1):
        with suppress(NotFound, TooManyAttempts):
            await joining.look(having, visitor, f"guess {number}")

    assert (await joining.look(having, visitor, code)).email == GRACE


async def test_who_joins_a_team_without_members_owns_it_and_the_trail_says_so(
    having: Accounts, visitor: Visitor, redis: Redis, team: Team
) -> None:
    await tokens.create(redis, team="one", name="operator's", scopes=("admin",))
    call = call_of(redis, team)
    first, second = await invite(call), await invite(call, ADA)

    shown = await joining.look(having, visitor, first)
    await join(having, visitor, first)
    later_one = await joining.look(having, visitor, second)
    await join(having, visitor, second)

    assert (shown.role, later_one.role) == ("owner", "member")
    assert (await teams.get(call)).owner_id == 1
    last, before = (await audit.page(redis, team, AuditQuery())).data[:2]
    assert [line.changes["role"].after for line in (before, last)] == ["owner", "member"]


async def test_whoever_became_a_member_meanwhile_is_invited_no_more(
    having: Accounts, visitor: Visitor, call: Call
) -> None:
    by_command, by_welcome = await invite(call, "Linus@example.com"), await invite(call, GRACE)
    await make(having, "linus@example.com")
    first = await make(having, "first@localhost")
    await having.redis.hset(account_keys.user(first), "password", "")  # type: ignore[misc]
    link = await links.make(having.redis, links.Purpose.SIGN_IN, first)
    entered = await sign_in.with_link(having, visitor, link)
    assert isinstance(entered, SignedIn)
    wanted = UserSetUp(name="Grace", email=GRACE, password=PASSWORD)
    await profile.set_up(having, visitor, await signed(having, entered.session), wanted)

    assert (await invitations.page(call.redis, call.team, InvitationQuery())).total == 0
    for code in (by_command, by_welcome):
        with pytest.raises(NotFound):
            await joining.look(having, visitor, code)
    lines = (await audit.page(call.redis, call.team, AuditQuery())).data
    assert lines[0].about == ("invitation:2", "user:3")
