"""The page of a user itself."""

from redis.asyncio import Redis

from tests.pages.browser import PASSWORD, Browser, enter
from tests.pages.conftest import OWNER

OTHER_PASSWORD = "eight badgers sing"


async def test_a_name_is_set_and_escaped(owner: Browser) -> None:
    page = await owner.send(await owner.open("/me"), "/me/name", name="<b>Ada</b> O'Neil")

    assert page.form("/me/name").fields["name"] == "<b>Ada</b> O'Neil"
    assert "<b>Ada" not in page.response.text
    assert "<b>Ada</b> O'Neil" in (await owner.open("/t/1/settings/members")).text


async def test_another_password_ends_the_other_browsers(owner: Browser, other: Browser, redis: Redis) -> None:
    await enter(other, redis, 1)

    page = await owner.send(
        await owner.open("/me"), "/me/password", current=PASSWORD, password=OTHER_PASSWORD
    )

    assert (page.status, page.path) == (200, "/me")
    assert "One browser where you are signed in" in page.text
    other.client.cookies.clear()  # the process remembers its session for some seconds
    assert (await other.sign_in(OWNER, OTHER_PASSWORD)).path == "/t/1"


async def test_a_wrong_password_changes_nothing_and_is_not_shown_again(owner: Browser) -> None:
    page = await owner.send(
        await owner.open("/me"), "/me/password", current="wrong otters knit", password=OTHER_PASSWORD
    )

    assert page.status == 422
    assert "Must be your password as it is now." in page.text
    assert OTHER_PASSWORD not in page.response.text
    assert "wrong otters knit" not in page.response.text


async def test_a_session_is_ended_from_another(owner: Browser, other: Browser, redis: Redis) -> None:
    await enter(other, redis, 1)
    page = await owner.open("/me")
    theirs = [form.action for form in page.forms if form.action.endswith("/revoke")]

    after = await owner.send(page, theirs[0])  # the newest stands first

    assert len(theirs) == 2
    assert "One browser where you are signed in" in after.text


async def test_all_others_are_ended_at_once(owner: Browser, other: Browser, redis: Redis) -> None:
    await enter(other, redis, 1)

    page = await owner.send(await owner.open("/me"), "/me/sessions/revoke-others")

    assert "One browser where you are signed in" in page.text


async def test_a_session_that_is_not_theirs_is_not_found(owner: Browser) -> None:
    assert (await owner.post("/me/sessions/000000000000/revoke")).status == 404
    assert (await owner.post("/me/sessions/x/revoke")).status == 404


async def test_a_name_that_is_too_long_is_told_at_its_field(owner: Browser) -> None:
    page = await owner.send(await owner.open("/me"), "/me/name", name="x" * 101)

    assert page.status == 422
    assert "Must have at most 100 characters." in page.text
