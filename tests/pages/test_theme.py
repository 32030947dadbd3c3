"""Light, dark or as the system says: chosen in a browser, and in what every page begins with."""

import pytest

from tests.pages.browser import Browser


def theme_of(text: str) -> str:
    """What the page itself says; nothing if it leaves that to the system."""
    beginning = text[: text.index("<head>")]
    return beginning.partition('data-theme="')[2].partition('"')[0]


async def test_presses_go_from_the_system_to_light_to_dark_and_back(owner: Browser) -> None:
    page = await owner.open("/t/1/crons?q=nightly")
    seen = [theme_of(page.response.text)]

    for _ in range(3):
        page = await owner.send(page, "/theme")
        seen.append(theme_of(page.response.text))

    assert seen == ["", "light", "dark", ""]
    assert str(page.response.url).endswith("/t/1/crons?q=nightly")


@pytest.mark.parametrize("path", ["/sign-in", "/t/9", "/reset/any"])
async def test_every_page_is_in_the_chosen_one(owner: Browser, path: str) -> None:
    await owner.post("/theme", theme="dark")

    page = await owner.open(path)

    assert theme_of(page.response.text) == "dark"
    assert int(page.response.headers["content-length"]) == page.response.num_bytes_downloaded


async def test_what_is_none_is_as_the_system_says(owner: Browser) -> None:
    page = await owner.post("/theme", theme='dark" onload="x', next="/me")

    assert theme_of(page.response.text) == ""
    assert page.path == "/me"
