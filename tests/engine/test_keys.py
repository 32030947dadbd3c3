"""Whatever callers, workers and accidents do: a key starts in order, no more than it may, and never less than it could."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.scheduler.rescue import find_in_flight, rescue
from services.worker.work import Complete, Dead, Fail, Postpone, Release, Result, Retry, Verdict, Work
from shared.actions import jobs, queues
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate, QueueUpdate, RateLimit
from shared.store.care import reconcile
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.engine import snapshot
from tests.engine.machine import CONSUMERS, SHARD, Bench, Engine
from tests.engine.snapshot import Snapshot
from tests.engine.test_state_machine import profile

TEAM, QUEUE, PERIOD_MS = Team(1), "1:1", 10_000
LONG_MS = 3_600_000
VERDICTS: tuple[Verdict, ...] = (
    Complete(), Retry(0), Retry(3), Dead(), Fail(), Release(), Postpone(2, ""),
)  # fmt: skip
keys = st.sampled_from(("a", "b", "c", None))
named = st.sampled_from(("a", "b", "c"))
picks = st.integers(0, 63)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that may start as far as its moment goes, in the order of its key."""

    due: int
    id: int


class KeyMachine(RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.engine = Engine(bench)
        self.most: int | None = None
        self.rate: int | None = None
        self.paused: set[str] = set()
        self.is_active = True
        self.held: dict[int, tuple[str, Work, str | None]] = {}
        """What is in flight: its consumer, the work and its key, also where the job is deleted."""
        self.starts: dict[str, list[int]] = defaultdict(list)
        self.engine.do(queues.create(call_of(self.engine.redis, TEAM), QueueCreate(name="mail")))

    @property
    def now(self) -> int:
        return self.engine.model.now

    def take(self) -> Snapshot:
        return self.engine.do(snapshot.take(self.engine.redis))

    # What callers do

    @rule(key=keys, delay=st.sampled_from((0, 0, 0, 2)), n=st.integers(1, 4))
    def create(self, key: str | None, delay: int, n: int) -> None:
        asked = [JobCreate(queue="mail", url="https://a.example/", key=key, delay=delay)] * n
        self.engine.do(jobs.create_many(call_of(self.engine.redis, TEAM), asked, self.now))

    @rule(pick=picks, is_deleted=st.booleans())
    def cancel_or_delete(self, pick: int, is_deleted: bool) -> None:
        found = sorted(name for name in self.take().hashes if name.startswith("j:"))
        open_ = [one for one in found if self.take().hashes[one]["state"] in ("pending", "processing")]
        if open_:
            act = jobs.delete if is_deleted else jobs.cancel
            number = int(open_[pick % len(open_)].split(":")[2])
            self.engine.do(act(call_of(self.engine.redis, TEAM), number))

    @rule(most=st.sampled_from((None, 1, 2)), rate=st.sampled_from((None, None, 1, 3)))
    def change_limits(self, most: int | None, rate: int | None) -> None:
        if (self.rate is None) != (rate is None):
            self.starts.clear()  # what starts while there is no limit is not counted
        self.most, self.rate = most, rate
        limit = RateLimit(count=rate, per_seconds=PERIOD_MS // 1000) if rate else None
        update = QueueUpdate(key_max_parallelism=most, key_rate_limit=limit)
        self.engine.do(queues.update(call_of(self.engine.redis, TEAM), 1, update))

    @rule(key=named, is_paused=st.booleans())
    def pause(self, key: str, is_paused: bool) -> None:
        (self.paused.add if is_paused else self.paused.discard)(key)
        self.engine.do(queues.pause_key(call_of(self.engine.redis, TEAM), 1, key, is_paused=is_paused))

    @rule(is_active=st.booleans())
    def pause_queue(self, is_active: bool) -> None:
        self.is_active = is_active
        update = QueueUpdate(is_active=is_active)
        self.engine.do(queues.update(call_of(self.engine.redis, TEAM), 1, update))

    # What workers and the scheduler do

    @rule(consumer=st.sampled_from(CONSUMERS), n=st.integers(1, 6))
    def claim(self, consumer: str, n: int) -> None:
        self.engine.do(self.engine.workers[consumer].claim(0, self.now))  # what is due is promoted
        waiting = self._waiting(self.take())
        works = self.engine.do(self.engine.workers[consumer].claim(n, self.now))
        for work in works:
            self._start(consumer, work, waiting)
        if len(works) < n:
            left = {key for key, rows in waiting.items() if rows and self.may_start(key)}
            assert not left, f"{left} could start something, and {len(works)} of {n} were claimed"

    def _waiting(self, seen: Snapshot) -> dict[str | None, list[Waiting]]:
        found: dict[str | None, list[Waiting]] = defaultdict(list)
        for name, fields in seen.hashes.items():
            if name.startswith("j:") and fields["state"] == "pending" and fields.get("entry"):
                found[fields.get("key")].append(Waiting(int(fields["due"]), int(name.split(":")[2])))
        for key, rows in found.items():
            if key is not None:
                rows.sort(key=lambda one: (one.due, one.id))
        return found

    def may_start(self, key: str | None) -> bool:
        if key is None or not self.is_active:
            return self.is_active
        running = sum(of == key for _, _, of in self.held.values())
        recent = [at for at in self.starts[key] if at > self.now - PERIOD_MS]
        is_full = self.most is not None and running >= self.most
        return not (is_full or key in self.paused or (self.rate is not None and len(recent) >= self.rate))

    def _start(self, consumer: str, work: Work, waiting: dict[str | None, list[Waiting]]) -> None:
        key = next(key for key, rows in waiting.items() if any(one.id == work.id for one in rows))
        assert self.may_start(key), f"job {work.id} of {key} starts beyond the limits"
        if key is None:
            waiting[key] = [one for one in waiting[key] if one.id != work.id]
        else:
            assert waiting[key].pop(0).id == work.id, f"job {work.id} of {key} starts out of order"
            assert work.lane == "f:"
            if self.rate is not None:
                self.starts[key].append(self.now)
        self.held[work.id] = (consumer, work, key)

    @rule(ends=st.lists(st.tuples(picks, st.sampled_from(VERDICTS)), min_size=1, max_size=4))
    def finish(self, ends: list[tuple[int, Verdict]]) -> None:
        for pick, verdict in ends:
            if self.held:
                consumer, work, _ = self.held.pop(sorted(self.held)[pick % len(self.held)])
                result = [Result(work, verdict, "[1,200,1,1]")]
                self.engine.do(self.engine.workers[consumer].finish(result, self.now))

    @rule(consumer=st.sampled_from(CONSUMERS))
    def lose_a_worker(self, consumer: str) -> None:
        lost = [
            one
            for one in self.engine.do(find_in_flight(self.engine.redis, SHARD))
            if one.consumer == consumer
        ]
        self.engine.do(rescue(self.engine.redis, SHARD, lost))
        self.held = {number: one for number, one in self.held.items() if one[0] != consumer}

    @rule(ms=st.sampled_from((1, 999, 2000, 9999, 10_000)))
    def pass_time(self, ms: int) -> None:
        self.engine.pass_time(ms)

    # Accidents

    @rule(lost=st.sampled_from(("rooms", "lines", "slots", "keys")))
    def lose_a_key(self, lost: str) -> None:
        """The patrol makes it anew; slots of what was deleted while it ran are gone with it."""
        if lost != "slots" or self._all_are_there():
            self.engine.do(self.engine.redis.delete(f"{snapshot.PREFIX}{lost}:{QUEUE}"))
        self.engine.do(_patrol(self.engine))
        if lost == "keys":
            for key in sorted(self.paused):  # nothing names those that nothing waits of
                self.pause(key, True)

    def _all_are_there(self) -> bool:
        there = self.take().hashes
        return all(f"j:1:{number}" in there for number in self.held)

    @invariant()
    def slots_are_what_is_in_flight(self) -> None:
        seen = self.take()
        entries = {entry for entry, _ in seen.streams.get(f"f:{QUEUE}", snapshot.Stream()).entries}
        slots = Counter(slot[:20] for slot in seen.zsets.get(f"slots:{QUEUE}", ()))
        running = Counter(key for _, _, key in self.held.values() if key)
        assert {slot[20:] for slot in seen.zsets.get(f"slots:{QUEUE}", ())} <= entries
        assert sorted(slots.values()) == sorted(running.values())
        waiting = [
            fields
            for fields in seen.hashes.values()
            if fields.get("state") == "pending" and fields.get("lane") == "rooms:"
        ]
        rooms = {fields["entry"] for fields in waiting}
        assert set(seen.zsets.get(f"rooms:{QUEUE}", ())) == rooms
        named = {fields["key"] for fields in waiting}
        assert named | self.paused | {*running} <= {*seen.zsets.get(f"keys:{QUEUE}", ())}

    def teardown(self) -> None:
        """Given every chance, everything ends, and nothing of any key is left."""
        for key in sorted(self.paused):
            self.pause(key, False)
        self.pause_queue(True)
        self.change_limits(1, 1)
        for _ in range(200):
            self.pass_time(LONG_MS)
            self.claim("one", 6)
            self.finish([(0, Complete())] * 6)
            for consumer in CONSUMERS[1:]:
                self.lose_a_worker(consumer)
            zsets = self.take().zsets
            if not (self.held or zsets.get("due") or zsets.get(f"rooms:{QUEUE}")):
                break
        self.pass_time(LONG_MS)
        self.claim("one", 6)
        seen = self.take()
        left = {name for name in (*seen.zsets, *seen.sets) if name.endswith(f":{QUEUE}")}
        assert not left, f"{left} are left"
        states = {fields["state"] for name, fields in seen.hashes.items() if name.startswith("j:")}
        assert states <= {"completed", "failed", "retrying", "dead_lettered"}


async def _patrol(engine: Engine) -> None:
    async for _ in reconcile.patrol(engine.redis, TEAM, now_ms=engine.model.now):
        pass


def test_the_laws_of_keys_hold_whatever_happens(bench: Bench) -> None:
    class OnThisBench(KeyMachine):
        def __init__(self) -> None:
            super().__init__(bench)

    few = settings(profile(is_seeded=False), max_examples=8, stateful_step_count=30)
    run_state_machine_as_test(OnThisBench, settings=few)
