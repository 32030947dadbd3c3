"""Two teams in a browser that see nothing of each other, a member who is no admin, and a session that ends everywhere."""

import re
from typing import NamedTuple

from playwright.async_api import Browser, Page, expect
from redis.asyncio import Redis

from services.api.pages.routes import PAGES
from services.api.routing import Resource
from shared.actions import dead_letters, notifications
from shared.actions.accounts import invitations, links, tokens
from shared.actions.accounts.links import Purpose
from shared.actions.reports import problems
from shared.schemas.accounts.invitations import InvitationCreate
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.dead_letters import ReplayCreate
from shared.schemas.notifications import Notifications
from shared.schemas.reports.problems import ProblemQuery
from shared.store.keyspace import Team
from tests.browser.conftest import opened
from tests.browser.live import is_live
from tests.browser.work import address
from tests.calls import call_of
from tests.pages.browser import make_user
from tests.pages.crons import filling as crons
from tests.pages.crons.filling import SHOP
from tests.pages.work import filling as work

__all__ = ["address"]

MARK = "quokka"
"""In every name, address and text that the first team has."""
NEVER = "987654"
SIGNED_OUT = "You are signed out, or not in this team any more."
ROWS = [
    (method, route.path)
    for route in PAGES
    if isinstance(route.endpoint, Resource) and route.path.startswith("/t/{team}")
    for method in route.endpoint.methods
]
SETTINGS = [row for row in ROWS if row[1].startswith("/t/{team}/settings/")]
MEMBERS_MAY = {
    *(
        ("GET", f"/t/{{team}}/settings/{name}")
        for name in ("agents", "notifications", "signing", "redaction")
    ),
    *(("GET", f"/t/{{team}}/settings/{name}") for name in ("limits", "members", "team")),
    ("POST", "/t/{team}/settings/signing/check"),
}
LIVE = "/t/{team}/live"
ELSEWHERE = "/t/{team}/{rest:path}"
NAMING = [row for row in ROWS if re.search(r"\{(?!team|channel|rest)", row[1])]
"""Those whose address names one thing of a team."""
READ = [path for method, path in ROWS if method == "GET" and path not in (LIVE, ELSEWHERE)]


class Answer(NamedTuple):
    """What a page or a form said."""

    status: int
    text: str


async def fill(redis: Redis) -> dict[str, str]:
    """The first team has one of each; their ids, by the names of the parts of an address."""
    call, url = call_of(redis, SHOP), f"https://{MARK}.example.com/"
    hook = {"slack": {"url": f"https://{MARK}.example.com/slack"}}
    await notifications.put(call, Notifications.model_validate(hook))
    cron = await crons.a_cron(
        redis, "oxx", name=f"{MARK} cron", url=url, alert_threshold=1, cron_expression="0 * * * *"
    )
    jobs = await work.dead(redis, 2, queue=f"{MARK}-queue", url=url, labels={"of": MARK})
    queue = (await work.job(redis, jobs[0])).queue_id
    (problem,) = (await problems.page(call, ProblemQuery(queue_id=queue))).data
    replay = await dead_letters.replay(call, ReplayCreate(problem_id=problem.id))
    token = await tokens.create(
        call, TokenCreate.model_validate({"name": f"{MARK} token", "scopes": ["read"]})
    )
    invited = await invitations.create(call, InvitationCreate(email=f"{MARK}@example.com"))
    ids = {
        "cron": cron.id,
        "execution": (await crons.newest(redis, cron.id)).id,
        "job": jobs[0],
        "queue": queue,
        "problem": problem.id,
        "replay": replay.id,
        "alert": 1,
        "token": token.id,
        "invitation": invited.id,
        "member": 1,
    }
    return {name: str(number) for name, number in ids.items()}


def filled(path: str, team: int, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: {**ids, "team": str(team)}.get(name[1], "slack"), path)


async def entered(browser: Browser, address: str, redis: Redis, user: int) -> tuple[Page, list[str]]:
    complaints: list[str] = []
    page = await opened(await browser.new_context(), complaints)
    code = await links.make(redis, Purpose.SIGN_IN, user)
    await page.goto(address + links.address_of("", Purpose.SIGN_IN, code))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()
    return page, complaints


async def ask(page: Page, method: str, path: str) -> Answer:
    """What the browser gets at an address, of a link or of a form."""
    found = await page.evaluate(
        """async ([method, path]) => {
            const body = method === "POST" ? new URLSearchParams({role: "admin"}) : undefined;
            const answer = await fetch(path, {method, body});
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            return [answer.status, page.body.textContent.replace(/\\s+/g, " ")];
        }""",
        [method, path],
    )
    return Answer(*found)


async def test_whatever_another_team_has_is_not_found(address: str, redis: Redis, chromium: Browser) -> None:
    owner = await make_user(redis, f"{MARK}-owner@example.com")
    ids = await fill(redis)
    never = dict.fromkeys(ids, NEVER)
    theirs, _ = await entered(chromium, address, redis, owner)
    seen = {path: await ask(theirs, "GET", filled(path, 1, ids)) for path in READ}
    other = await make_user(redis, "other@example.com", "other")
    page, complaints = await entered(chromium, address, redis, other)
    nowhere = await ask(page, "GET", "/t/99/crons")

    of_the_team = {row: await ask(page, row[0], filled(row[1], 1, ids)) for row in ROWS}
    of_the_ids = {row: await ask(page, row[0], filled(row[1], 2, ids)) for row in NAMING}
    of_none = {row: await ask(page, row[0], filled(row[1], 2, never)) for row in NAMING}
    lists = {path: await ask(page, "GET", filled(path, 2, ids)) for path in READ}

    assert {path: answer.status for path, answer in seen.items()} == dict.fromkeys(READ, 200)
    assert nowhere.status == 404
    assert "There is no such page, or it is of a team that you are not in." in nowhere.text
    assert of_the_team == dict.fromkeys(ROWS, nowhere)
    assert of_the_ids == of_none
    assert {row for row, answer in of_the_ids.items() if answer.status < 400} == set()
    assert [path for path, answer in lists.items() if MARK in answer.text] == []
    assert [said for said in complaints if "status of 4" not in said] == []


async def test_neither_the_live_stream_nor_the_jump_box_tells_of_another_team(
    address: str, redis: Redis, chromium: Browser
) -> None:
    await make_user(redis, f"{MARK}-owner@example.com")
    ids = await fill(redis)
    page, complaints = await entered(
        chromium, address, redis, await make_user(redis, "other@example.com", "other")
    )
    streams = [await ask(page, "GET", f"/t/{team}/live?page=/t/1/crons") for team in (1, 2)]
    await page.goto(f"{address}/t/2/crons")
    await is_live(page)

    await crons.a_cron(redis, name=f"{MARK} too")
    await crons.a_cron(redis, team=Team(2), name="Ours")
    await expect(page.locator("#newer")).to_have_text("1 new")
    await page.locator("#newer").click()
    await expect(page.locator("[data-row]")).to_have_count(1)
    await page.keyboard.press("/")
    box = page.locator("dialog")
    await box.locator("#jump-q").fill("ours")
    await expect(box.locator("#found")).to_contain_text("Ours")
    await box.locator("#jump-q").fill(MARK[:3])
    await expect(box.locator("#found")).not_to_contain_text("Ours")

    assert {answer.status for answer in streams} == {404}
    assert MARK not in await page.content()
    for words in (ids["job"], "cron", "queue"):
        assert MARK not in (await ask(page, "GET", f"/t/2/jump?q={words}")).text
    assert [said for said in complaints if "status of 404" not in said] == []


async def test_a_member_finds_no_page_of_admins_and_is_told_why(
    address: str, redis: Redis, chromium: Browser
) -> None:
    await make_user(redis, f"{MARK}-owner@example.com")
    ids = await fill(redis)
    page, complaints = await entered(chromium, address, redis, await make_user(redis, "member@example.com"))
    settings = page.get_by_role("navigation", name="Settings", exact=True)

    await page.get_by_role("navigation", name="You and settings").get_by_role("link", name="Settings").click()
    await expect(settings.get_by_role("link", name="Members")).to_be_visible()
    places = await settings.get_by_role("link").all_inner_texts()
    found = {row: await ask(page, row[0], filled(row[1], 1, ids)) for row in SETTINGS}
    refused = {row for row, answer in found.items() if answer.status == 403}
    why = {answer.text for row, answer in found.items() if row in refused}

    assert {"API", "Audit"} & {*places} == set()
    assert refused == {*SETTINGS} - MEMBERS_MAY
    assert all(re.search("Only (admins|the owner) of the team may", text) for text in why)
    assert [said for said in complaints if "status of 4" not in said] == []


async def test_a_sign_out_ends_the_session_in_every_tab(
    address: str, redis: Redis, chromium: Browser
) -> None:
    page, complaints = await entered(chromium, address, redis, await make_user(redis, "ada@example.com"))
    second = await opened(page.context, complaints)
    await second.goto(f"{address}/t/1/crons")
    await is_live(second)
    kept = await page.context.cookies()

    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{address}/sign-in")
    await expect(second.locator("#still")).to_contain_text(SIGNED_OUT)
    await expect(second.locator("#live span")).to_have_text("Not live")
    await second.get_by_role("navigation", name="Team", exact=True).get_by_role("link", name="Queues").click()
    await expect(second).to_have_url(f"{address}/sign-in?next=/t/1/queues")
    await page.context.add_cookies([{**one} for one in kept])  # type: ignore[typeddict-item]
    await page.goto(f"{address}/t/1/crons")

    await expect(page).to_have_url(f"{address}/sign-in?next=/t/1/crons")
    assert complaints == []
