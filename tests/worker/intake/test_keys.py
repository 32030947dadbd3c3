"""Jobs of one key: limits that hold for it by itself, its turn among the others, pauses, and what is lost and given back."""

from collections import Counter
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from services.scheduler.rescue import find_in_flight, rescue
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Postpone, Release, Result, Retry, Verdict, Work
from shared.actions import jobs, queues
from shared.errors import NotFound
from shared.schemas.base import PageQuery
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import KeyQuery, QueueCreate, QueueKey, QueueUpdate, RateLimit
from shared.store import keyspace, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from tests.calls import call_of

NOW = 1_760_000_000_000
SHARD = keyspace.SHARDS[0]
ROOMS = ("keys", "rooms", "slots", "lines", "rests", "key_starts", "paused_keys")


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def queue(redis: Redis, team: Team, **settings: object) -> int:
    asked = QueueCreate.model_validate({"name": "mail", **settings})
    return (await queues.create(call_of(redis, team), asked)).id


async def fill(
    redis: Redis, team: Team, key: str | None, n: int = 1, now: int = NOW, **more: object
) -> list[int]:
    asked = JobCreate.model_validate({"queue": "mail", "url": "https://a.example/", "key": key, **more})
    made: list[int] = []
    for start in range(0, n, 1000):
        many = [asked] * min(1000, n - start)
        made += [one.id for one in await jobs.create_many(call_of(redis, team), many, now_ms=now)]
    return made


async def end(
    worker: Claims, works: Sequence[Work], verdict: Verdict | None = None, now: int = NOW
) -> list[int]:
    return await worker.finish([Result(work, verdict or Complete(), "[1,200,1,1]") for work in works], now)


async def keys_of(redis: Redis, team: Team, queue_id: int) -> dict[str, tuple[int, int, bool]]:
    found = (await queues.keys(redis, team, queue_id, KeyQuery(per_page=100))).data
    return {one.key: (one.waiting, one.in_flight, one.is_paused) for one in found}


async def left_of_keys(redis: Redis, queue_id: int) -> list[str]:
    names = [f"{keyspace.prefix(SHARD)}{of}:1:{queue_id}" for of in ROOMS]
    return [name for name in names if await redis.exists(name)]


def ids(works: Sequence[Work]) -> list[int]:
    return [work.id for work in works]


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_no_more_of_a_key_run_at_once_than_it_may(
    redis: Redis, team: Team, worker: Claims, most: int
) -> None:
    await queue(redis, team, key_max_parallelism=most)
    await fill(redis, team, "a", 20)
    await fill(redis, team, "b", 20)

    works = await worker.claim(40, NOW)
    again = await worker.claim(40, NOW)

    assert (len(works), again) == (2 * most, [])


async def test_jobs_of_a_key_go_one_after_another_in_order_at_a_parallelism_of_one(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queue(redis, team, key_max_parallelism=1)
    made = await fill(redis, team, "a", 7)
    started = []

    for _ in made:
        works = await worker.claim(5, NOW)
        started += ids(works)
        await end(worker, works)

    assert started == made


async def test_a_job_that_was_to_start_earlier_goes_first(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team, key_max_parallelism=1)
    (later,) = await fill(redis, team, "a", now=NOW, delay=60)
    (sooner,) = await fill(redis, team, "a", now=NOW, delay=30)
    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 61_000)

    first = await worker.claim(5, NOW + 61_000)
    await end(worker, first, now=NOW + 61_000)
    second = await worker.claim(5, NOW + 61_000)

    assert (ids(first), ids(second)) == ([sooner], [later])


async def test_limits_of_the_queue_hold_beside_those_of_its_keys(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queue(redis, team, key_max_parallelism=2, max_parallelism=3)
    for key in "abc":
        await fill(redis, team, key, 5)

    works = await worker.claim(20, NOW)

    assert len(works) == 3


async def test_jobs_without_a_key_are_not_limited_by_key(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team, key_max_parallelism=1, key_rate_limit={"count": 1, "per_seconds": 60})
    await fill(redis, team, None, 10)
    await fill(redis, team, "a", 10)

    works = await worker.claim(40, NOW)

    assert len(works) == 11


async def test_a_key_with_many_jobs_delays_another_by_one(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team)
    await fill(redis, team, "flood", 3000)
    (quiet,) = await fill(redis, team, "quiet")

    works = await worker.claim(2, NOW)

    assert quiet in ids(works)


async def test_keys_get_equal_shares_with_what_has_none(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team)
    owner = {one: key for key in ("a", "b", None) for one in await fill(redis, team, key, 300)}
    shares: Counter[str | None] = Counter()

    for _ in range(30):
        works = await worker.claim(7, NOW)
        shares.update(owner[work.id] for work in works)
        await end(worker, works)

    assert sorted(shares.values()) == [70, 70, 70]


async def test_a_key_that_ended_a_job_waits_its_turn_again(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team, key_max_parallelism=1)
    owner = {one: key for key in "abcdefgh" for one in await fill(redis, team, key, 4)}
    order = []

    for _ in range(16):
        (work,) = await worker.claim(1, NOW)
        order.append(owner[work.id])
        await end(worker, [work])

    assert "".join(order) == "abcdefgh" * 2


async def test_no_more_of_a_key_start_within_a_time_than_it_may(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queue(redis, team, key_rate_limit={"count": 3, "per_seconds": 10})
    await fill(redis, team, "a", 10)
    await fill(redis, team, "b", 2)
    started = []

    for second in (0, 4, 9, 10, 14, 20):
        works = await worker.claim(20, NOW + 1000 * second)
        started.append(len(works))
        await end(worker, works, now=NOW + 1000 * second)

    assert started == [5, 0, 0, 3, 0, 3]


async def test_a_key_comes_back_when_its_rate_allows_it_though_nobody_calls(
    redis: Redis, team: Team, worker: Claims
) -> None:
    queue_id = await queue(redis, team, key_rate_limit={"count": 1, "per_seconds": 10})
    await fill(redis, team, "a", 2)
    await end(worker, await worker.claim(5, NOW))

    _, due = await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 1)
    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 10_000)

    assert due == NOW + 10_000
    assert await redis.zscore(f"{keyspace.prefix(SHARD)}turns:1", f"1:{queue_id}") is not None


@pytest.mark.parametrize("verdict", [Release(), Postpone(0, "its host"), Retry(0)])
async def test_work_that_comes_back_keeps_to_the_limits_of_its_key(
    redis: Redis, team: Team, worker: Claims, verdict: Verdict
) -> None:
    await queue(redis, team, key_max_parallelism=1)
    (first, second) = await fill(redis, team, "a", 2)
    await end(worker, await worker.claim(5, NOW), verdict)

    works = await worker.claim(5, NOW)
    again = await worker.claim(5, NOW)

    assert ids(works) == [second if isinstance(verdict, Retry) else first]
    assert again == []


async def test_a_retry_has_the_key_of_its_original(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team, key_max_parallelism=1)
    await fill(redis, team, "a")
    await end(worker, await worker.claim(5, NOW), Retry(60))

    (retry,) = await worker.claim(5, NOW + 60_000)
    (shown,) = await jobs.read(redis, team, [retry.id])

    assert shown.key == "a"


async def test_a_lost_worker_keeps_no_place_of_a_key(redis: Redis, team: Team, worker: Claims) -> None:
    await queue(redis, team, key_max_parallelism=1)
    (first, _) = await fill(redis, team, "a", 2)
    await Claims(redis, SHARD, "lost").claim(5, NOW)

    await rescue(redis, SHARD, await find_in_flight(redis, SHARD))
    works = await worker.claim(5, NOW)

    assert ids(works) == [first]


async def test_a_deleted_job_that_runs_keeps_its_place_until_its_request_ends(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queue(redis, team, key_max_parallelism=1)
    (first, second) = await fill(redis, team, "a", 2)
    works = await worker.claim(5, NOW)
    await jobs.delete(call_of(redis, team), first)

    while_it_runs = await worker.claim(5, NOW)
    await end(worker, works)
    then = await worker.claim(5, NOW)

    assert while_it_runs == []
    assert ids(then) == [second]


@pytest.mark.parametrize("act", [jobs.delete, jobs.cancel])
async def test_a_waiting_job_that_goes_leaves_its_room(
    redis: Redis, team: Team, worker: Claims, act: object
) -> None:
    queue_id = await queue(redis, team)
    (one,) = await fill(redis, team, "a")

    await act(call_of(redis, team), one)  # type: ignore[operator]

    assert await worker.claim(5, NOW) == []
    assert await left_of_keys(redis, queue_id) == []


async def test_a_job_that_expires_while_its_key_is_busy_is_not_sent(
    redis: Redis, team: Team, worker: Claims
) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1)
    await fill(redis, team, "a")
    works = await worker.claim(5, NOW)
    await fill(redis, team, "a", expires_at="2025-10-09T08:54:00Z")
    await end(worker, works, now=NOW + 60_000)

    assert await worker.claim(5, NOW + 1_000_000) == []
    assert await left_of_keys(redis, queue_id) == []


async def test_a_queue_forgets_its_keys_once_nothing_of_them_is_left(
    redis: Redis, team: Team, worker: Claims
) -> None:
    queue_id = await queue(redis, team, key_rate_limit={"count": 100, "per_seconds": 10})
    for number in range(20):
        await fill(redis, team, f"customer-{number}")
    await end(worker, await worker.claim(50, NOW))

    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 10_000)

    assert await left_of_keys(redis, queue_id) == []


async def test_nothing_of_a_paused_key_starts(redis: Redis, team: Team, worker: Claims) -> None:
    queue_id = await queue(redis, team)
    await fill(redis, team, "a")
    (other,) = await fill(redis, team, "b")

    paused = await queues.pause_key(call_of(redis, team), queue_id, "a", is_paused=True)
    works = await worker.claim(5, NOW)

    assert paused == QueueKey(key="a", is_paused=True, waiting=1, in_flight=0)
    assert ids(works) == [other]


async def test_a_key_that_goes_on_starts_what_waited(redis: Redis, team: Team, worker: Claims) -> None:
    queue_id = await queue(redis, team)
    await queues.pause_key(call_of(redis, team), queue_id, "a", is_paused=True)
    (one,) = await fill(redis, team, "a")

    before = await worker.claim(5, NOW)
    resumed = await queues.pause_key(call_of(redis, team), queue_id, "a", is_paused=False)
    works = await worker.claim(5, NOW)

    assert before == []
    assert resumed == QueueKey(key="a", is_paused=False, waiting=1, in_flight=0)
    assert ids(works) == [one]


async def test_a_queue_that_is_not_there_has_no_keys(redis: Redis, team: Team) -> None:
    with pytest.raises(NotFound):
        await queues.keys(redis, team, 7, KeyQuery())
    with pytest.raises(NotFound):
        await queues.pause_key(call_of(redis, team), 7, "a", is_paused=True)


async def test_keys_are_listed_by_name_with_what_waits_and_runs(
    redis: Redis, team: Team, worker: Claims
) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=2)
    for key in ("c", "a", "b"):
        await fill(redis, team, key, 5)
    await worker.claim(6, NOW)

    first = await queues.keys(redis, team, queue_id, KeyQuery(per_page=2))
    last = await queues.keys(redis, team, queue_id, KeyQuery(per_page=2, page=2))

    assert [one.key for one in (*first.data, *last.data)] == ["a", "b", "c"]
    assert (first.total, first.last_page) == (3, 2)
    assert {(one.waiting, one.in_flight) for one in first.data} == {(3, 2)}


@pytest.mark.parametrize("keys", [3, 250])
async def test_higher_limits_hold_for_all_keys_that_wait(
    redis: Redis, team: Team, worker: Claims, keys: int
) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1)
    for number in range(keys):
        await fill(redis, team, f"k{number}", 2)
    held = await worker.claim(500, NOW)

    await queues.update(call_of(redis, team), queue_id, QueueUpdate(key_max_parallelism=None))
    more = [work for _ in range(5) for work in await worker.claim(500, NOW)]

    assert (len(held), len(more)) == (keys, keys)


async def test_lower_limits_hold_from_the_next_claim_on(redis: Redis, team: Team, worker: Claims) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=5)
    await fill(redis, team, "a", 10)
    works = await worker.claim(2, NOW)

    await queues.update(call_of(redis, team), queue_id, QueueUpdate(key_max_parallelism=2))
    while_full = await worker.claim(5, NOW)
    await end(worker, works)
    then = await worker.claim(5, NOW)

    assert (while_full, len(then)) == ([], 2)


async def test_a_rate_that_is_taken_away_limits_nothing_any_more(
    redis: Redis, team: Team, worker: Claims
) -> None:
    queue_id = await queue(redis, team, key_rate_limit=RateLimit(count=1, per_seconds=3600))
    await fill(redis, team, "a", 5)
    first = await worker.claim(5, NOW)

    await queues.update(call_of(redis, team), queue_id, QueueUpdate(key_rate_limit=None))
    rest = await worker.claim(5, NOW)

    assert (len(first), len(rest)) == (1, 4)


@pytest.mark.parametrize(
    "lost", [("rooms",), ("lines", "keys"), ("slots",), ("rooms", "slots", "lines", "keys")]
)
async def test_what_is_lost_of_keys_is_made_anew_of_the_jobs(
    redis: Redis, team: Team, worker: Claims, lost: tuple[str, ...]
) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1)
    made = await fill(redis, team, "a", 3)
    works = await worker.claim(5, NOW)
    await redis.delete(*(f"{keyspace.prefix(SHARD)}{of}:1:{queue_id}" for of in lost))

    async for _ in reconcile.patrol(redis, team, now_ms=NOW):
        pass

    assert await keys_of(redis, team, queue_id) == {"a": (2, 1, False)}
    assert await worker.claim(5, NOW) == []
    await end(worker, works)
    assert ids(await worker.claim(5, NOW)) == made[1:2]


async def test_a_place_of_what_is_lost_is_free_again(redis: Redis, team: Team, worker: Claims) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1)
    (first, second) = await fill(redis, team, "a", 2)
    await worker.claim(5, NOW)
    await redis.delete(f"{keyspace.prefix(SHARD)}f:1:{queue_id}")
    await jobs.delete(call_of(redis, team), first)

    async for _ in reconcile.patrol(redis, team, now_ms=NOW):
        pass

    assert ids(await worker.claim(5, NOW)) == [second]


@pytest.mark.parametrize("damaged", ROOMS)
async def test_a_key_of_a_wrong_type_is_put_aside_and_made_anew(
    redis: Redis, team: Team, worker: Claims, damaged: str
) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1, key_rate_limit={"count": 9, "per_seconds": 9})
    await fill(redis, team, "a", 3)
    await end(worker, await worker.claim(5, NOW))
    name = f"{keyspace.prefix(SHARD)}{damaged}:1:{queue_id}"
    await redis.delete(name)
    await redis.set(name, "damaged")

    started = 0
    for _ in range(6):
        works = await worker.claim(5, NOW)
        started += len(works)
        await end(worker, works)
        async for _step in reconcile.patrol(redis, team, now_ms=NOW):
            pass

    assert started == 2


async def test_a_deleted_queue_leaves_nothing_of_its_keys(redis: Redis, team: Team, worker: Claims) -> None:
    queue_id = await queue(redis, team, key_max_parallelism=1)
    await fill(redis, team, "a", 5)
    works = await worker.claim(5, NOW)
    await queues.pause_key(call_of(redis, team), queue_id, "b", is_paused=True)
    await queues.delete(call_of(redis, team), queue_id)
    await transitions.prune(redis, SHARD, limit=100)
    await end(worker, works)

    await transitions.prune(redis, SHARD, limit=100)

    assert await left_of_keys(redis, queue_id) == []
    assert (await queues.page(redis, team, PageQuery())).data == []
