"""What the state machine does not context: bells, keys that expire, foreign entries, bounds of a batch."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from services.worker.intake.claims import DROPPED, NOT_OURS, RECORDED, Claims
from services.worker.work import Complete, Fail, Release, Result, Retry, Verdict
from shared.actions import crons, executions, jobs, queues
from shared.schemas.crons import CronCreate
from shared.schemas.events import Event
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueUpdate, RateLimit
from shared.store import keyspace, ledger, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Fire, JudgedCron, Owed, functions
from shared.store.transitions.library import Library
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
NOW = 1_760_000_000_000
ASKED = JobCreate(queue="mail", url="https://a.example/")


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


async def rang(redis: Redis) -> bool:
    """Whether the bell rang since it was last asked."""
    return bool(await redis.delete(keyspace.bell(SHARD)))


async def test_the_first_work_wakes_a_worker(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)

    assert await rang(redis)


async def test_a_claim_that_leaves_work_wakes_another_worker(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await jobs.create_many(call_of(redis, team), [ASKED] * 3, now_ms=NOW)
    await rang(redis)

    await worker.claim(1, NOW)
    for_the_rest = await rang(redis)
    await worker.claim(2, NOW)

    assert for_the_rest
    assert not await rang(redis)


async def test_what_frees_a_place_wakes_a_worker(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)
    (work,) = await worker.claim(1, NOW)
    await rang(redis)

    await worker.finish([Result(work, Release())], NOW)

    assert await rang(redis)


async def test_a_queue_that_comes_and_goes_saves_up_nothing(redis: Redis, team: Team, worker: Claims) -> None:
    fickle = ASKED.model_copy(update={"queue": "fickle"})
    await jobs.create(call_of(redis, team), fickle, NOW)
    await jobs.create_many(call_of(redis, team), [ASKED] * 40, now_ms=NOW)

    served: Counter[str] = Counter()
    for _ in range(40):
        works = await worker.claim(1, NOW)
        await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW)
        served.update(work.queue for work in works)
        if works[0].queue == "1":
            await jobs.create(call_of(redis, team), fickle, NOW)

    assert served["1"] == pytest.approx(served["2"], abs=2)


async def test_a_limited_queue_comes_back_when_it_may_start_again(
    redis: Redis, team: Team, worker: Claims
) -> None:
    now = (await redis.time())[0] * 1000  # a change of a queue goes by the server's clock
    limits = [QueueUpdate(rate_limit=RateLimit(count=count, per_seconds=60)) for count in (3, 1)]
    await jobs.create_many(call_of(redis, team), [ASKED] * 9, now_ms=now)
    await queues.update(call_of(redis, team), 1, limits[0])
    for second in range(3):
        await worker.claim(1, now + second * 1000)

    await queues.update(call_of(redis, team), 1, limits[1])

    assert await redis.zscore(keyspace.due(SHARD), f"q:1:{1:014}") == now + 62_000
    assert await worker.claim(9, now + 61_999) == []
    assert len(await worker.claim(9, now + 62_000)) == 1


async def test_a_batch_of_results_for_what_another_holds_changes_nothing(
    redis: Redis, team: Team, worker: Claims
) -> None:
    other = Claims(redis, SHARD, "another-worker")
    await jobs.create_many(call_of(redis, team), [ASKED] * 4, now_ms=NOW)
    results = [Result(work, Complete(), "[1,200,1,1]") for work in await worker.claim(4, NOW)]

    assert await other.finish(results, NOW) == [NOT_OURS] * 4

    assert await worker.finish(results, NOW) == [RECORDED] * 4


async def test_a_result_of_a_deleted_queue_is_dropped(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)
    works = await worker.claim(1, NOW)
    await queues.delete(call_of(redis, team), 1)

    assert await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW) == [DROPPED]

    assert (await ledger.read(redis, team)).completed == 0


async def test_a_worker_that_stops_claims_nothing_more(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create_many(call_of(redis, team), [ASKED] * 3, now_ms=NOW)
    (held,) = await worker.claim(1, NOW)
    await worker.claim(1, NOW)

    assert await worker.withdraw({held.place}) == 1

    assert await worker.claim(9, NOW) == []
    assert len(await Claims(redis, SHARD, "another-worker").claim(9, NOW)) == 2


async def test_callbacks_make_no_events(redis: Redis, team: Team, worker: Claims) -> None:
    asked = ASKED.model_copy(update={"callback_url": "https://b.example/"})
    await jobs.create(call_of(redis, team), asked, NOW)
    for _ in range(2):
        works = await worker.claim(1, NOW)
        await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW)

    told = [fields["name"] for _, fields in await redis.xrange(keyspace.events(SHARD))]

    assert told == ["job.created", "job.started", "job.completed"]


async def test_a_callback_that_ends_after_its_job_was_deleted_leaves_nothing(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await jobs.create(
        call_of(redis, team), ASKED.model_copy(update={"callback_url": "https://b.example/"}), NOW
    )
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in await worker.claim(1, NOW)], NOW)
    (notice,) = await worker.claim(1, NOW)
    await jobs.delete(call_of(redis, team), made.id)

    await worker.finish([Result(notice, Complete())], NOW)

    assert [key for kind in "jn" async for key in redis.scan_iter(f"{team.prefix}{kind}:*")] == []


async def test_what_expires_before_it_is_due_is_not_promoted_after(
    redis: Redis, team: Team, worker: Claims
) -> None:
    expires = datetime.fromtimestamp(NOW / 1000, UTC) + timedelta(seconds=10)
    await jobs.create(call_of(redis, team), ASKED.model_copy(update={"expires_at": expires}), NOW)
    works = await worker.claim(1, NOW)
    await worker.finish([Result(work, Retry(60), "[1,500,1,1]") for work in works], NOW)

    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 61_000)

    assert await redis.xlen(f"{team.prefix}s:1:1") == 0


@pytest.mark.parametrize("is_running", [False, True])
async def test_only_its_own_entry_starts_a_job(
    redis: Redis, team: Team, worker: Claims, is_running: bool
) -> None:
    made = await jobs.create(call_of(redis, team), ASKED, NOW)
    works = await worker.claim(1, NOW) if is_running else []
    await redis.xadd(f"{team.prefix}s:1:1", {"w": f"j:{made.id}"})

    works += await worker.claim(9, NOW)

    assert [work.id for work in works] == [made.id]
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works], NOW)
    assert await worker.claim(9, NOW) == []
    assert await redis.xlen(f"{team.prefix}s:1:1") == 0
    assert (await ledger.read(redis, team)).completed == 1


async def test_a_job_whose_request_is_lost_ends_and_does_not_wait(
    redis: Redis, team: Team, worker: Claims
) -> None:
    lost, other = [made.id for made in await jobs.create_many(call_of(redis, team), [ASKED] * 2, now_ms=NOW)]
    await redis.delete(f"{team.prefix}b:1:{lost}")

    claimed = await worker.claim(9, NOW)

    assert [work.id for work in claimed] == [other]
    assert await redis.hget(f"{team.prefix}j:1:{lost}", "state") == "dead_lettered"  # type: ignore[misc]
    assert await redis.zrange(f"{team.prefix}x:1:dead_lettered", 0, -1) == [str(lost)]
    assert (await ledger.read(redis, team)).holds


async def test_an_unreadable_entry_takes_no_place(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)
    await redis.xadd(f"{team.prefix}s:1:1", {"w": "junk"})

    await worker.claim(9, NOW)

    assert (await redis.xpending(f"{team.prefix}s:1:1", keyspace.WORKERS))["pending"] == 1
    assert await redis.xlen(f"{team.prefix}s:1:1") == 1


async def test_a_full_batch_of_due_jobs_asks_to_be_called_again(redis: Redis, team: Team) -> None:
    await jobs.create_many(call_of(redis, team), [ASKED.model_copy(update={"delay": 1})] * 3, now_ms=NOW)

    answers = [await transitions.promote(redis, SHARD, most=2, now_ms=NOW + 2000) for _ in range(2)]

    assert answers == [(NOW + 2000, NOW + 2000), (NOW + 2000, 0)]


@pytest.mark.parametrize(("stale", "early", "answer"), [(1, 0, 0), (0, 1, -1), (0, 0, 1)])
async def test_a_cron_fires_as_it_was_seen_and_not_before_its_time(
    redis: Redis, team: Team, stale: int, early: int, answer: int
) -> None:
    begun = datetime.fromtimestamp(NOW / 1000, UTC)
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")
    cron = await crons.create(call_of(redis, team), asked, begun)
    assert cron.next_run_at
    due, later = (round(at.timestamp() * 1000) for at in (cron.next_run_at, begun + timedelta(hours=1)))

    judged = JudgedCron(team.id, cron.id, 1 + stale, due, following_ms=later, fired_until_ms=due, fires=1)
    fired = await transitions.fire_crons(
        redis, SHARD, [(judged, [Fire(due, 0, due, "")])], release=None, now_ms=due - early
    )

    assert fired == [answer]
    assert (await ledger.read(redis, team, "execution")).accepted == max(answer, 0)


@pytest.mark.parametrize(("stale", "early", "answer"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("is_last", [False, True])
async def test_a_part_of_what_a_cron_owes_is_made_of_what_was_read(
    redis: Redis, team: Team, stale: int, early: int, answer: int, is_last: bool
) -> None:
    begun = datetime.fromtimestamp(NOW / 1000, UTC)
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")
    cron = await crons.create(call_of(redis, team), asked, begun)
    assert cron.next_run_at
    due, later = (round(at.timestamp() * 1000) for at in (cron.next_run_at, begun + timedelta(hours=1)))
    owed = Owed(str(due), None if is_last else later, due, [Fire(due, 0, due, "")])

    settled = [
        await transitions.settle_cron(
            redis, team, owed, cron=cron.id, version=str(1 + stale), now_ms=due - early
        )
        for _ in "12"
    ]

    assert settled == [answer, 0]
    assert (await ledger.read(redis, team, "execution")).accepted == answer
    next_fire = (None if is_last else later) if answer else due
    assert await redis.zscore(keyspace.crons(SHARD), f"1:{cron.id}") == next_fire


async def test_a_chain_of_many_is_deleted_as_one(redis: Redis, team: Team, worker: Claims) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)
    for second in range(3):
        (work,) = await worker.claim(1, NOW + second * 1000)
        await worker.finish([Result(work, Retry(1), "[1,500,1,1]")], NOW + second * 1000)

    await jobs.delete(call_of(redis, team), 2)

    assert [key for kind in "jbr" async for key in redis.scan_iter(f"{team.prefix}{kind}:*")] == []
    assert await redis.zcard(keyspace.due(SHARD)) == 0
    assert (await ledger.read(redis, team)).deleted == 4


async def test_a_deleted_cron_leaves_nothing_of_its_executions(
    redis: Redis, team: Team, worker: Claims
) -> None:
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")
    cron = await crons.create(call_of(redis, team), asked)
    await executions.create(call_of(redis, team), cron.id)
    works = await worker.claim(1)
    await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works])

    await crons.delete(call_of(redis, team), cron.id)
    await prune(redis, SHARD)

    assert [key for kind in "cer" async for key in redis.scan_iter(f"{team.prefix}{kind}:*")] == []


async def test_a_result_of_a_deleted_cron_is_dropped(redis: Redis, team: Team, worker: Claims) -> None:
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")
    cron = await crons.create(call_of(redis, team), asked)
    await executions.create(call_of(redis, team), cron.id)
    works = await worker.claim(1)
    await crons.delete(call_of(redis, team), cron.id)
    await prune(redis, SHARD)

    assert await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works]) == [DROPPED]

    assert [key for kind in "cer" async for key in redis.scan_iter(f"{team.prefix}{kind}:*")] == []
    assert await redis.exists(keyspace.damaged(SHARD)) == 0


async def test_a_deleted_queue_whose_group_was_lost_goes_too(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await jobs.create(call_of(redis, team), ASKED, NOW)
    await worker.claim(1, NOW)
    await redis.xgroup_destroy(f"{team.prefix}s:1:1", keyspace.WORKERS)
    await queues.delete(call_of(redis, team), 1)

    for _ in range(3):
        await prune(redis, SHARD)

    assert not await redis.exists(f"{team.prefix}s:1:1", f"{team.prefix}doomed")


async def test_a_job_that_was_given_back_and_put_off_can_be_cancelled(
    redis: Redis, team: Team, worker: Claims
) -> None:
    made = await jobs.create(call_of(redis, team), ASKED, NOW)
    works = await worker.claim(1, NOW)
    await worker.finish([Result(work, Release()) for work in works], NOW)
    record = f"{team.prefix}j:1:{made.id}"
    await redis.hset(record, "v", "2")  # type: ignore[misc]
    await worker.claim(1, NOW)
    await redis.hset(record, "v", "1")  # type: ignore[misc]
    await transitions.promote(redis, SHARD, most=500, now_ms=NOW + 5000)

    await jobs.cancel(call_of(redis, team), made.id)

    assert await redis.xlen(f"{team.prefix}s:1:1") == 0


async def test_events_of_a_mixed_batch_say_what_happened_to_whom(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await jobs.create_many(call_of(redis, team), [ASKED] * 3, now_ms=NOW)
    works = await worker.claim(3, NOW)
    await redis.delete(keyspace.events(SHARD))

    verdicts: list[Verdict] = [Complete(), Fail(), Complete()]
    await worker.finish([Result(*one, "[1,200,1,1]") for one in zip(works, verdicts, strict=True)], NOW)

    told = [Event.model_validate(fields) for _, fields in await redis.xrange(keyspace.events(SHARD))]
    assert {(event.name, event.refs) for event in told} == {
        ("job.completed", ("j:1", "j:3")),
        ("job.failed", ("j:2",)),
    }


async def test_a_record_that_moves_on_within_one_script_is_where_it_came_last(
    redis: Redis, team: Team
) -> None:
    """No script does so today; moves are gathered by kind, and this is what keeps their order."""
    moves = ["nil, 'pending'", "'pending', 'failed'", "'failed', 'pending'", "'pending', 'completed'"]
    body = "\n".join(f"move('j', '1', '1', 7, {states})" for states in moves)

    function = f"do\nlocal function work()\n{body}\nconclude()\nend\nregister('moves', {{}}, work)\nend"
    library = Library(f"{functions.library.body}\n{function}")
    await library.load(redis)
    await redis.fcall(f"{library.name}_moves", 1, team.prefix, 0)  # type: ignore[misc, arg-type]

    found = {key async for key in redis.scan_iter(f"{team.prefix}x:1:*")}
    assert found == {f"{team.prefix}x:1:completed", f"{team.prefix}x:1:q1:completed"}
    counted = await ledger.read(redis, team)
    assert (counted.pending, counted.completed, counted.failed) == (0, 1, 0)
