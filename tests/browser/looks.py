"""Each page and each of its states, light and dark, wide and narrow: axe finds nothing, nothing scrolls sideways."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.async_api import Browser
from redis.asyncio import Redis

from services.cli import embedded
from services.cli.embedded import EmbeddedServer
from shared.actions.accounts import invitations, links
from shared.actions.accounts.links import Purpose
from shared.schemas.accounts.invitations import InvitationCreate
from shared.schemas.accounts.users import Role
from shared.settings import Settings
from shared.store import account_keys, connection, keyspace, transitions
from shared.store.keyspace import Team
from tests import people
from tests.api.serving import serving
from tests.browser.conftest import opened
from tests.browser.looking import LONG, Looking
from tests.calls import call_of
from tests.pages.browser import PASSWORD, make_user

OWNER, MEMBER = "owner@example.com", "member@example.com"
API, MEMBERS, TEAM, FACTOR = (
    "/t/1/settings/api",
    "/t/1/settings/members",
    "/t/1/settings/team",
    "/me/second-factor",
)


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[str]:
    with serving(Settings(redis_url=server.url, api_port=0)) as found:
        yield found


@pytest.fixture
async def looking(address: str, redis: Redis, chromium: Browser) -> AsyncIterator[Looking]:
    complaints: list[str] = []
    page = await opened(await chromium.new_context(), complaints)
    # Fields that must be filled in are to be sent empty too.
    await page.context.add_init_script(
        "addEventListener('DOMContentLoaded', () => document.querySelectorAll('form').forEach(f => f.noValidate = true))"
    )
    found = Looking(page, address, complaints=complaints)
    yield found
    found.check()


async def enter(looking: Looking, redis: Redis, user: int) -> None:
    code = await links.make(redis, Purpose.SIGN_IN, user)
    await looking.page.goto(looking.address + links.address_of("", Purpose.SIGN_IN, code))
    await looking.page.get_by_role("button", name="Sign in").click()
    await looking.page.wait_for_load_state()


async def test_what_is_seen_before_the_sign_in(looking: Looking, redis: Redis) -> None:
    await make_user(redis, OWNER)
    call = call_of(redis, Team(1))
    invited = await invitations.create(call, InvitationCreate(email=f"{LONG[:60]}@example.com"))
    again = await invitations.create(call, InvitationCreate(email=MEMBER, role=Role.ADMIN))
    await make_user(redis, MEMBER, "elsewhere")
    reset = await links.make(redis, Purpose.RESET, 1)

    await looking.open("/sign-in", "sign-in")
    await looking.press("Sign in", "sign-in-wrong", email=OWNER, password="wrong otters knit")
    await looking.open("/forgotten", "forgotten")
    await looking.press("Send the letter", "forgotten-without-mail", email=OWNER)
    await looking.open(f"/join/{invited.code}", "join")
    await looking.press("Join", "join-wrong", name=LONG, password="short")
    await looking.open(f"/join/{again.code}", "join-with-user")
    await looking.open("/join/any", "join-gone")
    await looking.open(f"/reset/{reset}", "reset")
    await looking.press("Set it and sign in", "reset-wrong", password="short")
    await looking.open("/reset/any", "reset-gone")
    await looking.open("/sign-in/link/any", "link")
    await looking.press("Sign in", "link-gone")
    await enter(looking, redis, await make_first(redis))
    await looking.open("/welcome", "welcome")
    await looking.press("Begin", "welcome-wrong", email="none", password="short")


async def make_first(redis: Redis) -> int:
    """An owner as of a first start, without a password."""
    user = await make_user(redis, "first@localhost", "first")
    await redis.hset(account_keys.user(user), "password", "")  # type: ignore[misc]
    return user


async def test_tokens(looking: Looking, redis: Redis) -> None:
    await enter(looking, redis, await make_user(redis, OWNER))
    generate = "Generate token"

    await looking.open(API, "tokens-none")
    await looking.page.locator("#hosts").fill("a.example.com, *.example.org")
    await looking.page.locator("#expires").select_option("7")
    await looking.press(generate, "tokens-fresh", name=LONG)
    await looking.page.locator("main summary").last.click()
    await looking.press(generate, "tokens-wrong", name=LONG, calls_per_day="many", runs_per_day="0")
    await looking.open(f"{API}/1", "token")
    await redis.hincrby(account_keys.token(await digest_of(redis)), "version", 1)  # type: ignore[misc]
    await looking.press("Save", "token-changed-meanwhile", name="desk")
    await looking.open(f"{API}/1", "token-again")
    await looking.press("Save", "token-wrong", name="")
    await looking.open(f"{API}/1/regenerate", "token-regenerate")
    await looking.open(f"{API}/1/revoke", "token-revoke")
    await redis.set(keyspace.correction("s0"), 2 * 86_400_000)
    await looking.open(API, "tokens-soon")
    await redis.set(keyspace.correction("s0"), 8 * 86_400_000)
    await looking.open(API, "tokens-expired")
    await looking.open(f"{API}/1", "token-expired")


async def digest_of(redis: Redis) -> str:
    (found,) = await transitions.read_tokens(redis, team=1)
    return found.digest


async def test_members_and_the_team(looking: Looking, redis: Redis) -> None:
    owner = await make_user(redis, OWNER)
    await make_user(redis, f"{LONG[:60]}@example.com", role=Role.ADMIN)
    member = await make_user(redis, MEMBER)
    await enter(looking, redis, owner)

    await looking.open(MEMBERS, "members")
    await looking.press("Invite", "members-invited", email=f"{LONG[:50]}@example.org")
    await looking.press("Invite", "members-wrong", email="nobody")
    await looking.open(f"{MEMBERS}/2/remove", "member-remove")
    await looking.open(TEAM, "team")
    await looking.press("Rename", "team-wrong", name="")
    await looking.open(f"{TEAM}/hand-over", "hand-over")
    await looking.open(f"{TEAM}/hand-over/2", "hand-over-to")
    await looking.open(f"{TEAM}/delete", "team-delete")
    await looking.press("Delete the team", "team-delete-wrong", name="sho")
    await looking.open("/t/9", "not-found")
    await people.join(redis, "shop", 120)
    await looking.open(f"{MEMBERS}?page=2", "members-many")
    await looking.open(f"{MEMBERS}?search=nobody", "members-not-found")
    await looking.open(f"{TEAM}/hand-over?page=2", "hand-over-many")
    await enter(looking, redis, member)
    await looking.open(TEAM, "team-of-a-member")
    await looking.open(f"{MEMBERS}/{member}/remove", "member-leave")
    await looking.open(API, "not-allowed")


async def test_a_user_itself(looking: Looking, redis: Redis) -> None:
    await enter(looking, redis, await make_user(redis, OWNER))
    await looking.open("/new-team", "new-team")
    await looking.press("Make the team", "new-team-wrong", name="shop")
    await looking.open("/me", "me")
    await looking.press("Change password", "me-wrong", current="wrong otters knit", password="short")
    await looking.open(FACTOR, "second-factor")
    await looking.press("Go on", "second-factor-wrong", current="wrong otters knit")
    await looking.press("Go on", "second-factor-offered", current=PASSWORD)
    await looking.press("Add it", "second-factor-not-kept", code="nonsense")
    await looking.page.get_by_label("I have kept them").check()
    secret = (await looking.page.locator("#secret").text_content() or "").replace(" ", "")
    recovery = (await looking.page.locator("#codes").text_content() or "").split()
    await looking.press("Add it", "me-with-second-factor", code=pyotp.TOTP(secret).now())
    await looking.open(f"{FACTOR}/recovery-codes", "recovery-codes")
    await looking.press("Renew recovery codes", "recovery-codes-offered", current=PASSWORD, code=recovery[0])
    await looking.open(f"{FACTOR}/remove", "second-factor-remove")
    await looking.press("Remove the second factor", "second-factor-remove-wrong", current=PASSWORD, code="x")
    await looking.open("/me", "me-again")
    await looking.press("Sign out", "signed-out")
    await looking.press("Sign in", "sign-in-code", email=OWNER, password=PASSWORD)
    await looking.press("Sign in", "sign-in-code-wrong", code="nonsense")


async def test_what_is_seen_while_redis_is_away(chromium: Browser, tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    redis = connection.connect(Settings(redis_url=server.url))
    with serving(Settings(redis_url=server.url, api_port=0)) as address:
        complaints: list[str] = []
        page = await opened(await chromium.new_context(), complaints)
        looking = Looking(page, address, complaints=complaints)
        await enter(looking, redis, await make_user(redis, OWNER))
        await looking.page.goto(f"{address}{API}")
        await redis.aclose()
        server.stop()
        await looking.press("Generate token", "away-form", name="agent")
        await looking.open(API, "away")
    looking.check()


async def test_without_script_a_token_is_made_and_each_block_is_seen(
    address: str, redis: Redis, chromium: Browser
) -> None:
    await make_user(redis, "owner@example.com")
    page = await (await chromium.new_context(java_script_enabled=False)).new_page()

    await page.goto(f"{address}/sign-in?next=/me")
    await page.get_by_label("E-mail address").fill("owner@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    path = urlsplit(page.url).path
    await page.goto(f"{address}/t/1/settings/api")
    await page.get_by_label("Name", exact=True).fill("agent")
    await page.locator("form.new").get_by_role("button", name="Generate token").click()
    seen = []
    for client in ("Claude Code", "Claude Desktop", "Cursor", "VS Code", "Windsurf", "Zed", "curl"):
        await page.get_by_text(client, exact=True).click()
        seen.append(
            [
                await one.inner_text()
                for one in await page.locator(".tabset .code header").all()
                if await one.is_visible()
            ]
        )

    assert path == "/me"
    assert [len(one) for one in seen] == [1] * 7
    assert await page.locator("[data-copy]:visible").count() == 0
