"""A stream as a browser reads it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.pages.browser import Browser


@dataclass
class Stream:
    """The events of a live page, one after another; and what its parts were last."""

    lines: AsyncIterator[str]
    parts: dict[str, str] = field(default_factory=dict)

    async def event(self) -> tuple[str, str]:
        name, text = "", list[str]()
        async for line in self.lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                text.append(line.removeprefix("data: "))
            elif not line and name:
                self.parts[name] = "\n".join(text)
                return name, self.parts[name]
        return "closed", ""

    async def until(self, *wanted: str) -> set[str]:
        """All that came until one of these did."""
        came = set[str]()
        while not came & {*wanted, "closed"}:
            came.add((await self.event())[0])
        return came


@asynccontextmanager
async def live(browser: Browser, page: str) -> AsyncIterator[Stream]:
    """The stream of a page, once it has what the page shows."""
    async with browser.client.stream("GET", "/t/1/live", params={"page": page}, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(aiter(answer.aiter_lines()))
