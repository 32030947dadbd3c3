"""What changes in which team, as live pages hear it: one reader of a shard's events for all of them."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from redis.asyncio import Redis

from shared.runtime.steadily import Troubles, steadily
from shared.store import keyspace, streams

PACE_SECONDS = 1.0
"""Between two reads, however much happens: a second is as often as a page changes."""
LINGER_SECONDS = 10.0
"""For so long the reader goes on when no page is live any more: who goes to another page is back at once."""


class Ear(Protocol):
    """Who wants to know that something of a team changed."""

    def hear(self) -> None: ...


class Feed:
    """Of one shard; `connect` opens the reader's own connection."""

    def __init__(self, shard: str, connect: Callable[[], Redis], troubles: Troubles) -> None:
        self._stream = keyspace.events(shard)
        self._connect = connect
        self._troubles = troubles
        self._ears: dict[str, set[Ear]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None

    def attend(self, team: str, ear: Ear) -> None:
        self._ears.setdefault(team, set()).add(ear)
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None
        if self._reader is None:
            self._reader = asyncio.create_task(steadily("live pages", self._follow, self._troubles))

    def leave(self, team: str, ear: Ear) -> None:
        self._ears[team].discard(ear)
        if not self._ears[team]:
            del self._ears[team]
        if not self._ears:
            self._leaving = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.end)

    def end(self) -> None:
        if self._leaving:
            self._leaving.cancel()
        if self._reader:
            self._reader.cancel()
        self._reader = self._leaving = None

    async def _follow(self) -> None:
        async with self._connect() as redis:
            last = await streams.newest(redis, self._stream)
            self._tell(set(self._ears))  # what happened before the reader had its place, nobody heard
            while True:
                for _, entries in await redis.xread({self._stream: last}, block=streams.READ_MILLISECONDS):
                    last = entries[-1][0]
                    self._tell({said.get("team", "") for _, said in entries})
                await asyncio.sleep(PACE_SECONDS)

    def _tell(self, teams: set[str]) -> None:
        for team in teams & self._ears.keys():
            for ear in self._ears[team]:
                ear.hear()
