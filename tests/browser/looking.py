"""A page as it is looked at: in which ways, with what is wrong, and which pages were seen at all.

`make browser` looks at each state in one way, which differs from state to state; `make looks` in every way.
"""

import itertools
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

from services.api.pages.routes import PAGES
from tests.browser.conftest import faults_of

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

LONG = "a-name-of-many-characters-without-a-blank-" * 5
SCREENS = os.environ.get("RECURO_TEST_SCREENS")
"""A folder for pictures of all that is looked at."""
LOOKS = os.environ.get("RECURO_TEST_LOOKS")
"""`whole` for every view, or a part of the names of those that are wanted: `twice`, `dark-375`."""
LOOKED_AT: set[str] = set()
"""Paths of routes, by all tests of this process."""
TEXT_PX = 16


class View(NamedTuple):
    """One way to look at a page."""

    scheme: Literal["light", "dark"]
    width: int
    text: int = 1
    """How many times as large as it is usually."""
    is_forced: bool = False
    """In the few colours of the reader, and with as little motion as the reader asks for."""

    @property
    def name(self) -> str:
        return f"{self.scheme}-{self.width}{'-twice' * (self.text > 1)}{'-forced' * self.is_forced}"


WIDTHS = (1440, 375, 320, 960)
VIEWS = (
    *(View(scheme, width) for width in WIDTHS for scheme in ("light", "dark")),
    *(View("light", width, text=2) for width in (1440, 640)),
    View("light", 1440, is_forced=True),
    View("dark", 375, is_forced=True),
)
WANTED = [view for view in VIEWS if LOOKS and (LOOKS == "whole" or LOOKS in view.name)]
_turns = itertools.cycle((VIEWS[0], VIEWS[3], VIEWS[4], VIEWS[8], VIEWS[7], VIEWS[11], VIEWS[9], VIEWS[10]))


@dataclass
class Looking:
    """A page, and what was wrong with what it showed."""

    page: "Page"
    address: str
    faults: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _devtools: "CDPSession | None" = None

    async def open(self, path: str, name: str) -> None:
        await self.page.goto(f"{self.address}{path}")
        await self.look(name)

    async def press(self, button: str, name: str, /, **typed: str) -> None:
        """Fill fields in by their ids, press a button of the page itself, and look at what comes."""
        for at, text in typed.items():
            await self.page.locator(f"#{at}").fill(text)
        await self.page.locator("main").get_by_role("button", name=button, exact=True).first.click()
        await self.page.wait_for_load_state()
        await self.look(name)

    async def look(self, name: str) -> None:
        path = urlsplit(self.page.url).path
        if not await self.page.get_by_role("link", name="To the start").count():  # that of an error is none
            LOOKED_AT.add(next(route.path for route in PAGES if re.fullmatch(route.path_regex, path)))
        for view in WANTED or (next(_turns),):
            await self._turn(view)
            self.faults += [
                f"{name} {view.name}: {one}" for one in await faults_of(self.page, view.is_forced)
            ]
            if SCREENS:
                # A picture of the full page by the browser's own way has text of the usual size again.
                height = await self.page.evaluate("Math.min(document.documentElement.scrollHeight, 6000)")
                await self.page.set_viewport_size({"width": view.width, "height": height})
                await self.page.screenshot(path=Path(SCREENS) / f"{name}-{view.name}.png")
        await self._turn(VIEWS[0])

    async def _turn(self, view: View) -> None:
        """Show the page that way; the size of text is that of the browser's settings, which media queries know."""
        await self.page.emulate_media(
            color_scheme=view.scheme,
            forced_colors="active" if view.is_forced else "none",
            reduced_motion="reduce" if view.is_forced else "no-preference",
        )
        await self.page.set_viewport_size({"width": view.width, "height": 1000})
        self._devtools = self._devtools or await self.page.context.new_cdp_session(self.page)
        sizes = {"standard": TEXT_PX * view.text, "fixed": 13 * view.text}
        await self._devtools.send("Page.setFontSizes", {"fontSizes": sizes})

    def check(self) -> None:
        assert not self.faults, "\n".join(self.faults)
        assert [said for said in self.complaints if "status of " not in said] == []
