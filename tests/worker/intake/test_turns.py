"""Whose turn it is: shares of teams and queues, limits of parallelism and rate, places kept for quiet queues."""

from collections import Counter

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result, Work
from shared.actions import jobs, queues
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate, QueueUpdate, RateLimit
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from tests.calls import call_of

NOW = 1_760_000_000_000
SHARD = keyspace.SHARDS[0]


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def fill(redis: Redis, team: Team, queue: str, n: int, now: int = NOW) -> None:
    asked = JobCreate(queue=queue, url="https://a.example/")
    await jobs.create_many(call_of(redis, team), [asked] * n, now_ms=now)


async def finish(worker: Claims, works: list[Work], now: int = NOW) -> None:
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], now)


async def served(worker: Claims, batches: int, n: int) -> Counter[tuple[int, str]]:
    """What `batches` claims of `n` got, each finished at once: jobs by team and queue."""
    shares: Counter[tuple[int, str]] = Counter()
    for _ in range(batches):
        works = await worker.claim(n, NOW)
        shares.update((work.team, work.queue) for work in works)
        await finish(worker, works)
    return shares


@pytest.mark.parametrize("n", [1, 7, 64])
async def test_busy_queues_of_a_team_get_equal_shares(
    redis: Redis, team: Team, worker: Claims, n: int
) -> None:
    for queue in ("a", "b", "c"):
        await fill(redis, team, queue, 400)

    shares = await served(worker, 300 // n, n)

    whole = sum(shares.values())
    assert [shares[1, str(queue)] for queue in (1, 2, 3)] == [pytest.approx(whole / 3, rel=0.1)] * 3
    assert whole == 300 // n * n


async def test_teams_share_first_and_their_queues_then(redis: Redis, worker: Claims) -> None:
    for queue in ("a", "b", "c"):
        await fill(redis, Team(1), queue, 400)
    await fill(redis, Team(2), "a", 400)

    shares = await served(worker, 30, 12)

    assert shares[2, "1"] == pytest.approx(180, rel=0.1)
    assert [shares[1, str(queue)] for queue in (1, 2, 3)] == [pytest.approx(60, rel=0.1)] * 3


async def test_a_team_of_many_short_queues_waits_for_its_turn_all_the_same(
    redis: Redis, worker: Claims
) -> None:
    for queue in "abcdef":
        await fill(redis, Team(1), queue, 1)
    await fill(redis, Team(2), "a", 6)

    order = [work.team for _ in range(8) for work in await worker.claim(1, NOW)]

    assert order == [1, 2] * 4


async def test_a_queue_is_served_by_its_weight(redis: Redis, team: Team, worker: Claims) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="a", weight=3))
    for queue in ("a", "b"):
        await fill(redis, team, queue, 400)

    shares = await served(worker, 40, 8)

    assert shares[1, "1"] / shares[1, "2"] == pytest.approx(3, rel=0.1)


async def test_who_comes_back_after_a_rest_has_saved_up_nothing(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await fill(redis, team, "a", 300)
    await served(worker, 50, 2)
    await fill(redis, team, "b", 100)

    shares = await served(worker, 40, 2)

    assert shares[1, "2"] == pytest.approx(40, rel=0.1)


async def test_a_rate_limit_counts_starts_in_any_window(redis: Redis, team: Team, worker: Claims) -> None:
    limit = RateLimit(count=3, per_seconds=10)
    await queues.create(call_of(redis, team), QueueCreate(name="a", rate_limit=limit))
    await fill(redis, team, "a", 20)

    first = await worker.claim(2, NOW)
    second = await worker.claim(10, NOW + 4000)
    await finish(worker, first + second, NOW + 4000)

    assert (len(first), len(second)) == (2, 1)
    assert await worker.claim(10, NOW + 9999) == []
    assert len(await worker.claim(10, NOW + 10_000)) == 2
    assert await worker.claim(10, NOW + 13_999) == []
    assert len(await worker.claim(10, NOW + 14_000)) == 1


async def test_a_changed_rate_limit_holds_at_once(redis: Redis, team: Team, worker: Claims) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate(name="a", rate_limit=RateLimit(count=1, per_seconds=3600))
    )
    await fill(redis, team, "a", 20)
    await worker.claim(5)

    await queues.update(call_of(redis, team), 1, QueueUpdate(rate_limit=RateLimit(count=4, per_seconds=3600)))
    more = await worker.claim(10)
    await queues.update(call_of(redis, team), 1, QueueUpdate(rate_limit=None))

    assert len(more) == 3
    assert len(await worker.claim(50)) == 16


async def test_a_clock_set_back_does_not_close_a_limited_queue(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate(name="a", rate_limit=RateLimit(count=2, per_seconds=60))
    )
    await fill(redis, team, "a", 20)
    await worker.claim(2, NOW)

    await fill(redis, team, "a", 1, NOW - 3_600_000)

    assert len(await worker.claim(9, NOW - 3_600_000)) == 2


async def admitted(redis: Redis, team: Team, now: int, n: int = 1) -> list[int]:
    """What each of `n` requests of the first queue is told: 0, or how long to wait (ms)."""
    return [await transitions.admit(redis, team.shard, queue=f"{team.id}:1", now_ms=now) for _ in range(n)]


async def test_requests_of_a_limited_queue_are_counted_in_any_window(redis: Redis, team: Team) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate(name="a", rate_limit=RateLimit(count=3, per_seconds=10))
    )

    assert await admitted(redis, team, NOW, 2) == [0, 0]
    assert await admitted(redis, team, NOW + 4000, 2) == [0, 6000]
    assert await admitted(redis, team, NOW + 9999) == [1]
    assert await admitted(redis, team, NOW + 10_000, 3) == [0, 0, 4000]
    assert await admitted(redis, team, NOW + 14_000, 2) == [0, 6000]


async def test_a_clock_set_back_lets_requests_of_a_limited_queue_go(redis: Redis, team: Team) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate(name="a", rate_limit=RateLimit(count=1, per_seconds=60))
    )
    await admitted(redis, team, NOW)

    assert await admitted(redis, team, NOW - 3_600_000, 2) == [0, 60_000]


async def test_requests_of_a_queue_without_a_limit_or_of_none_at_all_go(redis: Redis, team: Team) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="a"))

    assert await admitted(redis, team, NOW, 3) == [0, 0, 0]
    assert await transitions.admit(redis, team.shard, queue=f"{team.id}:77", now_ms=NOW) == 0
    assert not await redis.exists(f"{team.prefix}q:{team.id}:77", f"{team.prefix}sent:{team.id}:1")


async def test_a_full_worker_still_serves_a_quiet_queue(redis: Redis, team: Team, worker: Claims) -> None:
    await fill(redis, team, "flood", 500)
    await worker.claim(60, NOW, spare=4)
    await fill(redis, team, "quiet", 3)
    await fill(redis, Team(2), "other", 3)

    works = await worker.claim(0, NOW, spare=4)

    assert {(work.team, work.queue) for work in works} == {(1, "2"), (2, "1")}
    assert await worker.claim(0, NOW, spare=2) == []


async def test_beside_a_crowd_a_small_team_has_as_many_of_the_spare_places_as_it_needs(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await fill(redis, team, "flood", 500)
    await worker.claim(60, NOW, spare=4)
    await fill(redis, Team(2), "quiet", 6)
    await worker.claim(0, NOW, spare=1, kept=2, crowd=(team.id,))

    works = await worker.claim(0, NOW, spare=3, kept=2, crowd=(team.id,))

    assert [(work.team, work.queue) for work in works] == [(2, "1")] * 3


async def test_a_crowd_leaves_places_for_others_however_many_quiet_queues_it_has(
    redis: Redis, team: Team, worker: Claims
) -> None:
    for number in range(6):
        await fill(redis, team, f"q{number}", 3)

    works = await worker.claim(0, NOW, spare=4, kept=2, crowd=(team.id,))

    assert len(works) == 2
    assert await worker.claim(0, NOW, spare=2, kept=2, crowd=(team.id,)) == []


async def test_a_pause_and_a_resume_hold_from_the_next_claim_on(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await fill(redis, team, "a", 5)
    await worker.claim(1, NOW)

    await queues.update(call_of(redis, team), 1, QueueUpdate(is_active=False))
    paused = await worker.claim(9, NOW)
    await queues.update(call_of(redis, team), 1, QueueUpdate(is_active=True, max_parallelism=3))

    assert paused == []
    assert len(await worker.claim(9, NOW)) == 2


async def test_a_queue_leaves_no_trace_in_the_turns_when_it_goes(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await fill(redis, team, "a", 5)
    await finish(worker, await worker.claim(2, NOW))

    await queues.delete(call_of(redis, team), 1)

    assert await worker.claim(9, NOW) == []
    assert await redis.zcard(f"{team.prefix}turns") == 0
    assert not await redis.hexists(f"{team.prefix}virtual_time", "1:1")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (QueueUpdate(is_active=False), None),
        (QueueUpdate(max_parallelism=2), None),
        (QueueUpdate(rate_limit=RateLimit(count=2, per_seconds=60)), None),
        (QueueUpdate(key_max_parallelism=2), "tenant"),
    ],
    ids=["paused", "full", "limited", "key"],
)
async def test_what_comes_to_a_queue_that_may_start_no_more_wakes_nobody(
    redis: Redis, team: Team, worker: Claims, limits: QueueUpdate, key: str | None
) -> None:
    call, job = call_of(redis, team), JobCreate(queue="a", url="https://example.com/", key=key)
    await jobs.create_many(call, [job] * 2, NOW)
    if limits.is_active:
        await queues.update(call, 1, limits)
    assert len(await worker.claim(9, NOW)) == 2
    if not limits.is_active:
        await queues.update(call, 1, limits)
    rung = await redis.xinfo_stream(keyspace.bell(team.shard))

    await jobs.create(call, job, NOW)

    assert await redis.zrange(f"{team.prefix}turns:1", 0, -1) == []
    assert (await redis.xinfo_stream(keyspace.bell(team.shard)))["entries-added"] == rung["entries-added"]


async def test_a_callback_beyond_the_places_of_callbacks_wakes_nobody(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job = JobCreate(queue="a", url="https://example.com/", callback_url="https://b.example/")
    await jobs.create_many(call_of(redis, team), [job] * 5, NOW)
    *four, fifth = await worker.claim(5, NOW)
    await finish(worker, four)
    assert len(await worker.claim(9, NOW)) == 4

    await finish(worker, [fifth])

    assert await redis.zcard(f"{team.prefix}turns") == 0


async def test_turns_of_teams_that_are_lost_while_work_waits_come_back_with_the_next_job(
    redis: Redis, team: Team
) -> None:
    call, job = call_of(redis, team), JobCreate(queue="mail", url="https://example.com/")
    await jobs.create(call, job)
    await redis.delete(keyspace.turns(team.shard))
    await jobs.create(call, job)

    assert len(await Claims(redis, team.shard, "w").claim(8)) == 2
