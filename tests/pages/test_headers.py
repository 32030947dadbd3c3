"""Every answer of the pages has the headers of pages: errors, redirects, files, and what no page sends."""

import pytest

from services.api.pages.rendering import HEADERS
from tests.pages.browser import Browser
from tests.pages.test_every_page import ROWS, filled

PATHS = sorted({path for path, _ in ROWS} - {"/t/{team}/live"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
POLICY = (
    *("default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self' data:"),
    *("connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
)
"""Nothing that the drawings do without is allowed: no inline script or style, and no `data:` but of pictures."""


def test_the_policy_allows_what_the_drawings_need_and_calls_of_our_own() -> None:
    assert HEADERS["Content-Security-Policy"].split("; ") == list(POLICY)


@pytest.mark.parametrize("is_signed_in", [True, False], ids=["signed in", "a stranger"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers(owner: Browser, path: str, is_signed_in: bool) -> None:
    if not is_signed_in:
        owner.client.cookies.clear()
    sent = {"Origin": owner.origin}

    for method in METHODS:
        for headers in ({}, sent, {**sent, "HX-Request": "true"}):
            answer = await owner.client.request(method, filled(path), headers=headers)
            assert answer.status_code < 500
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, (method, answer)
            assert answer.headers.get("content-type", "text/html").startswith("text/html")


async def test_a_stream_and_a_file_have_them_too(owner: Browser) -> None:
    kept = {name: text for name, text in HEADERS.items() if name != "Cache-Control"}
    async with owner.client.stream("GET", "/t/1/live?page=/t/1/jobs") as stream:
        found = [stream.headers]
    found += [(await owner.client.get(f"/static/{name}")).headers for name in ("live.js", "icon.svg", "no")]

    for headers in found:
        assert {name: headers[name] for name in kept} == kept


@pytest.mark.parametrize("path", ["/unknown", "/t", "/crons", "/api/unknown", "/.env"])
async def test_an_address_of_nothing_is_a_page_for_a_browser_and_a_sentence_for_a_program(
    owner: Browser, path: str
) -> None:
    shown = await owner.client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    told = await owner.client.get(path)

    assert shown.status_code == told.status_code == 404
    assert {name: shown.headers[name] for name in HEADERS} == HEADERS
    assert "There is no such page" in shown.text
    assert '<a class="btn" href="/">' in shown.text
    assert told.json() == {"error": "Not found"}
