"""The team on a page: renamed, handed over, left, deleted."""

import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.users import Role
from shared.store import account_keys
from shared.store.keyspace import Team
from tests import people
from tests.pages.browser import Browser, Page, enter, make_user, token_of
from tests.pages.conftest import MEMBER, OWNER

PATH = "/t/1/settings/team"
HAND_OVER, DELETE = f"{PATH}/hand-over", f"{PATH}/delete"


async def owner_of(redis: Redis) -> str:
    owner: str = await redis.hget(account_keys.team(1), "owner")  # type: ignore[misc]
    return owner


async def admin(browser: Browser, redis: Redis) -> int:
    user = await make_user(redis, "admin@example.com", role=Role.ADMIN)
    await enter(browser, redis, user)
    return user


async def test_who_owns_it_sees_all_there_is_to_do(owner: Browser) -> None:
    page = await owner.open(PATH)

    assert "You own this team." in page.text
    assert {HAND_OVER, DELETE} <= {*page.links}
    assert "/t/1/settings/members/1/remove" not in page.links


async def test_a_member_sees_who_owns_it_and_can_leave(member: Browser) -> None:
    page = await member.open(PATH)
    left = await member.send(await member.open("/t/1/settings/members/2/remove"))

    assert f"{OWNER} owns this team." in page.text
    assert [form.action for form in page.forms] == ["/sign-out", "/theme"]
    assert not {HAND_OVER, DELETE} & {*page.links}
    assert left.path == "/me"


async def test_an_admin_renames_it(owner: Browser, other: Browser, redis: Redis) -> None:
    await admin(other, redis)

    page = await other.send(await other.open(PATH), PATH, name="  Corner shop ")

    assert (page.status, page.path) == (200, PATH)
    assert page.form(PATH).fields["name"] == "Corner shop"
    assert "Corner shop" in (await owner.open("/me")).text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Must not be empty"),
        ("x" * 101, "Must have at most 100 characters."),
        ("billing", "Must be unique"),
        ("default", "Must be unique"),
    ],
)
async def test_a_name_that_cannot_be_is_told_at_its_field(owner: Browser, name: str, sentence: str) -> None:
    await owner.send(await owner.open("/new-team"), name="billing")

    page = await owner.send(await owner.open(PATH), PATH, name=name)

    assert page.status == 422
    assert sentence in page.text
    assert page.form(PATH).fields["name"] == name


async def test_a_rename_of_what_another_renamed_meanwhile_is_told_and_keeps_what_was_typed(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    await admin(other, redis)
    mine = await owner.open(PATH)
    await other.send(await other.open(PATH), PATH, name="theirs")

    page = await owner.send(mine, PATH, name="mine")
    again = await owner.send(page, PATH)

    assert page.status == 409
    assert "it is called theirs now" in page.text
    assert page.form(PATH).fields["name"] == "mine"
    assert again.form(PATH).fields["name"] == "mine"


async def test_it_is_handed_over_to_a_member_who_was_chosen(
    owner: Browser, member: Browser, redis: Redis
) -> None:
    listed = await owner.open(HAND_OVER)
    asked = await owner.open(next(link for link in listed.links if link.startswith(f"{HAND_OVER}/")))

    page = await owner.send(asked)

    assert f"Hand shop over to {MEMBER}?" in asked.text
    assert f"{MEMBER} owns this team." in page.text
    assert await owner_of(redis) == "2"
    assert {HAND_OVER, DELETE} <= {*(await member.open(PATH)).links}
    assert (await owner.open(DELETE)).status == 403


async def test_only_the_owner_hands_over_and_deletes(owner: Browser, other: Browser, redis: Redis) -> None:
    user = await admin(other, redis)

    answers = [
        await other.open(HAND_OVER),
        await other.open(f"{HAND_OVER}/{user}"),
        await other.post(f"{HAND_OVER}/{user}"),
        await other.open(DELETE),
        await other.post(DELETE, name="shop"),
    ]

    assert [page.status for page in answers] == [403] * 5
    assert await owner_of(redis) == "1"


async def test_nobody_who_is_no_member_is_handed_it(owner: Browser, redis: Redis) -> None:
    await make_user(redis, "stranger@example.com", "elsewhere")

    asked, sent = await owner.open(f"{HAND_OVER}/2"), await owner.post(f"{HAND_OVER}/2")

    assert asked.status == 404
    assert (sent.status, "choose somebody else" in sent.text) == (409, True)
    assert await owner_of(redis) == "1"


async def test_alone_there_is_nobody_to_hand_it_to(owner: Browser) -> None:
    page = await owner.open(HAND_OVER)

    assert "You are the only member." in page.text
    assert [link for link in page.links if link.startswith(f"{HAND_OVER}/")] == []


async def test_of_many_members_all_are_reached_by_pages_or_by_a_search(owner: Browser, redis: Redis) -> None:
    await people.join(redis, "shop", 120)
    reached: set[str] = set()
    page = await owner.open(HAND_OVER)
    while True:
        reached |= {link for link in page.links if link.startswith(f"{HAND_OVER}/")}
        older = f"?page={number_of(page) + 1}"
        if older not in page.links:
            break
        page = await owner.open(f"{HAND_OVER}{older}")
    found = await owner.open(f"{HAND_OVER}?search=user77%40")
    nobody = await owner.open(f"{HAND_OVER}?search=nobody")

    assert len(reached) == 120
    assert [link for link in found.links if link.startswith(f"{HAND_OVER}/")] == [f"{HAND_OVER}/78"]
    assert "No address or name has “nobody” in it." in nobody.text


def number_of(page: Page) -> int:
    return int(page.response.url.params.get("page", "1"))


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999999999", "999", "\uff11"])
async def test_a_page_that_is_not_there_is_an_empty_or_the_first_one(owner: Browser, number: str) -> None:
    for path in (HAND_OVER, "/t/1/settings/members", "/t/1/settings/api"):
        assert (await owner.open(f"{path}?page={number}")).status == 200


async def test_it_is_deleted_once_its_name_is_typed(owner: Browser, redis: Redis) -> None:
    token = token_of(await owner.send(await owner.open("/t/1/settings/api"), name="agent"))
    asked = await owner.open(DELETE)
    wrong = await owner.send(asked, DELETE, name="Shop")

    page = await owner.send(wrong, DELETE, name="shop")

    assert "The audit trail, for 365 days" in asked.text
    assert wrong.status == 422
    assert "Must be shop, the name of the team." in wrong.text
    assert (page.path, "No teams" in page.text) == ("/me", True)
    assert (await owner.open(PATH)).status == 404
    headers = {"Authorization": f"Bearer {token}"}
    assert (await owner.client.get("/api/queues", headers=headers)).status_code == 401


async def test_the_trail_has_each_with_what_changed(owner: Browser, member: Browser, redis: Redis) -> None:
    await owner.send(await owner.open(PATH), PATH, name="corner")
    await owner.send(await owner.open(f"{HAND_OVER}/2"))
    await member.send(await member.open(DELETE), DELETE, name="corner")

    lines = (await audit.page(redis, Team(1), AuditQuery(interface="web"))).data

    assert [(line.operation, line.actor) for line in lines] == [
        ("delete-team", MEMBER),
        ("hand-over-team", OWNER),
        ("update-team", OWNER),
    ]
    assert lines[2].changes["name"].after == "corner"
