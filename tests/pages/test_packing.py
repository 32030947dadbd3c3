"""Pages and files go packed to browsers that take it, and plain where the size could tell something."""

import gzip

import pytest
from starlette.requests import Request

from services.api.pages.files import FILES
from services.api.pages.packing import takes_gzip
from services.api.pages.rendering import HEADERS, HERE, static
from tests.pages.browser import Browser

UNPACKED = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, gzip, br, zstd", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("x-gzip-not", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(accepted: str, takes: bool) -> None:
    headers = [(b"accept-encoding", accepted.encode())]

    assert takes_gzip(Request({"type": "http", "headers": headers})) == takes


@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_the_same_packed_and_plain(browser: Browser, name: str) -> None:
    packed = await browser.client.get(static(name))
    plain = await browser.client.get(static(name), headers=UNPACKED)

    assert packed.content == plain.content == (HERE / "static" / name).read_bytes()
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content)
    for answer in (packed, plain):
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].partition(";")[0] == FILES[name]
        assert "immutable" in answer.headers["cache-control"]
    assert packed.headers["etag"] != plain.headers["etag"]


async def test_a_file_that_is_known_is_not_sent_again(browser: Browser) -> None:
    first = await browser.client.get("/static/pages.css")
    again = await browser.client.get("/static/pages.css", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("site", "is_packed"),
    [("same-origin", True), ("none", True), (None, True), ("same-site", False), ("cross-site", False)],
)
async def test_a_page_to_which_another_site_led_is_sent_unpacked(
    owner: Browser, site: str | None, is_packed: bool
) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}

    answer = await owner.client.get("/t/1/settings/api", headers=headers)

    assert (answer.headers.get("content-encoding") == "gzip") == is_packed
    assert "Settings" in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


async def test_the_length_is_that_of_what_is_packed(owner: Browser) -> None:
    async with owner.client.stream("GET", "/me") as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert len(raw) == int(answer.headers["content-length"])
    assert b"<title>" in gzip.decompress(raw)
