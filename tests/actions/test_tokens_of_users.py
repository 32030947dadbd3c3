"""Tokens that a signed-in user makes do no more than that user may by now."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from shared.actions.accounts import members, tokens, users
from shared.errors import Unauthenticated
from shared.operations import Call
from shared.schemas.accounts.members import MemberUpdate
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.accounts.users import Role
from shared.security import caller
from shared.security.tokens import digest_of
from shared.store import account_keys
from shared.store.keyspace import Team
from tests.calls import call_of

ADMIN = TokenCreate(name="mine", scopes=["admin"])


async def of_user(redis: Redis, user: int) -> Call:
    """A call by the session of a user who is an admin."""
    call = call_of(redis, Team(1))
    return replace(call, caller=replace(call.caller, user=user))


@pytest.fixture
async def owner(redis: Redis) -> int:
    return await users.create(redis, email="ada@example.com", name="Ada", team="one")


@pytest.fixture
async def admin(redis: Redis, owner: int) -> int:
    return await users.create(redis, email="grace@example.com", name="Grace", team="one", role=Role.ADMIN)


async def test_a_token_is_of_the_user_who_made_it(redis: Redis, owner: int) -> None:
    made = await tokens.create(await of_user(redis, owner), ADMIN)

    found = await caller.look_up(redis, digest_of(made.token))

    assert (found.user, set(found.scopes)) == (owner, {"admin"})


async def test_it_may_no_more_than_the_role_of_its_user_by_now(redis: Redis, admin: int) -> None:
    made = await tokens.create(await of_user(redis, admin), ADMIN)
    await members.update(call_of(redis, Team(1)), admin, MemberUpdate(role=Role.MEMBER))

    assert (await caller.look_up(redis, digest_of(made.token))).scopes == {"write"}


async def test_it_ends_when_its_user_leaves(redis: Redis, admin: int) -> None:
    made = await tokens.create(await of_user(redis, admin), ADMIN)
    await members.remove(call_of(redis, Team(1)), admin)

    with pytest.raises(Unauthenticated):
        await caller.look_up(redis, digest_of(made.token))


async def test_who_regenerates_a_token_has_it_and_not_what_another_may(
    redis: Redis, owner: int, admin: int
) -> None:
    of_owner = await tokens.create(await of_user(redis, owner), ADMIN)
    of_nobody = await tokens.create(call_of(redis, Team(1)), ADMIN.model_copy(update={"name": "operator's"}))

    for one in (of_owner, of_nobody):
        again = await tokens.regenerate(await of_user(redis, admin), one.id)
        assert (await caller.look_up(redis, digest_of(again.token))).user == admin
    back = await tokens.regenerate(call_of(redis, Team(1)), of_owner.id)
    assert (await caller.look_up(redis, digest_of(back.token))).user is None


async def test_it_goes_with_its_user(redis: Redis, admin: int) -> None:
    made = await tokens.create(await of_user(redis, admin), ADMIN)
    await members.remove(call_of(redis, Team(1)), admin)

    assert not await redis.exists(account_keys.token(digest_of(made.token)))
