"""A form whose answer was lost, sent again from the page that says so: it is done once, and answers as done."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests import lost
from tests.api.serving import serving
from tests.faults.parts.proxy import Proxy
from tests.pages.browser import Browser, token_of
from tests.pages.conftest import MEMBER, OWNER

MEMBERS, API, TEAM = (f"/t/1/settings/{one}" for one in ("members", "api", "team"))


class Repeated(NamedTuple):
    """A form of a page, which function does it, and where it leads once it is done."""

    path: str
    action: str
    function: str
    leads: str
    status: int = 200
    typed: tuple[tuple[str, str], ...] = ()
    by: str = OWNER


FORMS = (
    Repeated(f"{TEAM}/delete", f"{TEAM}/delete", "delete_team", "/me", typed=(("name", "shop"),)),
    Repeated(f"{MEMBERS}/2/remove", f"{MEMBERS}/2/remove", "remove_member", "/me", by=MEMBER),
    Repeated(f"{MEMBERS}/2/remove", f"{MEMBERS}/2/remove", "remove_member", MEMBERS),
    Repeated(MEMBERS, f"{MEMBERS}/2/role", "set_role", MEMBERS, typed=(("role", "admin"),)),
    Repeated(MEMBERS, MEMBERS, "create_invitation", MEMBERS, 201, (("email", "new@example.com"),)),
    Repeated(MEMBERS, f"{MEMBERS}/invitations/1/cancel", "cancel_invitation", MEMBERS),
    Repeated(f"{TEAM}/hand-over/2", f"{TEAM}/hand-over/2", "hand_over_team", TEAM),
    Repeated(API, API, "save_token", API, 201, (("name", "agent"),)),
    Repeated(f"{API}/1/regenerate", f"{API}/1/regenerate", "renew_token", f"{API}/1/regenerate", 201),
    Repeated(f"{API}/1/revoke", f"{API}/1/revoke", "delete_token", API),
)


@pytest.fixture(scope="module")
def way(server: EmbeddedServer) -> Iterator[Proxy]:
    with lost.way_to(server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def address(way: Proxy) -> Iterator[str]:
    """In place of the server without a proxy before its Redis."""
    with serving(Settings(redis_url=way.url, api_port=0)) as found:
        yield found


@pytest.fixture
async def team(address: str, owner: Browser, member: Browser, redis: Redis) -> dict[str, Browser]:
    """Of its owner and a member, with a token and an invitation."""
    await lost.teach(redis)
    token_of(await owner.send(await owner.open(API), name="before"))
    await owner.send(await owner.open(MEMBERS), MEMBERS, email="before@example.com")
    return {OWNER: owner, MEMBER: member}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.function} by {form.by}")
async def test_a_form_whose_answer_was_lost_is_done_once_and_answers_as_done(
    team: dict[str, Browser], way: Proxy, redis: Redis, form: Repeated
) -> None:
    browser = team[form.by]
    page = await browser.open(form.path)

    way.cut_after(lost.on_the_wire(form.function))
    away = await browser.send(page, form.action, **dict(form.typed))
    again = await browser.send(away, form.action)
    once_more = await browser.send(away, form.action)

    assert (away.status, "nothing is done twice" in away.text) == (503, True)
    assert (again.status, again.path) == (form.status, form.leads), again.text
    assert (once_more.status, once_more.path) == (form.status, form.leads), once_more.text
    assert await redis.xlen("r:{global}:audit:1") == 3  # with the token and the invitation of before


async def test_another_name_under_the_key_of_a_team_that_is_deleted_is_refused(
    team: dict[str, Browser], redis: Redis
) -> None:
    owner = team[OWNER]
    page = await owner.open(f"{TEAM}/delete")
    await owner.send(page, f"{TEAM}/delete", name="shop")

    other = await owner.send(page, f"{TEAM}/delete", name="another")

    assert other.status == 404


async def test_a_team_that_somebody_else_deleted_just_now_is_not_found_and_nobody_is_signed_out(
    team: dict[str, Browser],
) -> None:
    owner, member = team[OWNER], team[MEMBER]
    await member.open(TEAM)
    await owner.send(await owner.open(f"{TEAM}/delete"), f"{TEAM}/delete", name="shop")

    page = await member.open(TEAM)
    start = await member.open("/")

    assert (page.status, page.path) == (404, TEAM)
    assert start.path == "/me"


async def test_a_team_that_was_renamed_while_its_name_was_typed_is_not_deleted(
    team: dict[str, Browser], redis: Redis
) -> None:
    owner = team[OWNER]
    page = await owner.open(f"{TEAM}/delete")
    await owner.send(await owner.open(TEAM), TEAM, name="corner")

    refused = await owner.send(page, f"{TEAM}/delete", name="shop")

    assert refused.status == 422
    assert "Must be corner, the name of the team." in refused.text
    assert not await redis.hexists("r:{global}:team:1", "deleted")  # type: ignore[misc]
