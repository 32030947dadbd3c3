"""Of two who change the same of an account, the one who read it before the other's change is refused."""

import pytest
from redis.asyncio import Redis

from shared.actions.accounts import users
from shared.errors import Invalid
from shared.store import account_keys
from shared.store.transitions import Setting, accounts
from tests import people


@pytest.fixture(autouse=True)
async def _three(redis: Redis) -> None:
    await people.join(redis, "one", 3)


async def test_a_team_is_handed_over_by_its_owner_of_now(redis: Redis) -> None:
    first = await accounts.hand_over_team(redis, team=1, user=2, before=1)
    second = await accounts.hand_over_team(redis, team=1, user=3, before=1)

    assert (first != "stale", second) == (True, "stale")
    assert await redis.hget(account_keys.team(1), "owner") == "2"  # type: ignore[misc]


async def test_a_team_is_deleted_by_its_owner_of_now(redis: Redis) -> None:
    await accounts.hand_over_team(redis, team=1, user=2, before=1)

    assert await accounts.delete_team(redis, team=1, before=1, name="one", now_ms=1) is None
    assert not await redis.hexists(account_keys.team(1), "deleted")  # type: ignore[misc]


async def test_a_team_is_deleted_by_the_name_that_was_typed(redis: Redis) -> None:
    await accounts.rename_team(redis, team=1, before="one", name="two")

    assert await accounts.delete_team(redis, team=1, before=1, name="one", now_ms=1) is None
    assert not await redis.hexists(account_keys.team(1), "deleted")  # type: ignore[misc]
    assert await accounts.delete_team(redis, team=1, before=1, name="two", now_ms=1)


async def test_a_team_is_renamed_from_the_name_that_was_read(redis: Redis) -> None:
    await accounts.rename_team(redis, team=1, before="one", name="two")

    assert await accounts.rename_team(redis, team=1, before="one", name="three") == "stale"
    assert await redis.hgetall(account_keys.teams()) == {"two": "1"}  # type: ignore[misc]


async def test_a_role_is_changed_from_that_which_was_read(redis: Redis) -> None:
    await accounts.set_role(redis, team=1, user=2, role="admin", before="member")

    assert await accounts.set_role(redis, team=1, user=2, role="admin", before="member") == "stale"


async def test_a_user_is_changed_from_the_version_that_was_read(redis: Redis) -> None:
    assert await accounts.change_user(redis, [Setting("name", "A")], user=1, version="1")
    assert not await accounts.change_user(redis, [Setting("name", "B")], user=1, version="1")

    assert (await users.get(redis, 1)).name == "A"


async def test_who_owned_a_team_stays_an_admin(redis: Redis) -> None:
    await accounts.hand_over_team(redis, team=1, user=2, before=1)
    await accounts.hand_over_team(redis, team=1, user=3, before=2)

    roles = [await redis.hget(account_keys.member(1, user), "role") for user in (1, 2, 3)]  # type: ignore[misc]
    assert roles == ["admin"] * 3


async def test_an_address_has_one_user(redis: Redis) -> None:
    with pytest.raises(Invalid, match="a user has that address already"):
        await users.create(redis, email="USER1@example.com")

    assert not await redis.exists(account_keys.user(4))


async def test_of_an_invitation_the_last_word_has_the_step_that_accepts_it(redis: Redis) -> None:
    email, link = "new@example.com", "d" * 64
    await accounts.create_invitation(
        redis,
        team=1,
        email=email,
        email_given=email,
        role="member",
        by="Ada",
        by_user=None,
        link=link,
        sealed="sealed",
        expires=100,
        now_ms=1,
    )

    async def accept(team: int, now_ms: int, user: int | None = None) -> object:
        return await accounts.accept_invitation(
            redis, team=team, link=link, user=user, name="New", password="hash", now_ms=now_ms
        )

    assert [await accept(1, 100), await accept(2, 50), await accept(1, 50, 1)] == ["gone", "gone", "other"]
    await redis.delete(account_keys.members(1).replace("members", "invitations"))  # a list that lost it
    assert await accept(1, 99) == 4
    assert await accept(1, 99, 4) == "gone"


@pytest.mark.parametrize(("now_ms", "user"), [(99, 2), (100, None)])
async def test_a_link_is_worth_nothing_from_its_end_on(redis: Redis, now_ms: int, user: int | None) -> None:
    of_link = dict(link="d" * 64, purpose="password")
    assert await accounts.keep_link(redis, user=2, expires=100, alone=True, now_ms=1, **of_link)  # type: ignore[arg-type]

    assert await accounts.take_link(redis, now_ms=now_ms, **of_link) == user


async def test_no_session_is_opened_for_a_user_who_changed_since(redis: Redis) -> None:
    await accounts.change_user(redis, [Setting("password", "another")], user=1, version="1")
    given = dict(before=None, user=1, team=None, address="", client="", expires=10, now_ms=1)

    assert not await accounts.open_session(redis, session="a", version="1", **given)  # type: ignore[arg-type]
    assert await accounts.open_session(redis, session="b", version="2", **given)  # type: ignore[arg-type]


async def test_the_counts_of_ids_may_be_lost_and_no_user_is_written_over(redis: Redis) -> None:
    await redis.delete(account_keys.global_ids())

    made = await users.create(redis, email="new@example.com", team="one")

    assert made == 4
    assert (await users.get(redis, 1)).email == "User1@example.com"


async def test_a_first_start_makes_an_owner_once(redis: Redis) -> None:
    made = await users.owner_of(redis, "mine", "me@example.com")
    again = await users.owner_of(redis, "mine", "me@example.com")

    assert made == again == 4
    assert await users.owner_of(redis, "one", "me@example.com") == 1
