"""Problems of queues that end by themselves: what counts, what does not, and what hurts it."""

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Complete, Dead, Job, Result, Work
from shared import clock
from shared.actions import alerts, jobs, queues
from shared.actions.reports import problems
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.schemas.reports.problems import Problem
from shared.store import keyspace, moments, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions import accounts
from tests.calls import call_of

URL, REASON, FACTS = "https://a.example/run/1", "http_server_error 503", '{"response_status":503}'
ENOUGH, MINUTE, HOUR = 10, 60_000, 3_600_000
CALM = 15 * MINUTE
"""As in `recoveries.lua`."""


class Worker:
    """Jobs of one queue that end as a test says, so long after the test began."""

    def __init__(self, redis: Redis, team: Team) -> None:
        self.redis, self.team, self.began = redis, team, 0
        self.claims = Claims(redis, keyspace.SHARDS[0], "w")

    async def claim(self, count: int, after: int) -> list[Work]:
        self.began = self.began or clock.milliseconds(await moments.now(self.redis, self.team.shard))
        asked = [JobCreate(queue="mail", url=URL)] * count
        await jobs.create_many(call_of(self.redis, self.team), asked)
        return [work for work in await self.claims.claim(500, self.began + after) if work.kind == "j"]

    async def fail(self, count: int = 1, after: int = 0, url: str = URL, reason: str = REASON) -> None:
        works = await self.claim(count, after)
        results = [Result(work, Dead(), "[1]", "", reason, FACTS, target=target_of(url)) for work in works]
        await self.claims.finish(results, self.began + after)

    async def go_well(self, count: int, after: int, url: str = URL) -> None:
        """As a worker says it, which only tells of watched queues where a request went."""
        works = await self.claim(count, after)
        targets = [target_of(url) if isinstance(work, Job) and work.is_watched else "" for work in works]
        pairs = zip(works, targets, strict=True)
        results = [Result(work, Complete(), "[1]", target=target) for work, target in pairs]
        await self.claims.finish(results, self.began + after)

    async def problem(self, problem: int = 1) -> Problem:
        return await problems.get(self.redis, self.team, problem)

    async def set(self, state: str, until: int | None = None) -> None:
        changed = await transitions.change_problem(
            self.redis, self.team, problem=1, state=state, until_ms=until, now_ms=self.began
        )
        assert changed
        assert not isinstance(changed, str)

    async def told(self) -> Sequence[Alert]:
        found = (await alerts.page(self.redis, self.team, AlertQuery(per_page=100))).data
        return [one for one in found if one.type == "recovery"]

    async def watched(self) -> tuple[dict[str, str], str | None]:
        kept = await self.redis.hgetall(f"{self.team.prefix}watched:1:1")  # type: ignore[misc]
        return kept, await self.redis.hget(f"{self.team.prefix}q:1:1", "watched")  # type: ignore[misc]


@pytest.fixture
def worker(redis: Redis, team: Team) -> Worker:
    return Worker(redis, team)


async def test_a_queue_without_problems_is_not_watched(worker: Worker) -> None:
    (work,) = await worker.claim(1, 0)
    assert isinstance(work, Job)
    assert not work.is_watched
    await worker.claims.finish([Result(work, Complete(), "[1]")], worker.began)

    await worker.fail()
    (watched,) = await worker.claim(1, 0)

    assert isinstance(watched, Job)
    assert watched.is_watched
    assert await worker.watched() == ({"a.example /run/{id}": "1"}, "1")


async def test_enough_that_went_well_after_a_while_resolve_a_problem(worker: Worker) -> None:
    await worker.fail()

    await worker.go_well(2 * ENOUGH, CALM - MINUTE)
    before = await worker.problem()
    assert (before.state, bool(before.recovered_at)) == ("open", True)
    await worker.go_well(1, CALM)

    after = await worker.problem()
    assert (after.state, after.count) == ("resolved", 1)
    assert await worker.watched() == ({}, None)
    assert await worker.told() == []
    await worker.fail(after=CALM + MINUTE)
    assert (await worker.problem()).state == "open"
    assert await worker.watched() == ({"a.example /run/{id}": "1"}, "1")


async def test_too_few_resolve_nothing_however_long_it_is_calm(worker: Worker) -> None:
    await worker.fail()

    await worker.go_well(ENOUGH - 1, 5 * HOUR)
    assert (await worker.problem()).state == "open"
    await worker.go_well(1, 5 * HOUR)

    assert (await worker.problem()).state == "resolved"


async def test_a_failure_has_the_count_begin_anew(worker: Worker) -> None:
    await worker.fail()
    await worker.go_well(ENOUGH - 1, HOUR)
    await worker.fail(after=HOUR)

    await worker.go_well(ENOUGH - 1, 2 * HOUR)
    assert ((await worker.problem()).state, (await worker.problem()).count) == ("open", 2)
    await worker.go_well(1, 2 * HOUR)

    assert (await worker.problem()).state == "resolved"


async def test_what_went_well_elsewhere_does_not_count(worker: Worker) -> None:
    await worker.fail(url="https://a.example/other")
    await worker.fail()
    await worker.fail(reason="timeout")

    await worker.go_well(ENOUGH, HOUR)

    states = [(await worker.problem(one)).state.value for one in (1, 2, 3)]
    assert states == ["open", "resolved", "resolved"]
    assert await worker.watched() == ({"a.example /other": "1"}, "1")


async def test_failures_and_successes_of_one_call_count_in_their_order(worker: Worker) -> None:
    await worker.fail()
    works = await worker.claim(2 * ENOUGH, HOUR)
    target = target_of(URL)
    results = [Result(work, Complete(), "[1]", target=target) for work in works]
    results[ENOUGH // 2] = Result(works[ENOUGH // 2], Dead(), "[1]", "", REASON, FACTS, target=target)

    await worker.claims.finish(results, worker.began + HOUR)

    assert ((await worker.problem()).state, (await worker.problem()).count) == ("open", 2)
    assert await worker.redis.hget(f"{worker.team.prefix}problem:1:1", "well") == "14"  # type: ignore[misc]


async def test_nobody_is_told_that_one_is_over_that_nobody_ignored(worker: Worker) -> None:
    call = call_of(worker.redis, worker.team)
    await queues.create(call, QueueCreate(name="mail", alerts_enabled=True))
    await worker.fail()

    await worker.go_well(ENOUGH, HOUR)

    assert (await worker.problem()).state == "resolved"
    assert await worker.told() == []


@pytest.mark.parametrize("has_alerts", [True, False])
async def test_who_ignored_it_until_it_recovers_is_told_that_it_did(worker: Worker, has_alerts: bool) -> None:
    call = call_of(worker.redis, worker.team)
    await queues.create(call, QueueCreate(name="mail", alerts_enabled=has_alerts))
    await worker.fail(3)
    await worker.set("ignored")

    await worker.go_well(ENOUGH, HOUR)
    await worker.go_well(ENOUGH, HOUR)

    assert (await worker.problem()).state == "resolved"
    told = await worker.told()
    assert [(one.was_quiet, one.data.problem_id, one.job_id) for one in told] == [(True, 1, 3)] * has_alerts
    for one in told:
        assert one.message == (
            "mail goes well again after it failed 3 times. It was ignored until then, and is no more."
        )


async def test_what_is_ignored_until_a_moment_stays_so(worker: Worker) -> None:
    await worker.fail()
    await worker.set("ignored", worker.began + 3 * HOUR)

    await worker.go_well(ENOUGH, 2 * HOUR)
    assert (await worker.problem()).state == "ignored"
    await worker.go_well(1, 3 * HOUR)

    stored = await worker.redis.hget(f"{worker.team.prefix}problem:1:1", "state")  # type: ignore[misc]
    assert stored == "resolved"
    assert await worker.told() == []


async def test_what_recovered_before_does_not_end_a_new_silence(worker: Worker) -> None:
    await worker.fail()
    await worker.go_well(ENOUGH - 1, HOUR)
    await worker.set("ignored")

    await worker.go_well(1, HOUR)

    assert (await worker.problem()).state == "ignored"


async def test_what_went_well_before_a_silence_does_not_end_it(worker: Worker) -> None:
    await worker.fail()
    await worker.go_well(1, 0)
    await worker.set("ignored")

    await worker.fail(after=2 * HOUR)

    assert (await worker.problem()).state == "ignored"


async def test_lost_and_wrong_marks_are_put_right_and_reported(worker: Worker) -> None:
    await worker.fail()
    await worker.fail(reason="timeout")
    right = await worker.watched()
    key, record = f"{worker.team.prefix}watched:1:1", f"{worker.team.prefix}q:1:1"

    for hurt in (
        worker.redis.delete(key),
        worker.redis.hdel(record, "watched"),
        worker.redis.hset(key, "a.example /run/{id}", "2"),
    ):
        await hurt  # type: ignore[misc]
        steps = [step async for step in reconcile.patrol(worker.redis, worker.team, whole=True)]
        mended = {step.index: step.mended for step in steps if step.mended}
        assert list(mended) == ["problems"]
        assert "problem:1" in mended["problems"]
        kept, flag = await worker.watched()
        assert ({one: sorted(ids.split()) for one, ids in kept.items()}, flag) == (
            {"a.example /run/{id}": ["1", "2"]},
            "1",
        )
        assert await reconcile.relist_problems(worker.redis, worker.team) == []
    assert right[0]
    await worker.set("resolved")
    await worker.redis.hset(key, "a.example /run/{id}", "2 1")  # type: ignore[misc]
    assert await reconcile.relist_problems(worker.redis, worker.team) == ["1"]
    assert await worker.watched() == ({"a.example /run/{id}": "2"}, "1")


async def test_marks_of_a_wrong_type_keep_no_job_from_ending(worker: Worker) -> None:
    await worker.fail()
    key = f"{worker.team.prefix}watched:1:1"
    await worker.redis.delete(key)
    await worker.redis.set(key, "no hash")

    await worker.go_well(1, HOUR)
    await worker.fail(after=HOUR, reason="timeout")

    assert await worker.redis.hexists(keyspace.damaged(worker.team.shard), "watched:1:1")  # type: ignore[misc]
    assert (await worker.problem(2)).count == 1
    assert await reconcile.relist_problems(worker.redis, worker.team) == ["1"]
    assert (await worker.watched())[1] == "1"


async def test_a_problem_that_is_gone_is_watched_no_more(worker: Worker) -> None:
    await worker.fail()
    await worker.redis.delete(f"{worker.team.prefix}problem:1:1")

    await worker.go_well(1, HOUR)

    assert await worker.watched() == ({}, None)
    assert not await worker.redis.exists(f"{worker.team.prefix}problem:1:1")


async def test_a_problem_that_outlives_its_queue_brings_nothing_of_it_back(worker: Worker) -> None:
    await worker.fail()
    await queues.delete(call_of(worker.redis, worker.team), 1)

    await worker.set("resolved")
    await worker.set("open")

    assert not await worker.redis.exists(f"{worker.team.prefix}q:1:1")


async def test_marks_go_with_the_queue_and_the_team(worker: Worker) -> None:
    await worker.fail()
    await queues.delete(call_of(worker.redis, worker.team), 1)
    await worker.redis.hset(f"{worker.team.prefix}watched:1:1", "b.example /", "7")  # type: ignore[misc]
    while await prune(worker.redis, worker.team.shard):
        pass
    assert await _marks(worker) == []

    await worker.fail()
    assert len(await _marks(worker)) == 1
    await queues.delete(call_of(worker.redis, worker.team), 2)
    while await prune(worker.redis, worker.team.shard):
        pass
    while await accounts.clear_team(worker.redis, worker.team, limit=10) > 0:
        pass

    assert await _marks(worker) == []


async def _marks(worker: Worker) -> list[str]:
    return [key async for key in worker.redis.scan_iter(f"{worker.team.prefix}watched:*")]
