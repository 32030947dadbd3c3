"""Members, invitations and teams."""

import pytest
from redis.asyncio import Redis

from shared.schemas.accounts.users import Role
from tests.pages.browser import PASSWORD, Browser, Page, enter, make_user, token_of
from tests.pages.conftest import MEMBER, OWNER

PATH = "/t/1/settings/members"
NEW = "grace@example.com"


async def invite(owner: Browser, email: str = NEW, **typed: str) -> Page:
    return await owner.send(await owner.open(PATH), email=email, **typed)


def link_of(page: Page) -> str:
    found = [word for word in page.text.split() if "/join/" in word]
    assert found, page.text
    return found[0]


async def test_an_invited_person_joins_by_the_link_and_is_inside(owner: Browser, other: Browser) -> None:
    made = await invite(owner)
    page = await other.open(link_of(made))

    inside = await other.send(page, name="Grace", password=PASSWORD)

    assert made.status == 201
    assert f"{OWNER} invited {NEW} as a member" in page.text
    assert inside.path == "/t/1"
    assert "Two members" in (await other.open(PATH)).text
    assert (await other.open(link_of(made))).status == 404
    assert link_of(made) not in (await owner.open(PATH)).text


async def test_a_bad_password_leaves_the_invitation_good(owner: Browser, other: Browser) -> None:
    page = await other.open(link_of(await invite(owner)))

    wrong = await other.send(page, name="Grace", password="password12")
    inside = await other.send(wrong, password=PASSWORD)

    assert wrong.status == 422
    assert "Must not be one of the passwords that are tried first" in wrong.text
    assert wrong.form(page.path).fields["name"] == "Grace"
    assert inside.path == "/t/1"


async def test_who_has_a_user_signs_in_and_joins_with_it(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    await make_user(redis, NEW, "elsewhere")
    link = link_of(await invite(owner, role="admin"))
    stranger = await other.open(link)
    back = next(address for address in stranger.links if address.startswith("/sign-in"))
    invitation = await other.send(await other.open(back), "/sign-in", email=NEW, password=PASSWORD)

    inside = await other.send(invitation)

    assert "Sign in as grace@example.com, then open this link again." in stranger.text
    assert inside.path == "/t/1"
    assert {"/t/1", "/t/2"} <= {*inside.links}


async def test_somebody_else_who_is_signed_in_cannot_take_the_invitation(
    owner: Browser, member: Browser
) -> None:
    link = link_of(await invite(owner))
    path = "/join/" + link.rpartition("/")[2]

    page = await member.open(link)
    taken = await member.post(path)

    assert f"Join as {MEMBER}" not in page.text
    assert taken.status == 422
    assert "another e-mail address" in taken.text


async def test_a_cancelled_invitation_is_used_up(owner: Browser, other: Browser) -> None:
    link = link_of(await invite(owner))
    page = await owner.open(PATH)

    await owner.send(page, f"{PATH}/invitations/1/cancel")

    gone = await other.open(link)
    assert gone.status == 404
    assert "Ask for another one." in gone.text


@pytest.mark.parametrize("email", ["", "no address", "a@b@c"])
async def test_what_is_no_address_is_told_at_its_field(owner: Browser, email: str) -> None:
    page = await invite(owner, email)

    assert page.status == 422
    assert "Must" in page.text
    assert page.form(PATH).fields["email"] == email


async def test_a_member_sees_who_is_there_and_changes_nothing(member: Browser) -> None:
    page = await member.open(PATH)
    refused = [
        await member.post(PATH, email=NEW, role="admin"),
        await member.post(f"{PATH}/2/role", role="admin"),
        await member.post(f"{PATH}/1/remove"),
        await member.post(f"{PATH}/invitations/1/cancel"),
    ]

    assert OWNER in page.text
    assert [form.action for form in page.forms] == ["/sign-out", "/theme"]
    assert [one.status for one in refused] == [403, 403, 403, 403]


async def test_a_member_leaves(member: Browser) -> None:
    page = await member.send(await member.open(f"{PATH}/2/remove"))

    assert page.path == "/me"
    assert "No teams" in page.text
    assert (await member.open(PATH)).status == 404


async def test_an_admin_removes_a_member(owner: Browser, member: Browser) -> None:
    asked = await owner.open(f"{PATH}/2/remove")

    page = await owner.send(asked)

    assert f"Remove {MEMBER}?" in asked.text
    assert "One member" in page.text


async def test_the_owner_is_not_removed(owner: Browser) -> None:
    page = await owner.post(f"{PATH}/1/remove")

    assert page.status == 409
    assert "hand the team over first" in page.text


async def test_a_role_is_changed(owner: Browser, member: Browser) -> None:
    page = await owner.send(await owner.open(PATH), f"{PATH}/2/role")

    assert page.form(f"{PATH}/2/role").fields["role"] == "member"


async def test_a_team_is_made_and_both_are_reached_by_their_addresses(owner: Browser) -> None:
    made = await owner.send(await owner.open("/new-team"), name="Billing")

    assert made.path == "/t/2"
    assert "Team Billing" in made.text
    assert "Team shop" in (await owner.open("/t/1")).text
    assert (await owner.open("/")).path == "/t/1"


async def test_a_team_needs_a_name_of_its_own(owner: Browser) -> None:
    blank = await owner.send(await owner.open("/new-team"), name="  ")
    taken = await owner.send(await owner.open("/new-team"), name="shop")

    assert (blank.status, taken.status) == (422, 422)
    assert "Must be unique" in taken.text


async def test_the_tokens_of_an_admin_who_is_removed_end(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    admin = await make_user(redis, MEMBER, role=Role.ADMIN)
    await enter(other, redis, admin)
    made = await other.send(await other.open("/t/1/settings/api"), name="agent", scope="admin")
    headers = {"Authorization": f"Bearer {token_of(made)}"}

    asked = await owner.open(f"{PATH}/{admin}/remove")
    await owner.send(asked)

    assert "the tokens they made" in asked.text
    assert (await other.client.get("/api/queues", headers=headers)).status_code == 401
