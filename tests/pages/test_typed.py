"""What is typed into a form, or stands in the address, is text in the answer: every form and page, every kind of text."""

from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from tests.pages.browser import Browser, Page
from tests.pages.crons.filling import a_cron
from tests.pages.kinds import KINDS
from tests.pages.test_every_page import ROWS, filled
from tests.pages.work import filling as work

FIELDS = (
    *(
        "action",
        "actor",
        "alerts_enabled",
        "at_daily",
        "body",
        "callback_url",
        "code",
        "codes",
        "cron_expression",
    ),
    *(
        "current",
        "delay",
        "do",
        "email",
        "expected",
        "from",
        "headers",
        "hook",
        "how_many",
        "id-1",
        "keep_hours",
    ),
    *("key", "kind", "labels", "method", "minute", "mode", "monthly_request_limit", "name", "next", "number"),
    *(
        "once",
        "origin",
        "own_secret",
        "page",
        "password",
        "payload",
        "pending",
        "q",
        "queue",
        "rate",
        "rate_limit",
    ),
    *(
        "redact",
        "retry_delays",
        "role",
        "scope",
        "search",
        "secret",
        "sort",
        "status",
        "stop_after",
        "timezone",
    ),
    *("to", "url", "version", "was", "zone", "check-0-type", "check-0-place", "check-0-value", "copy", "did"),
)
TEXTS = [text for text in KINDS.values() if len(text) < 2000]
FORMS = [path for path, method in ROWS if method == "POST" and path != "/sign-out"]
LOOKS = [path for path, method in ROWS if method == "GET" and not path.endswith("/live")]
TURNS = 4


def typed(turn: int) -> dict[str, str]:
    """Each field with one of the texts: all the fields together try a part of them, and all turns all."""
    return {name: TEXTS[(number * TURNS + turn) % len(TEXTS)] for number, name in enumerate(FIELDS)}


def first_of(path: str) -> str:
    return filled(path.replace("{channel}", "slack"))


@pytest.fixture
async def filled_team(owner: Browser, redis: Redis) -> Browser:
    await a_cron(redis, "xo", cron_expression="0 * * * *")
    await work.dead(redis, 2)
    return owner


def check(page: Page) -> None:
    assert page.status < 500, page.text
    assert "data-planted" not in page.attributes
    assert not [name for name in page.attributes if name.startswith("on") or name in ("style", "srcdoc")]
    assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
    assert not [link for link in page.links if not link.startswith(("/", "?", "#")) and link]
    assert not [form.action for form in page.forms if "planted" in form.action or ":" in form.action]
    assert "1337" not in page.text
    assert "planted" not in str(page.response.headers)


@pytest.mark.parametrize(("turn", "path"), [*enumerate(FORMS)])
async def test_what_a_form_is_sent_is_text_in_its_answer(filled_team: Browser, turn: int, path: str) -> None:
    check(await filled_team.post(first_of(path), **typed(turn)))


@pytest.mark.parametrize(("turn", "path"), [*enumerate(LOOKS)])
async def test_what_an_address_says_is_text_in_its_page(filled_team: Browser, turn: int, path: str) -> None:
    check(await filled_team.open_with(first_of(path), **typed(turn)))


@pytest.mark.parametrize("name", KINDS)
async def test_a_path_that_is_none_is_no_page(filled_team: Browser, name: str) -> None:
    answer = await filled_team.client.get(f"/t/1/{quote(KINDS[name][:500])}")

    assert answer.status_code == 404
    assert "data-planted" not in answer.text
