"""What holds for every page, by the table of their routes."""

import re

import pytest
from redis.asyncio import Redis

from services.api.pages.rendering import HEADERS
from services.api.pages.routes import PAGES
from services.api.routing import Resource
from tests.pages.browser import Browser
from tests.pages.conftest import OWNER

ROWS = [
    (route.path, method)
    for route in PAGES
    if isinstance(route.endpoint, Resource)
    for method in route.endpoint.methods
]
OPEN = {"/sign-in", "/sign-in/link/{code}", "/join/{code}", "/forgotten", "/reset/{code}"}
"""What is shown to somebody who is not signed in."""
every_page = pytest.mark.parametrize(
    ("path", "method"), ROWS, ids=[f"{method} {path}" for path, method in ROWS]
)


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", "1", path)


@every_page
async def test_a_page_has_the_headers_and_neither_style_nor_script_in_it(
    owner: Browser, path: str, method: str
) -> None:
    page = await (owner.open(filled(path)) if method == "GET" else owner.post(filled(path)))

    assert page.status < 500, page.text
    assert page.response.headers["content-type"].startswith("text/html"), page.response.text
    assert {name: page.response.headers[name] for name in HEADERS} == HEADERS
    assert "style" not in page.attributes
    assert not [name for name in page.attributes if name.startswith("on")]
    assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
    assert "Traceback" not in page.response.text


@every_page
async def test_a_stranger_comes_to_the_sign_in(browser: Browser, path: str, method: str) -> None:
    page = await (browser.open(filled(path)) if method == "GET" else browser.post(filled(path)))

    if path in OPEN or path.startswith("/sign-in"):
        assert page.status < 500
    else:
        assert page.path == "/sign-in", page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
@pytest.mark.parametrize("path", [path for path, method in ROWS if method == "POST"])
async def test_a_form_from_elsewhere_does_nothing(
    owner: Browser, redis: Redis, path: str, headers: dict[str, str]
) -> None:
    before = await everything(redis)

    answer = await owner.client.post(
        filled(path), data={"name": "planted", "scope": "admin"}, headers=headers
    )

    said = "another site" if headers else "neither an Origin nor a Sec-Fetch-Site header"
    assert (answer.status_code, said in answer.text) == (403, True)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert await everything(redis) == before


@pytest.mark.parametrize(("path", "method"), ROWS)
async def test_a_page_of_another_team_is_not_found_in_the_same_words(
    owner: Browser, redis: Redis, path: str, method: str
) -> None:
    if not path.startswith("/t/{team}"):
        return
    address = filled(path).replace("/t/1", "/t/2", 1)
    page = await (owner.open(address) if method == "GET" else owner.post(address))

    assert page.status == 404
    assert "There is no such page, or it is of a team that you are not in." in page.text


async def test_a_session_that_ended_leads_to_the_sign_in_and_back(owner: Browser) -> None:
    cookies = dict(owner.client.cookies)
    await owner.post("/sign-out")
    owner.client.cookies.update(cookies)

    page = await owner.open("/t/1/settings/members")
    owner.client.cookies.clear()
    again = await owner.send(page, email=OWNER, password="seven otters knit")

    assert page.path == "/sign-in"
    assert again.path == "/t/1/settings/members"


async def test_files_are_kept_for_ever_under_the_address_that_pages_name(browser: Browser) -> None:
    page = await browser.open("/sign-in")
    (name,) = set(re.findall(r'href="(/static/pages\.css[^"]*)"', page.response.text))

    named, plain = await browser.client.get(name), await browser.client.get("/static/pages.css")

    assert "immutable" in named.headers["cache-control"]
    assert plain.headers["cache-control"] == "no-cache"
    assert (await browser.client.get("/static/rendering.py")).status_code == 404


async def everything(redis: Redis) -> list[str]:
    """Keys, but those that grow by looking."""
    return sorted([key async for key in redis.scan_iter("*")])


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"name=%ff%fe", 400, "The form cannot be read"),
        (b"&".join(b"a%d=1" % number for number in range(101)), 400, "The form cannot be read"),
        (b"name=" + b"x" * 1_100_000, 413, "larger than 1 MiB"),
    ],
)
async def test_a_form_that_no_browser_sends_is_refused(
    owner: Browser, body: bytes, status: int, sentence: str
) -> None:
    headers = {"Origin": owner.origin, "Content-Type": "application/x-www-form-urlencoded"}

    answer = await owner.client.post("/t/1/settings/api", content=body, headers=headers)

    assert (answer.status_code, sentence in answer.text) == (status, True)


async def test_a_record_that_is_damaged_is_named_to_nobody_but_told(owner: Browser, redis: Redis) -> None:
    await redis.delete("r:{global}:tokens:1")
    await redis.set("r:{global}:tokens:1", "no hash")

    page = await owner.open("/t/1/settings/api")

    assert page.status == 409
    assert "is damaged" in page.text
    assert "recuro doctor" in page.text


@pytest.mark.parametrize("host", ["[", "a b", "]:x"])
async def test_a_host_that_is_no_host_is_no_error_of_ours(browser: Browser, host: str) -> None:
    answer = await browser.client.get("/sign-in", headers={"Host": host})

    assert answer.status_code < 500


@pytest.mark.parametrize("team", ["0", "01", "-1", "x", "9" * 40, "1%0A", "%D9%A1"])
async def test_what_is_no_id_is_not_found(owner: Browser, team: str) -> None:
    assert (await owner.open(f"/t/{team}/settings/api")).status == 404
