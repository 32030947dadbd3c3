"""Who waits in this process for the end of a job or an execution, how many may, and how each wait ends."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from prometheus_client import Gauge
from redis.asyncio import Redis

from shared.errors import TooManyWaits
from shared.runtime import garbage
from shared.runtime.serving.hang_up import HangUp
from shared.runtime.steadily import Troubles
from shared.runtime.waiting.hearing import Hearing
from shared.store import keyspace, transitions
from shared.store.connection import AWAY
from shared.store.keyspace import Team
from shared.store.together import Together, fail, tell
from shared.store.transitions import Awaited

TEAM_SHARE = 0.8
"""Of all waits that there may be, how many one team may have: the others find room."""
PAUSE_SECONDS = 0.25
"""While Redis is away, before it is asked again."""
_BATCH, _RECORDS, _ABREAST = 250, 32, 2
"""Looks a transition, which more would block for too long; records a read, which may be large; and reads."""
CALM_SECONDS = 0.5
"""After a wait began, before what it left is looked through: not when all are to be answered."""

OPEN = Gauge("recuro_waits_open", "Requests that wait until a job or an execution has ended")


class Record(Protocol):
    """What has an id."""

    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=Record)
ReadMany = Callable[[Redis, Team, int, Sequence[int]], Awaitable[Sequence[R]]]
"""Reads records by their ids: those of one owner, as a cron, where they have one."""
_Key = tuple[Team, int, int]
_OVER = False, None
"""What a wait comes to that nothing ended."""


class Sought(NamedTuple, Generic[R]):
    """What is waited for, and how its record is read."""

    team: Team
    kind: str
    id: int
    read: ReadMany[R]
    owner: int = 0
    """Of its record: a cron's id, or nothing."""

    @property
    def awaited(self) -> Awaited:
        return Awaited(self.team.id, self.kind, self.id)


class Check(NamedTuple):
    """Raises what refuses a caller who may not call any more: tokens end while their callers wait."""

    who: Hashable
    """Of the same caller a check finds the same."""
    run: Callable[[], Awaitable[object]]


class _Watch:
    """Who waits for the same; its task hears of the end for all of them."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.answers: dict[asyncio.Future[Any], Check | None] = {}

    async def check(self) -> None:
        """Once for all of the same caller, who then finds it remembered; what it raises as well."""
        if len(self.answers) > 1:
            checks = {one.who: one for one in self.answers.values() if one}
            await asyncio.gather(*(one.run() for one in checks.values()), return_exceptions=True)


class HungUp(Exception):
    """Whoever waited is gone: there is nobody to answer."""


class Waits:
    """All of one process, between `serving` and `stop`; its troubles make no service unready."""

    def __init__(self, most: int, connect: Callable[[], Redis]) -> None:
        self._most = most
        self._of_team: Counter[int] = Counter()
        self._answers: set[asyncio.Future[Any]] = set()
        self._watches: dict[Sought[Any], _Watch] = {}
        self._hearings = {shard: Hearing(shard, connect, Troubles()) for shard in keyspace.SHARDS}
        self._open: dict[str, Together[Awaited, str]] = {}
        self._records: dict[ReadMany[Any], Together[_Key, Any]] = {}
        self._redis: Redis | None = None
        self._calm: asyncio.TimerHandle | None = None
        self.is_stopping = False

    @asynccontextmanager
    async def serving(self, redis: Redis) -> AsyncIterator[None]:
        """In this block there may be waits, which look by this client."""
        self._redis = redis
        for shard in self._hearings:
            self._open[shard] = Together(_reading(redis, shard), _BATCH)
        try:
            yield
        finally:
            for hearing in self._hearings.values():
                hearing.end()
            if self._calm:
                self._calm.cancel()

    def stop(self) -> None:
        """End all waits, and begin no more: each is answered with how it stands."""
        self.is_stopping = True
        tell(self._answers, _OVER)

    async def ended(
        self, sought: Sought[R], seconds: float, hang_up: HangUp | None, check: Check | None = None
    ) -> tuple[bool, R | None]:
        """Wait until it has ended, for so long at most: whether it has, or is not there, and its record then.

        Raises TooManyWaits; HungUp once the caller has gone; and errors of AWAY if Redis is still away at the
        end.
        """
        if seconds and not self.is_stopping:
            self._check_room(sought.team)
            has_ended, found = await self._waited(sought, seconds, hang_up, check)
            if has_ended:
                return True, found
            if hang_up and hang_up.has_come:
                raise HungUp
        is_open = await self._open[sought.team.shard].get(sought.awaited)
        return not is_open, await self._record(sought)

    async def _waited(
        self, sought: Sought[R], seconds: float, hang_up: HangUp | None, check: Check | None
    ) -> tuple[bool, R | None]:
        """One wait, which ends with its seconds, and with hanging up, as with the end."""
        team, loop = sought.team.id, asyncio.get_running_loop()
        answer = loop.create_future()
        give_up = partial(tell, [answer], _OVER)
        timer = loop.call_later(seconds, give_up)
        watch = self._watches.get(sought) or self._watch(sought)
        watch.answers[answer] = check
        self._answers.add(answer)
        self._of_team[team] += 1
        OPEN.inc()
        if self._calm is None:
            self._calm = loop.call_later(CALM_SECONDS, self._collect)
        if hang_up:
            hang_up.watch(give_up)
        try:
            outcome: tuple[bool, R | None] = await answer
            return outcome
        finally:
            timer.cancel()
            if hang_up:
                hang_up.unwatch()
            OPEN.dec()
            self._of_team[team] -= 1
            if not self._of_team[team]:
                del self._of_team[team]
            self._answers.discard(answer)
            del watch.answers[answer]
            if not watch.answers:
                self._forget(sought, watch)
                watch.task.cancel()

    def _watch(self, sought: Sought[Any]) -> _Watch:
        watch = self._watches[sought] = _Watch()
        watch.task = asyncio.create_task(self._follow(sought, watch))
        return watch

    def _forget(self, sought: Sought[Any], watch: _Watch) -> None:
        """Whoever asks from now on is not answered by this one."""
        if self._watches.get(sought) is watch:
            del self._watches[sought]

    async def _follow(self, sought: Sought[Any], watch: _Watch) -> None:
        """Give the record to all who wait, once it has ended."""
        try:
            try:
                await self._hear_end(sought.team, sought.awaited)
            finally:
                self._forget(sought, watch)  # who asks while it is read has it read anew
            found = await self._record(sought)
            await watch.check()
            tell(watch.answers, (True, found))
        except Exception as error:  # it is of all who wait
            fail(watch.answers, error)

    async def _record(self, sought: Sought[R]) -> R | None:
        """Read together with those that others want now: many waits end at once."""
        together = self._records.get(sought.read)
        if together is None:
            assert self._redis
            together = Together(_grouped(self._redis, sought.read), _RECORDS, _ABREAST)
            self._records[sought.read] = together
        found: R | None = await together.get((sought.team, sought.owner, sought.id))
        return found

    async def _hear_end(self, team: Team, awaited: Awaited) -> None:
        hearing, owner, ref = self._hearings[team.shard], str(team.id), f"{awaited.kind}:{awaited.id}"
        hearing.attend()
        try:
            while True:
                await hearing.listens()
                # Looked at while it is heard of: whatever happens is either seen or told.
                heard = hearing.hear(owner, ref)
                try:
                    open_now = await self._look(team, awaited)
                    if not open_now or (open_now == ref and await heard):
                        return
                finally:
                    hearing.forget(owner, ref, heard)
                ref = open_now
        finally:
            hearing.leave()

    async def _look(self, team: Team, awaited: Awaited) -> str:
        """What is open of it, as soon as Redis says so."""
        while True:
            try:
                return await self._open[team.shard].get(awaited)
            except AWAY:
                await asyncio.sleep(PAUSE_SECONDS)

    def _collect(self) -> None:
        self._calm = None
        garbage.collect_early()

    def _check_room(self, team: Team) -> None:
        if len(self._answers) >= self._most:
            raise TooManyWaits("Too many requests wait here already")
        if self._of_team[team.id] >= max(1, int(self._most * TEAM_SHARE)):
            raise TooManyWaits("Too many requests of your team wait here already")


def _reading(redis: Redis, shard: str) -> Callable[[Sequence[Awaited]], Awaitable[list[str]]]:
    return lambda awaited: transitions.read_ends(redis, shard, awaited)


def _grouped(redis: Redis, read: ReadMany[R]) -> Callable[[Sequence[_Key]], Awaitable[list[R | None]]]:
    """The same for records of many owners: one read for each of these."""

    async def read_all(keys: Sequence[_Key]) -> list[R | None]:
        ids: dict[tuple[Team, int], list[int]] = {}
        for team, owner, record_id in keys:
            ids.setdefault((team, owner), []).append(record_id)
        found = {
            (team, owner, one.id): one
            for (team, owner), some in ids.items()
            for one in await read(redis, team, owner, some)
        }
        return [found.get(key) for key in keys]

    return read_all
