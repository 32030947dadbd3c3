"""Settings, API: a token from its form to its first call, and to its end."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.basics.mcp_clients import MCP_CLIENTS
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.users import Role
from shared.security import tokens
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.pages.browser import Browser, Page, enter, make_user, token_of
from tests.pages.conftest import MEMBER, OWNER
from tests.poll import until

PATH = "/t/1/settings/api"
HOSTILE = "<script>alert(1)</script>\"'><img src=x>&amp;{{7*7}}"


async def generate(browser: Browser, **typed: str | None) -> Page:
    return await browser.send(await browser.open(PATH), **{"name": "agent", **typed})


async def call(browser: Browser, token: str) -> httpx.Response:
    return await browser.client.get("/api/queues", headers={"Authorization": f"Bearer {token}"})


async def test_a_token_is_shown_once_and_works(owner: Browser) -> None:
    page = await generate(owner)
    token = token_of(page)

    assert page.status == 201
    assert "“agent” is ready. Copy it now, it is shown only once." in page.text
    assert "Waiting for its first call" in page.text
    assert (await call(owner, token)).status_code == 200
    assert token not in (await owner.open(PATH)).text
    assert token not in (await owner.open(f"{PATH}/1")).text


async def test_each_client_gets_a_block_with_the_token(owner: Browser) -> None:
    page = await generate(owner)
    token = token_of(page)

    assert page.text.count(token) == 2 + len(MCP_CLIENTS)  # itself, each client, and curl
    for client in (*(client.name for client in MCP_CLIENTS), "curl"):
        assert client in page.text
    assert f'curl -H "Authorization: Bearer {token}" {owner.origin}/api/queues' in page.text


async def test_waiting_turns_into_the_first_call(owner: Browser) -> None:
    token = token_of(await generate(owner))
    waiting = await owner.open(f"{PATH}/1/first-call")
    await call(owner, token)

    async def look() -> Page | None:
        page = await owner.open(f"{PATH}/1/first-call")
        return page if "First call" in page.text else None

    called = await until(look)
    assert called

    assert "hx-get" in waiting.attributes
    assert "First call from 127." in called.text
    assert "by REST" in called.text
    assert "hx-get" not in called.attributes
    assert "REST, 127." in (await owner.open(PATH)).text


async def test_a_line_that_waits_leads_the_whole_page_to_the_sign_in_when_the_session_ends(
    owner: Browser,
) -> None:
    await generate(owner)
    await owner.post("/sign-out")

    answer = await owner.client.get(f"{PATH}/1/first-call", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (204, "/sign-in", "")


async def test_the_same_form_sent_twice_makes_one_token(owner: Browser) -> None:
    form = await owner.open(PATH)

    first = await owner.send(form, name="agent")
    second = await owner.send(form, name="agent")
    third = await owner.send(form, name="another")

    assert token_of(first) == token_of(second) != token_of(third)
    assert "Two tokens" in third.text


async def test_limits_are_what_the_form_says_and_are_told_in_words(owner: Browser) -> None:
    page = await generate(
        owner,
        hosts="*.example.com, api.example.org",
        queues="agents",
        min_interval_seconds="300",
        calls_per_day="1,500",
        runs_per_hour="10",
        expires="30",
        may_not_delete="on",
    )
    made = (await owner.client.get("/api/tokens/1", headers=await as_admin(owner))).json()

    assert (made["hosts"], made["queues"]) == (["*.example.com", "api.example.org"], ["agents"])
    assert (made["min_interval_seconds"], made["calls_per_day"], made["runs_per_hour"]) == (300, 1500, 10)
    assert (made["may_delete"], made["scopes"], made["created_by"]) == (False, ["write"], OWNER)
    assert made["expires_at"] is not None
    said = "Only hosts *.example.com and api.example.org, only queue agents, crons every 5 minutes at most, no deleting"
    assert f"{said}, 1,500 calls a day, 10 runs an hour" in page.text


async def as_admin(owner: Browser) -> dict[str, str]:
    token = token_of(await generate(owner, name="admin", scope="admin"))
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Must not be empty."),
        ("name", "x" * 300, "Must have at most"),
        ("hosts", "not a host", "Must be a host as api.example.com"),
        ("calls_per_day", "many", "Must be an integer."),
        ("runs_per_hour", "0", "Must be at least 1."),
        ("min_interval_seconds", "-5", "Must be at least 1."),
        ("scope", "root", "Must be one of"),
        ("scope", None, "Must be one of"),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    owner: Browser, field: str, typed: str | None, sentence: str
) -> None:
    page = await generate(owner, **{"name": "agent", "queues": "kept-*", field: typed})

    assert page.status == 422
    assert sentence in page.text
    assert page.form(PATH).fields["queues"] == "kept-*"
    assert "No tokens" in page.text


async def test_a_name_that_is_taken_is_told_at_the_name(owner: Browser) -> None:
    await generate(owner)

    page = await generate(owner)

    assert page.status == 422
    assert "Must be unique" in page.text


async def test_a_hostile_name_is_text_and_nothing_else(owner: Browser) -> None:
    made = await generate(owner, name=HOSTILE)

    for page in (
        made,
        await owner.open(PATH),
        await owner.open(f"{PATH}/1"),
        await owner.open(f"{PATH}/1/revoke"),
    ):
        assert HOSTILE in page.text
        assert "<script>alert" not in page.response.text
        assert all(script.get("src") for script in page.scripts)
    assert (await owner.open(f"{PATH}/1")).form(f"{PATH}/1").fields["name"] == HOSTILE


async def test_a_regenerated_token_takes_the_place_of_the_one_before(owner: Browser) -> None:
    before = token_of(await generate(owner, hosts="*.example.com"))

    page = await owner.send(await owner.open(f"{PATH}/1/regenerate"))
    after = token_of(page)

    assert page.status == 201
    assert after != before
    assert "One token" in page.text
    assert (await call(owner, before)).status_code == 401
    assert (await call(owner, after)).status_code == 200


async def test_a_revoked_token_is_refused(owner: Browser) -> None:
    token = token_of(await generate(owner))
    asked = await owner.open(f"{PATH}/1/revoke")

    page = await owner.send(asked)

    assert "This cannot be undone." in asked.text
    assert (page.path, "No tokens" in page.text) == (PATH, True)
    assert (await call(owner, token)).status_code == 401


async def test_limits_are_changed_and_the_end_stays_unless_it_is_chosen(owner: Browser) -> None:
    await generate(owner, expires="7", hosts="a.example.com")
    headers = await as_admin(owner)
    before = (await owner.client.get("/api/tokens/1", headers=headers)).json()

    await owner.send(await owner.open(f"{PATH}/1"), name="renamed", hosts="", calls_per_day="5")
    after = (await owner.client.get("/api/tokens/1", headers=headers)).json()

    assert (after["name"], after["hosts"], after["calls_per_day"]) == ("renamed", None, 5)
    assert after["expires_at"] == before["expires_at"]


async def test_a_member_sees_no_tokens_and_no_way_to_them(member: Browser) -> None:
    start = await member.open("/")
    page = await member.open(PATH)
    sent = await member.post(PATH, name="agent", scope="admin")

    assert start.path == "/t/1"
    assert PATH not in start.links
    assert (page.status, sent.status) == (403, 403)
    assert "Only admins of the team may see this; ask one of them." in page.text


async def test_whoever_becomes_an_admin_may_within_five_seconds(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    user = await make_user(redis, MEMBER)
    await enter(other, redis, user)
    before = await other.open(PATH)
    await owner.send(await owner.open("/t/1/settings/members"), f"/t/1/settings/members/{user}/role")

    async def look() -> bool:
        return (await other.open(PATH)).status == 200

    assert before.status == 403
    assert await until(look)


async def test_the_trail_has_what_a_page_did_without_the_token(owner: Browser, redis: Redis) -> None:
    token = token_of(await generate(owner))
    await owner.send(await owner.open(f"{PATH}/1/revoke"))

    lines = (await audit.page(redis, Team(1), AuditQuery(interface="web"))).data

    assert [line.operation for line in lines] == ["delete-token", "create-token"]
    assert {line.actor for line in lines} == {OWNER}
    assert all(token not in line.model_dump_json() for line in lines)


async def test_what_is_wrong_with_a_change_stands_at_its_field(owner: Browser) -> None:
    await generate(owner)

    page = await owner.send(await owner.open(f"{PATH}/1"), name="", queues="kept-*")

    assert page.status == 422
    assert "Must not be empty." in page.text
    assert page.form(f"{PATH}/1").fields["queues"] == "kept-*"


async def test_an_end_is_taken_away_by_a_choice(owner: Browser) -> None:
    await generate(owner, expires="7")

    await owner.send(await owner.open(f"{PATH}/1"), expires="")

    assert "never" in (await owner.open(PATH)).text


async def test_a_change_of_what_another_changed_meanwhile_is_told_and_keeps_what_was_typed(
    owner: Browser,
) -> None:
    await generate(owner)
    page = await owner.open(f"{PATH}/1")
    await owner.send(await owner.open(f"{PATH}/1"), hosts="*.example.com", scope="read")

    told = await owner.send(page, name="desk", queues="mail")
    again = await owner.send(told)

    assert told.status == 409
    assert "Somebody else changed this token since you opened the page." in told.text
    assert "Only host *.example.com" in told.text
    assert told.form(f"{PATH}/1").fields["queues"] == "mail"
    assert again.path == PATH
    shown = (await owner.open(f"{PATH}/1")).form(f"{PATH}/1").fields
    assert (shown["name"], shown["queues"], shown["hosts"]) == ("desk", "mail", "")


async def test_the_list_says_whose_each_is_and_what_ends_soon(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    await enter(other, redis, await make_user(redis, MEMBER, role=Role.ADMIN))
    await generate(owner, name="mine", expires="7")
    await generate(other, name="theirs")
    await tokens.create(redis, team="shop", name="ours", scopes=("read",))
    before = await owner.open(PATH)
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), 86_400_000)
    soon = await owner.open(PATH)
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), 8 * 86_400_000)
    over, one = await owner.open(PATH), await owner.open(f"{PATH}/1")

    for said in (f"of {OWNER}", f"of {MEMBER}", "of an operator"):
        assert said in before.text
    assert "expired" not in before.text
    assert "in 5 days" in soon.text
    assert "expired" in over.text
    assert ("expired" in one.text, f"{OWNER}; it may do no more" in one.text) == (True, True)


async def test_a_number_of_any_length_is_told_to_be_too_large(owner: Browser) -> None:
    page = await owner.send(await owner.open("/t/1/settings/api"), name="x", min_interval_seconds="9" * 5000)

    assert page.status == 422
