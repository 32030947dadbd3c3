"""Hear what ends in a shard: one reader of its events, while anybody in this process waits there."""

import asyncio
from collections.abc import Callable, Sequence

from redis.asyncio import Redis

from shared.runtime.steadily import Troubles, steadily
from shared.store import keyspace, streams

LINGER_SECONDS = 10.0
"""For so long the reader goes on when nobody waits any more: the next one often comes at once."""
REST_SECONDS = 0.01
"""Between two reads, so that a busy shard answers many events at once and not each by itself."""
KEPT = 10_000
"""So many events the stream keeps at least: a read that brings as many may have missed some before them."""

_ENDS = frozenset(
    f"{noun}.{how}"
    for noun, hows in {
        "job": ("completed", "failed", "dead_lettered", "deleted"),
        "cron": ("completed", "failed", "skipped"),
    }.items()
    for how in hows
)
_GOES_ON = "job.retrying"
"""Of an attempt: another one follows, under an id of its own."""
_OWNER_GONE = frozenset({"queue.deleted", "cron.deleted"})
"""What belonged to it is gone with it, and is not named."""

Entry = tuple[str, dict[str, str]]


class Hearing:
    """Of one shard; `connect` opens the reader's own connection."""

    def __init__(self, shard: str, connect: Callable[[], Redis], troubles: Troubles) -> None:
        self._stream = keyspace.events(shard)
        self._connect = connect
        self._troubles = troubles
        self._waiting: dict[str, dict[str, set[asyncio.Future[bool]]]] = {}
        self._listens = asyncio.Event()
        self._attending = 0
        self._reader: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None

    def attend(self) -> None:
        """There is a reader from now on, until as many have left."""
        self._attending += 1
        if self._leaving:
            self._leaving.cancel()
            self._leaving = None
        if self._reader is None:
            self._reader = asyncio.create_task(steadily("hearing of ends", self._follow, self._troubles))

    def leave(self) -> None:
        self._attending -= 1
        if not self._attending:
            self._leaving = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.end)

    def end(self) -> None:
        if self._leaving:
            self._leaving.cancel()
        if self._reader:
            self._reader.cancel()
        self._reader = self._leaving = None

    async def listens(self) -> None:
        """Until the reader has its place: nothing that happens from then on is missed, or all are told so."""
        await self._listens.wait()

    def hear(self, team: str, ref: str) -> "asyncio.Future[bool]":
        """What becomes true when `ref` of the team has ended; and false when it has to be looked at again.

        Whoever does not want it any more forgets it.
        """
        heard = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(team, {}).setdefault(ref, set()).add(heard)
        return heard

    def forget(self, team: str, ref: str, heard: "asyncio.Future[bool]") -> None:
        refs = self._waiting[team]
        waiting = refs[ref]
        waiting.discard(heard)
        if not waiting:
            del refs[ref]
            if not refs:
                del self._waiting[team]

    async def _follow(self) -> None:
        try:
            async with self._connect() as redis:
                last = await streams.newest(redis, self._stream)
                self._listens.set()
                while True:
                    for _, entries in await redis.xread(
                        {self._stream: last}, block=streams.READ_MILLISECONDS
                    ):
                        last = entries[-1][0]
                        self._hear(entries)
                    await asyncio.sleep(REST_SECONDS)
        finally:  # what happens until there is a reader again, nobody hears
            self._listens.clear()
            self._look_again(self._waiting)

    def _hear(self, entries: Sequence[Entry]) -> None:
        if len(entries) >= KEPT:
            self._look_again(self._waiting)
            return
        for _, said in entries:
            name, team = said.get("name", ""), said.get("team", "")
            if team not in self._waiting:
                continue
            if name in _OWNER_GONE:
                self._look_again([team])
            elif name in _ENDS or name == _GOES_ON:
                self._tell(self._waiting[team], said.get("refs", ""), has_ended=name != _GOES_ON)

    def _tell(self, waiting: dict[str, set["asyncio.Future[bool]"]], refs: str, *, has_ended: bool) -> None:
        for ref in refs.split(","):
            for heard in waiting.get(ref, ()):
                if not heard.done():
                    heard.set_result(has_ended)

    def _look_again(self, teams: "Sequence[str] | dict[str, dict[str, set[asyncio.Future[bool]]]]") -> None:
        for team in teams:
            self._tell(self._waiting[team], ",".join(self._waiting[team]), has_ended=False)
