"""Whatever callers, workers, the scheduler and accidents do, in any order: the laws of the engine hold.

`RECURO_DEEP=1` looks longer, at other examples each time; `--hypothesis-seed=N` repeats them.
"""

import os
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.scheduler.promote import promote_due
from services.scheduler.prune import prune
from services.worker.work import Cancelled, Complete, Dead, Fail, Postpone, Release, Retry, Verdict, Work
from shared.actions import dead_letters, jobs, queues
from shared.errors import Conflict, NotFound
from shared.schemas.dead_letters import DeadLetterSelection
from shared.schemas.queues import QueueUpdate, RateLimit
from shared.store import keyspace
from shared.store.care import reconcile
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.transitions import InFlight
from tests.calls import call_of
from tests.conftest import VAULT
from tests.engine import laws, moves
from tests.engine.machine import CONSUMERS, SHARD, Asked, Bench, Engine
from tests.engine.model import PERIOD_MS
from tests.engine.pieces import Job, Queue
from tests.engine.snapshot import PREFIX

VERDICTS: tuple[Verdict, ...] = (
    Complete(), Retry(0), Retry(1), Retry(5), Dead(), Fail(), Release(), Cancelled(), Postpone(2, ""),
)  # fmt: skip
LONG = 30 * 24 * 3600 * 1000

picks = st.integers(0, 63)
teams = st.sampled_from((1, 2))
consumers = st.sampled_from(CONSUMERS)
names = st.sampled_from(("a", "b", "c"))
verdicts = st.sampled_from(VERDICTS)
asked_jobs = st.tuples(
    names, st.sampled_from((0, 0, 0, 1, 5)), st.sampled_from((None, None, None, 1, 3)), st.booleans()
)
"""Queue, delay and time to expire after that (s), and whether there is a callback."""
changes = st.sampled_from(
    [
        *(("is_active", is_active) for is_active in (False, True, True)),
        *(("most", most) for most in (None, 1, 2)),
        *(("rate", rate) for rate in (None, 1, 2, 3)),
        *(("weight", weight) for weight in (1, 5)),
    ]
)


class EngineMachine(RuleBasedStateMachine):
    works: Bundle[tuple[str, Work]] = Bundle("works")

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.engine = Engine(bench)
        self.model = self.engine.model
        self.seen: list[InFlight] = []
        self.keys: dict[tuple[int, str], tuple[object, list[int]]] = {}
        self.is_sound = False

    def pick_job(self, pick: int) -> Job | None:
        found = self.model.visible_jobs()
        return found[pick % len(found)] if found else None

    def pick_queue(self, pick: int) -> Queue | None:
        found = self.model.living_queues()
        return found[pick % len(found)] if found else None

    # What callers do

    @initialize(asked=st.lists(st.tuples(teams, asked_jobs), min_size=3, max_size=6))
    def begin(self, asked: list[tuple[int, Asked]]) -> None:
        for team in (1, 2):
            self.engine.create(team, [job for owner, job in asked if owner == team])

    @rule(team=teams, asked=st.lists(asked_jobs, min_size=1, max_size=6))
    def create(self, team: int, asked: list[Asked]) -> None:
        self.engine.create(team, asked)

    @rule(
        team=teams,
        key=st.sampled_from(("x", "y")),
        asked=st.tuples(names, st.sampled_from((0, 5))),
        n=st.integers(1, 2),
    )
    def create_under_a_key(self, team: int, key: str, asked: tuple[str, int], n: int) -> None:
        before, wanted = self.keys.get((team, key)), [(*asked, None, False)] * n
        once = IdempotencyKey(Team(team), key, VAULT.digests(repr(wanted))[0])
        if before is None:
            made = self.engine.create(team, wanted, once)
            self.keys[team, key] = ((asked, n), made)
        elif before[0] != (asked, n):
            with pytest.raises(Conflict):
                self.engine.ask_for(team, wanted, once)
        else:
            again = self.engine.ask_for(team, wanted, once)
            assert [made.id for made in again] == before[1]
        assert once.was_used == (before is not None and before[0] == (asked, n))

    @rule(pick=picks, is_deleted=st.booleans())
    def cancel_or_delete(self, pick: int, is_deleted: bool) -> None:
        job = self.pick_job(pick)
        if job and is_deleted:
            self.model.remove_chain(job)
            self.engine.do(jobs.delete(call_of(self.engine.redis, Team(job.team)), job.id))
        elif job:
            last = self.model.last_attempt(job)
            has_ended = last is None or last.state not in ("pending", "processing")
            self.model.cancel(job)
            with pytest.raises(Conflict) if has_ended else nullcontext():
                self.engine.do(jobs.cancel(call_of(self.engine.redis, Team(job.team)), job.id))

    @rule(team=teams, chosen=st.lists(picks, min_size=1, max_size=4))
    def replay(self, team: int, chosen: list[int]) -> None:
        if wanted := self._wanted(team, chosen):
            self.model.promote()
            expected = [job.id for job in wanted if self.model.replay(job)]
            ids = [job.id for job in wanted]
            done = self.engine.do(
                dead_letters.replay_now(call_of(self.engine.redis, Team(team)), ids, self.model.now)
            )
            assert [one.job_id for one in done.replayed] == expected

    @rule(team=teams, chosen=st.lists(picks, min_size=1, max_size=2))
    def purge(self, team: int, chosen: list[int]) -> None:
        if wanted := self._wanted(team, chosen):
            expected = sum(self.model.purge(job) for job in wanted)
            asked = DeadLetterSelection(ids=tuple(job.id for job in wanted))
            assert (
                self.engine.do(dead_letters.purge(call_of(self.engine.redis, Team(team)), asked)).purged
                == expected
            )

    def _wanted(self, team: int, chosen: list[int]) -> list[Job]:
        """Jobs of dead chains where there are any, and now and then something else."""
        own = [job for job in self.model.visible_jobs() if job.team == team]
        own = [job for job in own if self.model.original(job).state == "dead_lettered"] or own
        return list(dict.fromkeys(own[pick % len(own)] for pick in chosen)) if own else []

    @rule(pick=picks)
    def delete_queue(self, pick: int) -> None:
        if queue := self.pick_queue(pick):
            queue.is_deleted = True
            self.model.doomed.add(queue.place)
            self.engine.do(queues.delete(call_of(self.engine.redis, Team(queue.team)), int(queue.id)))
            for job in [one for one in self.model.jobs() if one.place == queue.place][:1]:
                for ending in (jobs.delete, jobs.cancel):
                    with pytest.raises(NotFound):
                        self.engine.do(ending(call_of(self.engine.redis, Team(job.team)), job.id))

    @rule(pick=picks, change=changes)
    def change_queue(self, pick: int, change: tuple[str, int | bool | None]) -> None:
        self._update(pick, **dict([change]))

    def _update(self, pick: int, **changes: int | bool | None) -> None:
        if queue := self.pick_queue(pick):
            for name, value in changes.items():
                setattr(queue, name, value)
            limit = RateLimit(count=queue.rate, per_seconds=PERIOD_MS // 1000) if queue.rate else None
            settings = {"is_active": queue.is_active, "max_parallelism": queue.most, "weight": queue.weight}
            self._save(queue, QueueUpdate.model_validate({**settings, "rate_limit": limit}))

    def _save(self, queue: Queue, update: QueueUpdate) -> None:
        self.engine.do(queues.update(call_of(self.engine.redis, Team(queue.team)), int(queue.id), update))

    # What workers do

    @rule(target=works, consumer=consumers, n=st.integers(0, 6), spare=st.integers(0, 2))
    def claim(self, consumer: str, n: int, spare: int) -> MultipleResults[tuple[str, Work]]:
        return multiple(*((consumer, work) for work in self.engine.claim(consumer, n, spare)))

    @rule(consumer=consumers, n=st.integers(1, 6), ends=st.lists(verdicts, min_size=1, max_size=4))
    def claim_and_finish(self, consumer: str, n: int, ends: list[Verdict]) -> None:
        works = self.engine.claim(consumer, n)
        if works:
            self.engine.finish(consumer, list(zip(works, ends, strict=False)))

    @rule(consumer=consumers, ends=st.lists(st.tuples(picks, verdicts), min_size=1, max_size=5))
    def finish(self, consumer: str, ends: list[tuple[int, Verdict]]) -> None:
        if held := self.engine.held_by(consumer):
            self.engine.finish(consumer, [(held[pick % len(held)], verdict) for pick, verdict in ends])

    @rule(replays=st.lists(st.tuples(works, verdicts), min_size=1, max_size=4))
    def finish_anything_ever_claimed(self, replays: list[tuple[tuple[str, Work], Verdict]]) -> None:
        self.engine.finish(replays[0][0][0], [(work, verdict) for (_, work), verdict in replays])

    @rule(consumer=consumers, verdict=verdicts)
    def finish_what_others_hold(self, consumer: str, verdict: Verdict) -> None:
        others = [name for name in CONSUMERS if name != consumer]
        works = [work for name in others for work in self.engine.held_by(name)]
        if works:
            self.engine.finish(consumer, [(work, verdict) for work in works])

    @rule(consumer=consumers, claims=st.lists(works, min_size=1, max_size=3))
    def beat(self, consumer: str, claims: list[tuple[str, Work]]) -> None:
        expected = []
        for _, work in claims:
            entry = self.model.held(consumer, work.place)
            job = self.model.job(work.team, work.id) if entry and work.kind == "j" else None
            expected.append((2 if job and job.is_cancelled else 1) if entry else 0)
            if entry:
                entry.beats += 1
        assert self.engine.do(self.engine.workers[consumer].beat([work for _, work in claims])) == expected

    @rule(consumer=consumers, n=st.integers(1, 4))
    def lose_the_reply_of_a_claim(self, consumer: str, n: int) -> None:
        self.engine.claim(consumer, n, is_lost=True)
        self.engine.release_orphans(consumer)

    # What the scheduler does

    @rule(ms=st.sampled_from((0, 1, 999, 1000, 4000, 9999, 10_000)), limit=st.sampled_from((0, 1, 500)))
    def pass_time(self, ms: int, limit: int) -> None:
        self.engine.pass_time(ms)
        if limit:
            self.engine.promote(limit)

    @rule(chosen=st.lists(picks, min_size=1, max_size=3))
    def rescue_what_was_seen(self, chosen: list[int]) -> None:
        """What was in flight when it last looked: much of it has ended or moved since."""
        if self.seen:
            self.engine.rescue([self.seen[pick % len(self.seen)] for pick in chosen])
        self.seen = self.engine.held()

    @rule(consumer=consumers)
    def lose_a_worker(self, consumer: str) -> None:
        self.engine.rescue([one for one in self.engine.held() if one.consumer == consumer])

    @rule(limit=st.sampled_from((1, 3, 500)))
    def prune(self, limit: int) -> None:
        limit = limit if len(self.model.doomed) < 2 else 500  # which goes first is Redis's choice
        expected = sum(moves.prune(self.model, place, limit) for place in sorted(self.model.doomed))
        assert self.engine.do(prune(self.engine.redis, SHARD, limit)) == expected

    # Accidents

    @rule(pick=picks, lane=st.sampled_from(("f:", "s:")))
    def lose_a_group_and_the_functions(self, pick: int, lane: str) -> None:
        queue = self.pick_queue(pick)
        self.engine.do(self.engine.redis.function_flush())  # type: ignore[arg-type]
        if queue and self.model.lanes[lane + queue.place]:
            self.engine.do(self.engine.redis.xgroup_destroy(f"{PREFIX}{lane}{queue.place}", "workers"))
            lost = self.model.lanes[lane + queue.place]
            for entry in lost:
                entry.consumer, entry.beats = None, 0
            if self.model.doomed or not any(self.model.is_alive(entry) for entry in lost):
                self._save(queue, QueueUpdate())  # what nobody waits for, no patrol looks at
        self._patrol()

    def _patrol(self) -> None:
        if not self.model.doomed:
            for team in (Team(1), Team(2)):
                assert self.engine.do(_found_wrong(self.engine, team)) == []

    @rule(ms=st.sampled_from((1000, 10_000)))
    def doubt_the_clock(self, ms: int) -> None:
        """Nobody vouches for the moments that pass: nothing falls due in them."""
        self.engine.promote()
        vouched = keyspace.trusted_until(SHARD)
        self.engine.do(self.engine.redis.set(vouched, self.model.now))
        self.engine.pass_time(ms)
        self.engine.do(promote_due(self.engine.redis, SHARD, self.engine.moment))
        self.engine.look()
        self.engine.do(self.engine.redis.delete(vouched))

    @invariant()
    def the_laws_hold(self) -> None:
        self.is_sound = False
        self.engine.look()
        self.is_sound = True

    def teardown(self) -> None:
        if self.is_sound:
            self._drain()

    def _drain(self) -> None:
        """Give everything every chance: then every accepted job has ended or was deleted."""
        for number in range(len(self.model.living_queues())):
            self._update(number, is_active=True, most=None, rate=None)
        for _ in range(40):
            self.engine.pass_time(LONG)
            self.engine.rescue([one for one in self.engine.held() if one.consumer != "one"])
            works = self.engine.held_by("one") + self.engine.claim("one", 64)
            self.engine.finish("one", [(work, Complete()) for work in works])
            self.prune(500)
            self.engine.look()
            if not (works or self.model.doomed or self.model.due()):
                break
        laws.check_is_over(self.model, self.engine.look())


async def _found_wrong(engine: Engine, team: Team) -> list[object]:
    mended = [step.mended async for step in reconcile.patrol(engine.redis, team, whole=True) if step.mended]
    return [*mended, *await reconcile.recount(engine.redis, team, repair=True)]


def profile(is_seeded: bool) -> settings:
    is_deep = bool(os.environ.get("RECURO_DEEP"))
    phases = [Phase.generate] if os.environ.get("RECURO_NO_SHRINK") else [Phase.generate, Phase.shrink]
    return settings(
        max_examples=500 if is_deep else 30,
        stateful_step_count=50,
        derandomize=not (is_deep or is_seeded),
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def test_the_laws_of_the_engine_hold_whatever_happens(bench: Bench, pytestconfig: pytest.Config) -> None:
    class OnThisBench(EngineMachine):
        def __init__(self) -> None:
            super().__init__(bench)

    is_seeded = pytestconfig.getoption("--hypothesis-seed") is not None
    run_state_machine_as_test(OnThisBench, settings=profile(is_seeded))
