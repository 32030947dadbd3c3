"""What is seen where something is not there, not allowed, or was changed by somebody else meanwhile."""

import pytest
from playwright.async_api import Browser
from redis.asyncio import Redis

from shared.schemas.accounts.users import Role
from tests.browser.looking import Looking
from tests.browser.looks import MEMBER, enter
from tests.browser.work import address, entered
from tests.pages.browser import make_user
from tests.pages.crons.filling import a_cron
from tests.pages.settings import filling as settings
from tests.pages.work import filling as work

__all__ = ["address"]

HOME = "/t/1"
FORMS = {
    "crons/1/edit": "Save",
    "queues/1": "Save",
    "dead-letters/2": "Replay 3 jobs",
    "settings/team": "Rename",
    "settings/redaction": "Save rules",
    "settings/limits": "Save limits",
    "settings/notifications": "Save Slack",
}
"""By the page: the button of a form that is only taken as long as all is as the page showed it."""


async def begin(redis: Redis, browser: Browser, address: str) -> Looking:
    """An owner who has come in, to a team that has one of each."""
    page, complaints = await entered(browser, address, redis)
    await a_cron(redis, "oxx", name="Nightly invoices")
    await work.dead(redis, 3)
    await settings.fill(redis)
    return Looking(page, address, complaints=complaints)


@pytest.mark.parametrize("path", FORMS)
async def test_what_somebody_else_changed_meanwhile(
    address: str, redis: Redis, chromium: Browser, path: str
) -> None:
    looking = await begin(redis, chromium, address)
    answered: list[int] = []
    looking.page.on("response", lambda one: answered.append(one.status))

    await looking.page.goto(f"{address}{HOME}/{path}")
    await looking.page.evaluate(  # as on a page that was opened before the change
        "document.querySelectorAll('main :is([name=version], [name=expected], [name=was])').forEach(one => one.value = 77)"
    )
    await looking.press(FORMS[path], f"changed-{path.replace('/', '-')}")

    assert 409 in answered
    looking.check()


async def test_what_is_not_there(address: str, redis: Redis, chromium: Browser) -> None:
    looking = await begin(redis, chromium, address)
    places = ("crons/99", "crons/1/fires/99", "queues/99", "jobs/99", "dead-letters/99", "alerts/99", "any")

    for path in (*places, "replays/99", "settings/api/99", "settings/notifications/pigeon/remove"):
        answer = await looking.page.goto(f"{address}{HOME}/{path}")
        assert answer
        assert answer.status == 404, path
        await looking.look(f"none-{path.replace('/', '-')}")
    looking.check()


async def test_what_a_member_sees(address: str, redis: Redis, chromium: Browser) -> None:
    looking = await begin(redis, chromium, address)
    await looking.page.context.clear_cookies()
    await enter(looking, redis, await make_user(redis, MEMBER, role=Role.MEMBER))

    for name in ("notifications", "signing", "redaction", "limits", "agents", "members", "team"):
        await looking.open(f"{HOME}/settings/{name}", f"member-{name}")
    for name in ("", "/crons", "/crons/1", "/queues/1", "/jobs/1", "/dead-letters/1", "/alerts"):
        await looking.open(f"{HOME}{name}", f"member{name.replace('/', '-') or '-overview'}")
    for name in ("api", "audit"):
        answer = await looking.page.goto(f"{address}{HOME}/settings/{name}")
        assert answer
        assert answer.status == 403
        await looking.look(f"member-{name}")
    looking.check()
