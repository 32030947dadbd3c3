"""Places that teams share: one team never has them all, and who waits gets the next by turns."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Shares:
    """`places` in all, of which a team has `share` at most; those of a team come first in, first out."""

    def __init__(self, places: int, share: int) -> None:
        self._free = places
        self._share = share
        self._taken: Counter[int] = Counter()
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()
        """By team, the team whose turn is next first."""

    @asynccontextmanager
    async def place(self, team: int, seconds: float) -> AsyncIterator[None]:
        """A place for the block; raises TimeoutError if there was none within so many seconds."""
        await self._take(team, seconds)
        try:
            yield
        finally:
            self._give(team)

    async def _take(self, team: int, seconds: float) -> None:
        if self._free and self._taken[team] < self._share and team not in self._waiting:
            self._hand(team)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(team, deque()).append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._give(team)  # it came just when nobody wanted it any more
            else:
                self._leave(team, turn)
            raise

    def _hand(self, team: int) -> None:
        self._free -= 1
        self._taken[team] += 1

    def _give(self, team: int) -> None:
        self._free += 1
        self._taken[team] -= 1
        if not self._taken[team]:
            del self._taken[team]
        self._offer()

    def _offer(self) -> None:
        """Hand what is free to those whose turn it is."""
        for team in list(self._waiting):
            if not self._free:
                break
            if self._taken[team] < self._share:
                self._serve(team)

    def _serve(self, team: int) -> None:
        turns = self._waiting[team]
        # One that was cancelled still stands here until its task runs.
        turn = next((one for one in turns if not one.cancelled()), None)
        if turn is None:
            return
        self._drop(team, turn)
        if team in self._waiting:
            self._waiting.move_to_end(team)  # behind the others
        self._hand(team)
        turn.set_result(None)

    def _leave(self, team: int, turn: asyncio.Future[None]) -> None:
        self._drop(team, turn)
        self._offer()  # who came behind it may have waited for it alone

    def _drop(self, team: int, turn: asyncio.Future[None]) -> None:
        turns = self._waiting[team]
        turns.remove(turn)
        if not turns:
            del self._waiting[team]
