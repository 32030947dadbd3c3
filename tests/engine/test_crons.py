"""Whatever callers, schedulers and workers do to crons, in any order: each moment has one record.

`RECURO_DEEP=1` looks longer, at other examples each time; `--hypothesis-seed=N` repeats them.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from redis.asyncio import Redis

from services.scheduler import fire
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.actions import crons
from shared.schemas.crons import CronCreate, CronUpdate
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from tests.calls import call_of
from tests.engine.machine import NOW, SHARD, Bench
from tests.engine.plans import PERIODS, Ledger, Record, Wish, told
from tests.engine.snapshot import PREFIX
from tests.engine.test_state_machine import profile

SAVE_CRON = Function("save_cron")
TEAM = Team(1)
START = NOW // 1000

picks = st.integers(0, 7)
expressions = st.sampled_from(sorted(PERIODS))
moments = st.sampled_from((None, None, -20, -1, 0, 1, 7, 30))
"""Seconds from now."""
changes = st.one_of(
    st.tuples(st.just("is_active"), st.booleans()),
    st.tuples(st.just("expression"), expressions),
    st.tuples(st.just("timezone"), st.sampled_from(("UTC", "Asia/Kathmandu", "Europe/Berlin"))),
    st.tuples(st.just("spread"), st.sampled_from((0, 3, 20))),
    st.tuples(st.just("starts_at"), moments),
    st.tuples(st.just("ends_at"), moments),
    st.tuples(st.just("max_runs"), st.sampled_from((None, 1, 2, 5, 50))),
    st.tuples(st.just("misfire_policy"), st.sampled_from(("run_once", "skip", "run_all"))),
    st.tuples(st.just("misfire_window_seconds"), st.sampled_from((0, 3600))),
    st.tuples(st.just("overlap_policy"), st.sampled_from(("allow", "skip", "queue_one"))),
)
PASSES = (0, 1, 20, 500, 999, 1000, 1001, 3000, 12_000, 40_000, 150_000)


class Meanwhile:
    """A client before whose first save of a cron something else happens."""

    def __init__(self, redis: Redis, happens: Callable[[], Awaitable[object]]) -> None:
        self._redis, self._happens, self._has_happened = redis, happens, False

    async def fcall(self, function: str, *arguments: object) -> object:
        if function == SAVE_CRON.in_redis and not self._has_happened:
            self._has_happened = True
            await self._happens()
        return await self._redis.fcall(function, *arguments)  # type: ignore[arg-type, misc]

    def __getattr__(self, name: str) -> object:
        return getattr(self._redis, name)


class CronMachine(RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.redis, self.do, self.now_ms = bench.redis, bench.do, NOW
        self.worker = Claims(self.redis, SHARD, "one")
        self.crons: list[Ledger] = []
        self.judged: list[fire.Batch] = []
        self.do(self.redis.flushall())
        self.do(self._pass(0))

    @property
    def now(self) -> float:
        return self.now_ms / 1000

    async def _pass(self, ms: int) -> None:
        self.now_ms += ms
        pipe = self.redis.pipeline()
        pipe.delete(f"{PREFIX}now")
        pipe.rpush(f"{PREFIX}now", self.now_ms // 1000, self.now_ms % 1000 * 1000)
        await pipe.execute()

    # What callers do

    @initialize(expressions=st.lists(expressions, min_size=1, max_size=3))
    def begin(self, expressions: list[str]) -> None:
        for expression in expressions:
            self._create(expression)

    def _create(self, expression: str) -> None:
        asked = CronCreate(name="ping", url="https://a.example/", cron_expression=expression)
        made = self.do(crons.create(call_of(self.redis, TEAM), asked, datetime.fromtimestamp(self.now, UTC)))
        phase = 10 * made.id + 7  # else it would be drawn, and no example would come again
        self.do(self.redis.hset(f"{PREFIX}c:1:{made.id}", "phase", str(phase)))  # type: ignore[arg-type]
        self.crons.append(Ledger(made.id, phase, Wish(expression), self.now))

    @rule(pick=picks, asked=st.lists(changes, min_size=1, max_size=3))
    def change(self, pick: int, asked: list[tuple[str, object]]) -> None:
        self._change(pick, asked, self.redis)

    @rule(pick=picks, asked=st.lists(changes, min_size=1, max_size=2))
    def change_while_a_scheduler_fires(self, pick: int, asked: list[tuple[str, object]]) -> None:
        self._change(pick, asked, cast(Redis, Meanwhile(self.redis, self._fire_all)))

    @rule(
        pick=picks, asked=st.lists(changes, min_size=1, max_size=2), ms=st.sampled_from((1, 900, 1000, 5000))
    )
    def change_while_time_passes(self, pick: int, asked: list[tuple[str, object]], ms: int) -> None:
        self._change(pick, asked, cast(Redis, Meanwhile(self.redis, lambda: self._pass(ms))))

    def _change(self, pick: int, asked: list[tuple[str, object]], client: Redis) -> None:
        cron = self.crons[pick % len(self.crons)]
        wish = told([(name, self._moment(name, value)) for name, value in asked], cron.wish)
        if wish.ends_at and wish.starts_at and wish.ends_at <= wish.starts_at:
            return
        had = cron.wish
        self.do(crons.update(call_of(client, TEAM), cron.id, self._update(had, wish)))
        for other in self.crons:
            if other is not cron:
                self._look(other, is_whole=False)
        if wish != had:
            is_brought_forward = (had.expression, had.timezone, wish.is_active) == (
                wish.expression, wish.timezone, True,
            )  # fmt: skip
            self._settled(cron, wish, is_brought_forward)
            cron.changed(wish, self.now)
        self._look(cron, is_whole=wish != had)

    def _moment(self, name: str, value: object) -> object:
        is_moment = name.endswith("_at") and isinstance(value, int)
        return START + (self.now_ms - NOW) // 1000 + int(cast(int, value)) if is_moment else value

    def _update(self, had: Wish, wish: Wish) -> CronUpdate:
        fields = {
            "cron_expression": wish.expression,
            "timezone": wish.timezone,
            "is_active": wish.is_active,
            "spread_seconds": wish.spread,
            "starts_at": _at(wish.starts_at),
            "ends_at": _at(wish.ends_at),
            "max_runs": wish.max_runs,
            "misfire_policy": wish.misfire_policy,
            "misfire_window_seconds": wish.misfire_window_seconds,
            "overlap_policy": wish.overlap_policy,
        }
        return CronUpdate.model_validate(fields)

    def _settled(self, cron: Ledger, wish: Wish, is_brought_forward: bool) -> None:
        """Hold what an edit made against what was due; a shorter spread may bring some forward, or none."""
        records, offset = self._new_records(cron), cron.offset()
        lesser = min(offset, cron.offset(wish)) if is_brought_forward else offset
        last = max((record.at for record in records), default=0)
        due = cron.due(self.now)
        forward = [at for at in cron.due(self.now, lesser) if at not in due]
        is_forward = bool(forward) and bool(records) and last - lesser == forward[-1]
        cron.fell_due(self.now, lesser if is_forward else offset)
        self._note(cron, records, lesser if is_forward else offset)
        cron.all_was_made()

    # What schedulers and workers do

    @rule(ms=st.sampled_from(PASSES))
    def pass_time(self, ms: int) -> None:
        self.do(self._pass(ms))

    @rule()
    def fire(self) -> None:
        self.do(self._fire_all())
        for cron in self.crons:
            self._look(cron, is_whole=True)

    async def _fire_all(self) -> None:
        await fire.fire_due(self.redis, SHARD)

    @rule()
    def judge_ahead(self) -> None:
        found = self.do(fire.look(self.redis, SHARD))
        if found.next_due_ms:
            self.judged = self.do(fire.judge_ahead(self.redis, SHARD, found.next_due_ms))

    @rule()
    def fire_what_was_judged(self) -> None:
        """By now it may be early, late, made by others, or changed."""
        for batch in self.judged:
            self.do(fire._fire(self.redis, SHARD, batch, self.now_ms))
        for cron in self.crons:
            self._look(cron, is_whole=False)

    @rule()
    def work(self) -> None:
        works = self.do(self.worker.claim(64))
        self.do(self.worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works]))

    def teardown(self) -> None:
        if self.crons:
            self.do(self._pass(60_000))
            self.fire()

    # What must hold

    def _look(self, cron: Ledger, *, is_whole: bool) -> None:
        """No moment has two records, and none a record that was not due; with `is_whole` none is left out."""
        records = self._new_records(cron)
        if is_whole or records:
            cron.fell_due(self.now)
        self._note(cron, records, cron.offset())
        if is_whole:
            cron.all_was_made()

    def _note(self, cron: Ledger, records: list[Record], offset: int) -> None:
        cron.note(records, offset)

    def _new_records(self, cron: Ledger) -> list[Record]:
        return self.do(_records(self.redis, cron.id))[cron.records :]


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def _records(redis: Redis, cron: int) -> list[Record]:
    last = int(await redis.hget(f"{PREFIX}ids:1", "execution") or 0)  # type: ignore[misc]
    pipe = redis.pipeline(transaction=False)
    for number in range(1, last + 1):
        pipe.hmget(f"{PREFIX}e:1:{number}", ["cron", "due", "first", "missed", "state"])
    return [
        Record(int(due) // 1000, int(first or due) // 1000, int(missed), state != "skipped")
        for owner, due, first, missed, state in await pipe.execute()
        if owner == str(cron)
    ]


def test_each_moment_of_a_cron_has_one_record_whatever_happens(
    bench: Bench, pytestconfig: pytest.Config
) -> None:
    class OnThisBench(CronMachine):
        def __init__(self) -> None:
            super().__init__(bench)

    is_seeded = pytestconfig.getoption("--hypothesis-seed") is not None
    run_state_machine_as_test(OnThisBench, settings=profile(is_seeded))
