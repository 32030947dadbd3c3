"""Comes after the others, and says which page of the routes none of them has looked at."""

from services.api.pages.routes import PAGES
from services.api.routing import Resource
from tests.browser.looking import LOOKED_AT

CRON, ALERT = "/t/{team}/crons/{cron}", "/t/{team}/alerts/{alert}"
ONWARD = {
    *("/", "/sign-in/oidc/callback", "/t/{team}/{rest:path}"),
    *(f"{CRON}/{act}" for act in ("run", "pause", "resume")),
    *(f"{ALERT}/{act}" for act in ("quiet", "reopen", "resolve", "resend")),
    *(f"/t/{{team}}/crons/{part}" for part in ("bulk", "explain", "ahead")),
    *("/t/{team}/today", "/t/{team}/settings/api/{token}/first-call", "/t/{team}/live"),
}
"""They lead to another page, or are a part of one."""


def test_every_page_was_looked_at() -> None:
    pages = {
        route.path
        for route in PAGES
        if isinstance(route.endpoint, Resource) and "GET" in route.endpoint.methods
    }

    assert pages - LOOKED_AT - ONWARD == set()
    assert pages >= ONWARD
