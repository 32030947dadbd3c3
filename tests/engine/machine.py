"""The engine under test, one call at a time, with the model moved beside it."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from redis.asyncio import Redis

from services.scheduler.promote import BATCH
from services.scheduler.rescue import find_in_flight, rescue
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Result, Retry, Verdict, Work
from services.worker.work import Job as JobWork
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store import connection, keyspace, transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.transitions import InFlight, functions
from shared.store.transitions.library import Library
from tests.calls import call_of
from tests.engine import laws, moves, snapshot
from tests.engine.model import Model
from tests.engine.pieces import Job, Queue
from tests.engine.snapshot import PREFIX, Snapshot

T = TypeVar("T")
Asked = tuple[str, int, int | None, bool]
"""A job that is asked for: queue, delay and time to expire after that (s), whether there is a callback."""
NOW = 1_760_000_000_000
SHARD = keyspace.SHARDS[0]
CONSUMERS = ("one", "two", "three")
TARGET = "a.example /"
_ASKS = "call('TIME')"
_READS = "call('LRANGE', P .. 'now', 0, 1)"


def tell_the_time(patch: pytest.MonkeyPatch) -> None:
    """Let the library read the clock of the test where it would ask the server's; else it stays as it is."""
    body = functions.library.body
    assert body.count(_ASKS) == 1
    patch.setattr(functions, "library", Library(body.replace(_ASKS, _READS)))


def _result(work: Work, verdict: Verdict, run: str) -> Result:
    """As a worker has it: failures are problems, and what goes well in their queue may end them."""
    if isinstance(verdict, Retry | Dead | Fail):
        return Result(work, verdict, run, "", "timeout", "{}", target=TARGET)
    is_told = isinstance(verdict, Complete) and isinstance(work, JobWork) and work.is_watched
    return Result(work, verdict, run, target=TARGET if is_told else "")


class Bench:
    """One event loop and one client for all examples; `do` runs what is awaited to its end."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self.redis: Redis = connection.connect(Settings(redis_url=url))

    def do(self, awaited: Awaitable[T]) -> T:
        return self._runner.run(_end_of(awaited))

    def close(self) -> None:
        self.do(self.redis.aclose())
        self._runner.close()


async def _end_of(awaited: Awaitable[T]) -> T:
    return await awaited


class Engine:
    """The workers, the scheduler and the model of one example."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.redis, self.do = bench, bench.redis, bench.do
        self.model = Model(NOW)
        self.workers = {name: Claims(self.redis, SHARD, name) for name in CONSUMERS}
        self.works: dict[str, list[Work]] = defaultdict(list)
        self.runs = 0
        self.do(self._begin())

    async def _begin(self) -> None:
        await self.redis.flushall()
        await self._set_clock()

    async def _set_clock(self) -> None:
        seconds, ms = divmod(self.model.now, 1000)
        pipe = self.redis.pipeline()
        pipe.delete(f"{PREFIX}now")
        pipe.rpush(f"{PREFIX}now", seconds, ms * 1000)
        await pipe.execute()

    def pass_time(self, ms: int) -> None:
        self.model.now += ms
        self.do(self._set_clock())

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.model.now / 1000, UTC)

    def look(self) -> Snapshot:
        """Read everything and hold it against the laws."""
        seen = self.do(snapshot.take(self.redis))
        laws.learn(self.model, seen, after_claim=False)
        laws.check(self.model, seen)
        return seen

    # What callers do

    def create(self, team: int, asked: Sequence[Asked], key: IdempotencyKey | None = None) -> list[int]:
        self.model.promote()
        expected = []
        for name, delay, expires, has_callback in asked:
            queue = self._queue_named(team, name)
            job = Job(team, queue.id, self.model.now + delay * 1000)
            job.expires = None if expires is None else job.due + expires * 1000
            job.callback = "none" if has_callback else None
            self.model.accept(job)
            expected.append((job.id, int(queue.id)))
        made = self.ask_for(team, asked, key)
        assert [(one.id, one.queue_id) for one in made] == expected
        return [one.id for one in made]

    def ask_for(self, team: int, asked: Sequence[Asked], key: IdempotencyKey | None) -> list[jobs.QueuedJob]:
        wanted = [
            JobCreate(
                queue=name,
                url="https://a.example/",
                delay=delay,
                callback_url="https://b.example/" if has_callback else None,
                expires_at=None if expires is None else self.moment + timedelta(seconds=delay + expires),
            )
            for name, delay, expires, has_callback in asked
        ]
        return self.do(jobs.create_many(call_of(self.redis, Team(team), key), wanted, self.model.now))

    def _queue_named(self, team: int, name: str) -> Queue:
        for queue in self.model.living_queues():
            if (queue.team, queue.name) == (team, name):
                return queue
        self.model.ids[team, "queue"] += 1
        queue = Queue(team, str(self.model.ids[team, "queue"]), name)
        self.model.queues[queue.place] = queue
        return queue

    # What workers do

    def claim(self, consumer: str, n: int, spare: int = 0, *, is_lost: bool = False) -> list[Work]:
        self.model.promote()
        works = self.do(self.workers[consumer].claim(n, self.model.now, spare=spare))
        seen = self.do(snapshot.take(self.redis))
        is_late = moves.expire_late(self.model, seen)
        moves.claimed(self.model, consumer, works, n)
        is_gone = laws.learn(self.model, seen, after_claim=True)
        laws.check(self.model, seen)
        assert len(works) <= n + spare
        if len(works) < n and not (is_late or is_gone):
            assert "turns" not in seen.zsets, "a claim got less than it asked for, and there was more"
        if not is_lost:
            self.works[consumer] += works
        return works

    def finish(self, consumer: str, ends: Sequence[tuple[Work, Verdict]]) -> None:
        results, expected = [], []
        for work, verdict in ends:
            self.runs += 1
            results.append(_result(work, verdict, f'["run {self.runs}."]'))
            expected.append(
                self.model.finish(consumer, work.place, *moves.verdict_of(verdict, f"run {self.runs}."))
            )
        answers = self.do(self.workers[consumer].finish(results, self.model.now))
        assert answers == expected

    def held_by(self, consumer: str) -> list[Work]:
        """What it has in hand and still holds."""
        works = {work.place: work for work in self.works[consumer]}
        return [work for place, work in works.items() if self.model.held(consumer, place)]

    def release_orphans(self, consumer: str) -> None:
        hands = {work.place for work in self.held_by(consumer)}
        orphans = [
            f"{key}:{entry.name}"
            for key, lane in sorted(self.model.lanes.items(), key=lambda row: (row[0][2:], row[0]))
            for entry in lane
            if entry.consumer == consumer and f"{key}:{entry.name}" not in hands
        ]
        released = self.do(self.workers[consumer].release_orphans(hands))
        assert released == len(orphans)
        for place in orphans:
            self.model.finish(consumer, place, "release", "", 0)

    # What the scheduler does

    def promote(self, limit: int = BATCH) -> None:
        self.model.promote(limit)
        self.do(transitions.promote(self.redis, SHARD, most=limit, now_ms=self.model.now))

    def rescue(self, lost: list[InFlight]) -> None:
        places = [(one.consumer, f"{one.lane}{one.queue}:{one.entry}", one.beats) for one in lost]
        expected = sum(self.model.rescue(*place) for place in places)
        assert self.do(rescue(self.redis, SHARD, lost)) == expected

    def held(self) -> list[InFlight]:
        return self.do(find_in_flight(self.redis, SHARD))
