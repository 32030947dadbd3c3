"""Figures of what was started and ended: counted in the transitions, added up by the scheduler, read by period."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.forget import roll
from services.scheduler.patrol import patrol
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Fail, Release, Result, Retry, Verdict, Work
from shared import clock
from shared.actions import crons, executions, jobs, queues
from shared.actions.reports import stats
from shared.basics.histogram import BOUNDS_MS
from shared.errors import Invalid
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.schemas.reports.stats import Figures, StatsBy, StatsKind, StatsQuery
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
START = clock.milliseconds(datetime(2026, 11, 25, 10, tzinfo=UTC))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
JOB = JobCreate(queue="mail", url="https://a.example/")


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


@dataclass
class Wanted:
    """What the figures must come to, counted beside them."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    started: int = 0
    waits: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)

    def note(self, result: Result) -> None:
        self.started += 1
        match result.verdict:
            case Complete():
                self.completed += 1
            case Retry():
                self.retried += 1
            case _:
                self.failed += 1
        self.waits.append(result.waited_ms or 0)
        self.durations.append(result.took_ms or 0)

    def holds_of(self, found: Figures) -> None:
        assert (found.started, found.completed, found.failed, found.retried) == (
            self.started,
            self.completed,
            self.failed,
            self.retried,
        )
        assert found.wait_ms.count == len(self.waits)
        assert found.duration_ms.count == len(self.durations)
        for share, estimate in ((0.5, found.duration_ms.p50), (0.95, found.duration_ms.p95)):
            exact = sorted(self.durations)[max(0, round(share * len(self.durations)) - 1)]
            assert estimate is None or _bucket(estimate - 0.1) in (_bucket(exact) - 1, _bucket(exact))


def _bucket(ms: float) -> int:
    return sum(bound < ms for bound in BOUNDS_MS)


async def settle(worker: Claims, now: int, results: Iterable[Result]) -> None:
    await worker.finish(list(results), now)


async def figures(redis: Redis, team: Team, now: int | None, **query: object) -> Figures:
    return (await stats.get(call_of(redis, team), StatsQuery(**query), now)).total


async def rolled(redis: Redis, now: int) -> None:
    while await roll(redis, SHARD, now):
        pass


def drawn(rng: random.Random, work: Work) -> Result:
    verdicts: list[Verdict] = [Complete(), Complete(), Retry(1), Fail(), Dead()]
    verdict = rng.choice(verdicts)
    waited, took = rng.randrange(400), rng.choice([3, 40, 180, 900, 20_000, 400_000])
    return Result(work, verdict, "[1,200,1,1]", waited_ms=waited, took_ms=took)


async def test_ten_thousand_attempts_of_known_outcome_are_counted_as_they_were(
    redis: Redis, team: Team, worker: Claims
) -> None:
    rng, now = random.Random(7), START
    whole, of_mail, by_ten = Wanted(), Wanted(), Counter[int]()
    mail = (await queues.create(call_of(redis, team), QueueCreate(name="mail"))).id
    await queues.create(call_of(redis, team), QueueCreate(name="post"))
    for _ in range(100):
        asked = [JOB.model_copy(update={"queue": rng.choice(["mail", "post"])}) for _ in range(100)]
        await jobs.create_many(call_of(redis, team), asked, now_ms=now)
        works = await worker.claim(100, now)
        results = [drawn(rng, work) for work in works]
        for result in results:
            for wanted in (whole, *([of_mail] if result.work.queue == str(mail) else [])):
                wanted.note(result)
            by_ten[(now - START) // 600_000] += 1
        await settle(worker, now, results)
        now += MINUTE
        await roll(redis, SHARD, now)
    await rolled(redis, now)

    day = await stats.get(call_of(redis, team), StatsQuery(by=StatsBy.TEN_MINUTES), now)

    assert len(whole.waits) == 10_000
    whole.holds_of(day.total)
    of_mail.holds_of(await figures(redis, team, now, queue_id=mail))
    starts = [clock.milliseconds(row.at) for row in day.data]
    found = {start: row.started for start, row in zip(starts, day.data, strict=True) if row.started}
    assert found == {START + number * 600_000: count for number, count in by_ten.items()}


async def test_started_is_what_ended_and_what_still_runs(redis: Redis, team: Team, worker: Claims) -> None:
    asked = [JOB] * 20
    made = await jobs.create_many(call_of(redis, team), asked)
    works = await worker.claim(12)
    await worker.finish([Result(work, Release()) for work in works[:3]])
    await worker.finish([Result(work, Complete(), "[1,200,1,1]", took_ms=5) for work in works[3:6]])
    deleted = works[6].id
    await jobs.delete(call_of(redis, team), deleted)
    waiting = [job.id for job in made if job.id not in {work.id for work in works}]
    await jobs.cancel(call_of(redis, team), waiting[0])

    found = await figures(redis, team, None)

    columns = await ledger.read(redis, team)
    assert columns.processing == 5
    assert found.started == 3 + columns.processing
    assert (found.completed, found.failed) == (3, 1)  # a cancelled job that never started has failed


async def test_what_lost_its_stream_while_it_ran_is_started_once_more(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await jobs.create_many(call_of(redis, team), [JOB] * 5)
    await crons.create(call_of(redis, team), CronCreate(name="a", url=JOB.url, cron_expression="0 0 1 1 *"))
    await executions.create(call_of(redis, team), 1)
    assert len(await worker.claim(4)) == 4
    await redis.delete(f"{team.prefix}s:1:1", f"{team.prefix}s:1:crons")

    await patrol(redis, team.shard)

    assert (await figures(redis, team, None)).started == 0
    assert len(await worker.claim(9)) == 6
    assert (await figures(redis, team, None, kind=StatsKind.JOBS)).started == 5
    assert (await figures(redis, team, None, kind=StatsKind.CRONS)).started == 1


async def test_fires_are_counted_by_how_late_they_were_and_apart_from_jobs(
    redis: Redis, team: Team, worker: Claims
) -> None:
    call = call_of(redis, team)
    cron = await crons.create(
        call, CronCreate(name="a", cron_expression="0 0 1 1 *", url="https://a.example/")
    )
    await executions.create(call, cron.id)
    await jobs.create(call, JOB)
    works = await worker.claim(2)
    await worker.finish([Result(work, Complete(), "[1,200,1,1]", waited_ms=3, took_ms=70) for work in works])

    whole, of_crons, of_jobs = [
        (await stats.get(call, StatsQuery(by=StatsBy.MINUTE, kind=kind))).total for kind in StatsKind
    ]

    assert (whole.completed, of_jobs.completed, of_crons.completed) == (2, 1, 1)
    assert of_crons.duration_ms.count == of_jobs.duration_ms.count == 1
    assert 50 <= (of_crons.duration_ms.p50 or 0) <= 100


async def test_adding_up_loses_nothing_and_the_oldest_go(redis: Redis, team: Team, worker: Claims) -> None:
    asked = [JOB] * 3
    await jobs.create_many(call_of(redis, team), asked, now_ms=START)
    await settle(
        worker, START, [Result(work, Complete(), "[1,200,1,1]") for work in await worker.claim(3, START)]
    )
    kept = []
    for now in (START, START + 2 * HOUR, START + 3 * DAY, START + 29 * DAY):
        await rolled(redis, now)
        await rolled(redis, now)
        since = datetime.fromtimestamp(START / 1000, UTC)
        kept.append((await figures(redis, team, now, by=StatsBy.DAY, **{"from": since})).completed)
    layers = [key.rpartition(":")[2][0] for key in await redis.keys(f"{team.prefix}figures:*")]

    await rolled(redis, START + 40 * DAY)

    assert kept == [3, 3, 3, 3]
    assert layers == ["d"]
    assert not await redis.keys(f"{team.prefix}figures*")


async def test_many_queues_are_counted_for_the_team_once_a_hash_is_full(
    redis: Redis, team: Team, worker: Claims
) -> None:
    asked = [JobCreate(queue=f"q{number}", url="https://a.example/") for number in range(900)]
    for first in range(0, 900, 100):
        await jobs.create_many(call_of(redis, team), asked[first : first + 100], now_ms=START)
    while works := await worker.claim(64, START):
        done = [Result(work, Complete(), "[1,200,1,1]", waited_ms=1, took_ms=1) for work in works]
        await settle(worker, START, done)

    (key,) = await redis.keys(f"{team.prefix}figures:*")

    assert await redis.hlen(key) <= 2000 + 3 * 64  # type: ignore[misc]
    assert (await figures(redis, team, START)).completed == 900


async def test_what_cannot_be_answered_is_refused(redis: Redis, team: Team) -> None:
    now = clock.now()
    with pytest.raises(Invalid, match="names no queue of this team"):
        await figures(redis, team, START, queue_id=7)
    with pytest.raises(Invalid, match="not be earlier than an hour ago for by=minute"):
        await stats.get(call_of(redis, team), StatsQuery(by=StatsBy.MINUTE, from_=now - timedelta(hours=3)))
    with pytest.raises(ValueError, match="must not be before from"):
        StatsQuery(from_=now, to=now - timedelta(seconds=1))
    with pytest.raises(ValueError, match="crons have no queue"):
        StatsQuery(kind=StatsKind.CRONS, queue_id=1)


async def test_a_range_has_all_its_periods_also_those_without_anything(redis: Redis, team: Team) -> None:
    day = await stats.get(call_of(redis, team), StatsQuery(), START + 90_000)
    month = await stats.get(call_of(redis, team), StatsQuery(by=StatsBy.DAY), START)

    assert len(day.data) == 24
    assert day.ends_at == clock.moment(START + HOUR)
    assert len(month.data) == 30
    assert day.total.wait_ms.p50 is None


async def test_a_duration_at_the_bound_of_a_bucket_is_in_it(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create_many(call_of(redis, team), [JOB] * 2, now_ms=START)
    works = await worker.claim(2, START)
    await settle(worker, START, [Result(work, Complete(), "[]", waited_ms=10, took_ms=100) for work in works])

    found = await figures(redis, team, START)

    assert (found.wait_ms.p50, found.wait_ms.p99) == (5.0, 9.9)
    assert (found.duration_ms.p50, found.duration_ms.p99) == (75.0, 99.5)


async def test_what_ends_together_is_counted_for_its_own_team_and_queue(
    redis: Redis, team: Team, worker: Claims
) -> None:
    counts = {(team, 1): 1, (team, 2): 2, (Team(2), 1): 3}
    for (of, queue_id), count in counts.items():
        asked = [JOB.model_copy(update={"queue": f"queue {queue_id}"})] * count
        await jobs.create_many(call_of(redis, of), asked, now_ms=START)
    works = await worker.claim(6, START)
    await settle(worker, START, [Result(work, Complete(), "[]", waited_ms=1, took_ms=1) for work in works])

    found = {key: (await figures(redis, key[0], START, queue_id=key[1])) for key in counts}

    assert {key: one.completed for key, one in found.items()} == counts
    assert {key: one.wait_ms.count for key, one in found.items()} == counts
    assert [(await figures(redis, of, START)).completed for of in (team, Team(2))] == [3, 3]


async def test_periods_are_added_up_in_bounded_steps(redis: Redis, team: Team, worker: Claims) -> None:
    for minute in range(5):
        now = START + minute * MINUTE
        await jobs.create(call_of(redis, team), JOB, now)
        await settle(worker, now, [Result(work, Complete(), "[]") for work in await worker.claim(1, now)])
    later = START + 2 * HOUR

    sizes = []
    while gone := await transitions.roll_figures(redis, SHARD, limit=1, now_ms=later):
        assert gone == 1
        sizes.append(sum([await redis.hlen(key) async for key in redis.scan_iter("*figures:*:m*")]))  # type: ignore[misc]

    assert sizes == list(range(len(sizes)))[::-1]  # one figure a step
    assert len(sizes) > 5
