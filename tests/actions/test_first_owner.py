"""The first owner: made without an address, signed in by a link, and set up by whoever opened it."""

import pytest

from shared.actions import audit
from shared.actions.accounts import links, profile, sign_in, users
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Invalid, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.users import UserSetUp
from shared.security.sessions import Signed
from shared.store.keyspace import Team
from tests.actions.people import ADA, GRACE, PASSWORD, enter, make, signed

WANTED = UserSetUp(email=ADA, name="Ada", password=PASSWORD)


async def arrive(having: Accounts, visitor: Visitor) -> Signed:
    code = await links.make(
        having.redis, Purpose.SIGN_IN, await users.owner_of(having.redis, "default", users.FIRST_OWNER)
    )
    found = await sign_in.with_link(having, visitor, code)
    assert isinstance(found, SignedIn)
    return await signed(having, found.session)


async def test_a_team_without_an_owner_gets_one_who_is_the_same_the_next_time(having: Accounts) -> None:
    first = await users.owner_of(having.redis, "default", users.FIRST_OWNER)

    assert await users.owner_of(having.redis, "default", users.FIRST_OWNER) == first
    assert (await users.get(having.redis, first)).email == users.FIRST_OWNER


async def test_the_owner_that_a_team_has_is_not_made_anew(having: Accounts) -> None:
    ada = await make(having, team="default")

    assert await users.owner_of(having.redis, "default", users.FIRST_OWNER) == ada


async def test_the_first_owner_says_how_to_sign_in_from_then_on(having: Accounts, visitor: Visitor) -> None:
    owner = await arrive(having, visitor)

    opened = await profile.set_up(having, visitor, owner, WANTED)

    here = await signed(having, opened.session)
    assert (here.user, here.email, here.role) == (owner.user, ADA, "admin")
    assert (await enter(having, visitor)).user == owner.user
    assert await users.find(having.redis, users.FIRST_OWNER) is None


async def test_the_session_of_the_link_ends_with_that(having: Accounts, visitor: Visitor) -> None:
    owner = await arrive(having, visitor)
    again = await arrive(having, visitor)

    await profile.set_up(having, visitor, owner, WANTED)

    assert again.user == owner.user
    assert await having.redis.exists(*(f"r:{{global}}:session:{one.session}" for one in (owner, again))) == 0


async def test_who_has_a_password_is_not_set_up_again(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    ada = await signed(having, (await enter(having, visitor)).session)

    with pytest.raises(Conflict, match="already"):
        await profile.set_up(having, visitor, ada, WANTED)


async def test_of_two_at_once_one_sets_the_owner_up(having: Accounts, visitor: Visitor) -> None:
    owner = await arrive(having, visitor)
    await profile.set_up(having, visitor, owner, WANTED)
    other = UserSetUp(email=GRACE, name="", password=PASSWORD)

    with pytest.raises(Conflict):
        await profile.set_up(having, visitor, owner, other)
    with pytest.raises(Unauthenticated):
        await enter(having, visitor, GRACE)


async def test_the_address_of_another_user_is_refused(having: Accounts, visitor: Visitor) -> None:
    await make(having, team="two")
    owner = await arrive(having, visitor)

    with pytest.raises(Invalid, match="another user") as refused:
        await profile.set_up(having, visitor, owner, WANTED)

    assert refused.value.field == "email"
    assert (await users.get(having.redis, owner.user)).email == users.FIRST_OWNER


async def test_a_password_that_is_tried_first_is_refused(having: Accounts, visitor: Visitor) -> None:
    owner = await arrive(having, visitor)

    with pytest.raises(Invalid) as refused:
        await profile.set_up(having, visitor, owner, WANTED.model_copy(update={"password": "password12"}))

    assert refused.value.field == "password"


async def test_the_trail_has_it_without_the_password(having: Accounts, visitor: Visitor) -> None:
    owner = await arrive(having, visitor)

    await profile.set_up(having, visitor, owner, WANTED)

    assert owner.team
    (line,) = (await audit.page(having.redis, Team(owner.team.id), AuditQuery(operation="set-up-user"))).data
    assert (line.interface, *line.about) == ("web", f"user:{owner.user}")
    changes = {name: (change.before, change.after) for name, change in line.changes.items()}
    assert changes == {
        "email": (users.FIRST_OWNER, WANTED.email),
        "name": ("", WANTED.name),
        "has_password": (False, True),
    }
    assert PASSWORD not in line.model_dump_json()
