"""A page as it is now, made once for all who look at the same: its named parts, and who waits for them."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import structlog
from redis.asyncio import Redis

from services.api.pages.live.feed import Feed
from shared.errors import RecuroError
from shared.runtime.steadily import Troubles
from shared.store import keyspace
from shared.store.connection import AWAY, translated
from shared.store.keyspace import Team

PACE_SECONDS = 3.0
"""Between two makings of a page, however much happens, if it costs Redis little."""
MOST_A_SECOND = 3.5
"""Round trips to Redis that making a page may cost: one that takes more of them is made less often. With the
reader of events and a look at the session each 5 s they stay below five."""
IDLE_SECONDS = 5.0
"""After so long it is made anew though nothing was heard: a setting that changes is no event."""
_PART = re.compile(r"<!--live (\w+)-->(.*?)<!--/live-->", re.DOTALL)
_ONCE = {
    "title": re.compile(r"<title>(.*?)</title>", re.DOTALL),
    "icon": re.compile(r'<link rel="icon" href="([^"]*)"'),
    "at": re.compile(r' data-now="([^"]*)"'),
}

_OF_ONE = re.compile(r'(<time [^>]*data-tick[^>]*>)[^<]*|(name="once" value=")[^"]*')
"""What is another each time, and is not for others: how long ago that was, the key of a form."""


class Made(NamedTuple):
    """A page, and how often Redis was asked for it."""

    page: str
    trips: int


Make = Callable[[], Awaitable[Made]]

log = structlog.get_logger()


class View:
    """One page of one team, by one clock, for one role."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._heard = asyncio.Event()
        self.made = asyncio.Event()
        """Set when it is made the next time; each making has its own."""
        self.parts: Mapping[str, str] = {}
        self.readers = 0
        self.is_over = False
        """There is no such page any more."""

    def hear(self) -> None:
        self._heard.set()

    async def keep(self) -> None:
        """Make it whenever something was heard, as long as somebody reads it."""
        while not self.is_over:
            self._heard.clear()
            pace = PACE_SECONDS
            try:
                made = await self._make()
                self.parts, pace = parts_of(made.page), pace_of(made.trips)
            except AWAY as error:  # those who read notice that nothing comes
                log.warning("redis_away", error=repr(error))
            except Exception as error:
                self.is_over = True
                if not isinstance(translated(error), RecuroError):
                    log.exception("live_page_failed")
            self._tell()
            await asyncio.sleep(pace)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), max(0.0, IDLE_SECONDS - pace))

    def _tell(self) -> None:
        told, self.made = self.made, asyncio.Event()
        told.set()


def pace_of(trips: int) -> float:
    """Seconds from one making of a page to the next that took so many round trips."""
    return max(PACE_SECONDS, trips / MOST_A_SECOND)


def parts_of(page: str) -> dict[str, str]:
    """What stands between the marks of a page, by name; its title, its icon and the moment that it shows.

    Texts of others are escaped, so that none of them is taken for a mark.
    """
    parts = {name: _OF_ONE.sub(r"\1\2", text.strip()) for name, text in _PART.findall(page)}
    found = {name: pattern.search(page) for name, pattern in _ONCE.items()}
    return parts | {name: one[1].strip() for name, one in found.items() if one}


class Views:
    """All of one process."""

    def __init__(self, connect: Callable[[], Redis]) -> None:
        troubles = Troubles()
        self._feeds = {shard: Feed(shard, connect, troubles) for shard in keyspace.SHARDS}
        self._views: dict[Hashable, tuple[View, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for feed in self._feeds.values():
                feed.end()
            for _, task in self._views.values():
                task.cancel()

    @asynccontextmanager
    async def reading(self, team: Team, key: Hashable, make: Make) -> AsyncIterator[View]:
        """The view of that key, which is kept as long as anybody reads it."""
        view, task = self._views.get(key, (None, None))
        if view is None or task is None or task.done():
            view = View(make)
            task = asyncio.create_task(view.keep())
            self._views[key] = view, task
        view.readers += 1
        self._feeds[team.shard].attend(str(team.id), view)
        try:
            yield view
        finally:
            view.readers -= 1
            if not view.readers:
                self._feeds[team.shard].leave(str(team.id), view)
                task.cancel()
                if self._views.get(key) == (view, task):
                    del self._views[key]
