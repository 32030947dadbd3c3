"""Every transition of a job through the real scripts: claim, finish, retry, dead letter, release, fence."""

import json

import pytest
from redis.asyncio import Redis

from services.worker.intake import claims
from services.worker.intake.claims import DROPPED, NOT_OURS, OURS, RECORDED, Claims
from services.worker.work import Complete, Dead, Fail, Job, Release, Result, Retry, Verdict, Work
from shared.actions import jobs, queues
from shared.schemas.base import PageQuery
from shared.schemas.events import Event
from shared.schemas.jobs import JobCreate, JobFilter, JobQuery
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from shared.store.transitions import Detail, Entry, Finished
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
NOW = 1_760_000_000_000
RUN = json.dumps({"response_status": 500, "response_body": "no", "started_at": NOW, "executed_at": NOW})


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "a-worker")


@pytest.fixture
def other(redis: Redis) -> Claims:
    return Claims(redis, SHARD, "another-worker")


async def a_job(redis: Redis, team: Team, queue: str = "mail", delay: int = 0, now: int | None = NOW) -> int:
    asked = JobCreate(queue=queue, url="https://a.example/", payload={"a": 1}, delay=delay)
    return (await jobs.create(call_of(redis, team), asked, now)).id


async def end(worker: Claims, work: Work, verdict: Verdict, now: int = NOW) -> int:
    (answer,) = await worker.finish([Result(work, verdict, RUN)], now)
    return answer


async def run_next(worker: Claims, verdict: Verdict, now: int = NOW) -> Work:
    (work,) = await worker.claim(1, now)
    assert await end(worker, work, verdict, now) == RECORDED
    return work


async def nothing_left(redis: Redis, team: Team) -> bool:
    lengths = [await redis.xlen(f"{team.prefix}{lane}1:1") for lane in keyspace.LANES]
    in_flight: int = await redis.scard(keyspace.in_flight(SHARD))  # type: ignore[misc]
    return [*lengths, in_flight] == [0, 0, 0]


async def test_a_claim_hands_over_what_was_asked_and_how_the_queue_wants_it(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", timeout_seconds=7))
    job_id = await a_job(redis, team)

    (work,) = await worker.claim(10)

    assert (work.kind, work.team, work.id, work.attempt) == ("j", 1, job_id, 1)
    assert json.loads(work.spec)["payload"] == {"a": 1}
    assert isinstance(work, Job)
    assert work.settings is not None
    assert work.settings.timeout_seconds == 7
    assert (await jobs.get(redis, team, job_id)).status == "processing"


async def test_a_completed_job_keeps_its_run(redis: Redis, team: Team, worker: Claims) -> None:
    job_id = await a_job(redis, team)

    await run_next(worker, Complete())

    job = await jobs.get(redis, team, job_id)
    assert (job.status, job.final_status) == ("completed", "success")
    assert job.run is not None
    assert (job.run.response_status, job.run.response_body) == (500, "no")
    assert await nothing_left(redis, team)


async def test_a_failure_with_retries_left_makes_a_new_job_due_later(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)

    await run_next(worker, Retry(60))

    original, retry = await jobs.get(redis, team, first), await jobs.get(redis, team, first + 1)
    assert (original.status, original.final_status, original.has_pending_retry) == (
        "failed",
        "retrying",
        True,
    )
    assert (retry.status, retry.attempt_number, retry.is_retry) == ("pending", 2, True)
    assert (retry.original_job_id, retry.payload) == (first, {"a": 1})
    assert retry.scheduled_at.timestamp() == NOW / 1000 + 60
    assert await worker.claim(10, NOW + 59_999) == []
    assert [work.id for work in await worker.claim(10, NOW + 60_000)] == [retry.id]


async def test_the_original_carries_the_success_of_its_chain(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)
    await run_next(worker, Retry(1))
    await run_next(worker, Retry(1), NOW + 1000)

    await run_next(worker, Complete(), NOW + 2000)

    original, second, third = [await jobs.get(redis, team, first + n) for n in range(3)]
    assert (original.status, original.final_status, original.has_pending_retry) == (
        "failed",
        "success",
        False,
    )
    assert (second.status, second.final_status) == ("failed", "failed_with_retries")
    assert (third.status, third.final_status, third.attempt_number) == ("completed", "success", 3)


async def test_the_last_failure_makes_the_original_a_dead_letter(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)
    await run_next(worker, Retry(1))

    await run_next(worker, Dead(), NOW + 1000)

    original, retry = await jobs.get(redis, team, first), await jobs.get(redis, team, first + 1)
    assert (original.status, original.final_status) == ("failed", "dead_lettered")
    assert original.dead_lettered_at is not None
    assert not original.has_pending_retry
    assert retry.final_status == "failed_with_retries"


@pytest.mark.parametrize(
    ("verdict", "final", "dead"),
    [(Dead(), "dead_lettered", True), (Fail(), "failed_no_retries", False)],
)
async def test_a_first_attempt_can_be_the_last(
    redis: Redis, team: Team, worker: Claims, verdict: Verdict, final: str, dead: bool
) -> None:
    job_id = await a_job(redis, team)

    await run_next(worker, verdict)

    job = await jobs.get(redis, team, job_id)
    assert (job.status, job.final_status, job.dead_lettered_at is not None) == ("failed", final, dead)


async def test_retries_turned_off_on_the_way_end_the_chain_plainly(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)
    await run_next(worker, Retry(1))

    await run_next(worker, Fail(), NOW + 1000)

    original = await jobs.get(redis, team, first)
    assert (original.final_status, original.has_pending_retry) == ("failed_no_retries", False)


async def test_lists_follow_every_state(redis: Redis, team: Team, worker: Claims) -> None:
    async def ids(wanted: JobFilter) -> list[int]:
        return [job.id for job in (await jobs.page(redis, team, JobQuery(filter=wanted))).data]

    for _ in range(4):
        await a_job(redis, team)
    await run_next(worker, Complete())
    await run_next(worker, Retry(60))
    await run_next(worker, Dead())
    await worker.claim(1, NOW)

    assert await ids(JobFilter.COMPLETED) == [1]
    assert await ids(JobFilter.RETRYING) == [2]
    assert await ids(JobFilter.DEAD_LETTERED) == [3]
    assert await ids(JobFilter.FAILED) == [3, 2]
    assert await ids(JobFilter.PROCESSING) == [4]
    assert await ids(JobFilter.PENDING) == [5]
    counts = (await queues.page(redis, team, PageQuery())).data[0].counts
    assert (counts.completed, counts.failed, counts.retrying, counts.pending) == (1, 2, 1, 1)


async def test_a_job_given_back_goes_first_and_uses_no_attempt(
    redis: Redis, team: Team, worker: Claims, other: Claims
) -> None:
    first, second = await a_job(redis, team), await a_job(redis, team)

    await run_next(worker, Release())

    works = await other.claim(2, NOW)
    assert [(work.id, work.attempt, work.lane) for work in works] == [(first, 1, "f:"), (second, 1, "s:")]
    for work in works:
        assert await end(other, work, Complete()) == RECORDED
    assert await nothing_left(redis, team)


async def test_a_result_counts_once(redis: Redis, team: Team, worker: Claims, other: Claims) -> None:
    job_id = await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)

    assert await end(other, work, Dead()) == NOT_OURS
    assert await end(worker, work, Complete()) == RECORDED
    assert await end(worker, work, Dead()) == NOT_OURS

    assert (await jobs.get(redis, team, job_id)).final_status == "success"


async def test_the_result_of_a_deleted_job_is_dropped(redis: Redis, team: Team, worker: Claims) -> None:
    job_id = await a_job(redis, team)
    (work,) = await worker.claim(1, NOW)

    await jobs.delete(call_of(redis, team), job_id)

    assert await end(worker, work, Retry(1)) == DROPPED
    assert await nothing_left(redis, team)
    books = await ledger.read(redis, team)
    assert (books.accepted, books.deleted, books.holds) == (1, 1, True)


async def test_deleting_takes_the_chain_and_its_waiting_retry(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)
    await run_next(worker, Retry(1))

    await jobs.delete(call_of(redis, team), first + 1)

    assert (await jobs.page(redis, team, JobQuery())).total == 0
    assert await worker.claim(10, NOW + 5000) == []
    assert [key async for key in redis.scan_iter("*:b:*")] == []


async def test_a_deleted_waiting_job_is_never_claimed(redis: Redis, team: Team, worker: Claims) -> None:
    first, second = await a_job(redis, team), await a_job(redis, team)

    await jobs.delete(call_of(redis, team), first)

    assert [work.id for work in await worker.claim(10, NOW)] == [second]


async def test_jobs_of_a_queue_start_in_order_of_their_time(redis: Redis, team: Team, worker: Claims) -> None:
    late = await a_job(redis, team, delay=2)
    early = [await a_job(redis, team, delay=1) for _ in range(12)]
    now = await a_job(redis, team, now=NOW + 3000)

    works = await worker.claim(20, NOW + 3000)

    assert [work.id for work in works] == [*early, late, now]


async def test_parallelism_is_never_exceeded_and_always_used(
    redis: Redis, team: Team, worker: Claims, other: Claims
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", max_parallelism=2))
    for _ in range(4):
        await a_job(redis, team)

    first, second = await worker.claim(1, NOW), await other.claim(10, NOW)

    assert [len(first), len(second)] == [1, 1]
    assert await worker.claim(10, NOW) == []
    await end(worker, first[0], Complete())
    assert [work.id for work in await other.claim(10, NOW)] == [3]


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(
    redis: Redis, team: Team, worker: Claims
) -> None:
    job_id = await a_job(redis, team)
    await queues.update(call_of(redis, team), 1, QueueUpdate(is_active=False))
    await a_job(redis, team)

    assert await worker.claim(10, NOW) == []
    await queues.update(call_of(redis, team), 1, QueueUpdate(is_active=True))
    assert [work.id for work in await worker.claim(1, NOW)] == [job_id]


async def test_a_flood_waits_for_itself(redis: Redis, team: Team, worker: Claims) -> None:
    for _ in range(50):
        await a_job(redis, team)
    await worker.claim(4, NOW)
    quiet = await a_job(redis, Team(2))

    works = await worker.claim(4, NOW)

    assert (2, quiet) in [(work.team, work.id) for work in works]


async def test_the_ledger_holds_at_every_step(redis: Redis, team: Team, worker: Claims) -> None:
    verdicts: list[Verdict] = [
        Complete(),
        Retry(0),
        Dead(),
        Fail(),
        Release(),
        Retry(0),
        Complete(),
        Complete(),
    ]
    for _ in range(5):
        await a_job(redis, team)

    for verdict in verdicts:
        (work,) = await worker.claim(1, NOW)
        assert (await ledger.read(redis, team)).holds
        await end(worker, work, verdict)
        books = await ledger.read(redis, team)
        assert books.holds
        waiting = sum([await redis.xlen(f"{team.prefix}{lane}1:1") for lane in keyspace.LANES])
        assert waiting + await redis.zcard(f"{team.prefix}due") == books.pending + books.processing


async def test_a_script_heals_after_redis_forgot_it(redis: Redis, team: Team, worker: Claims) -> None:
    await a_job(redis, team)
    await redis.function_flush()  # type: ignore[misc]

    assert len(await worker.claim(1, NOW)) == 1


async def test_a_lost_group_delivers_everything_again(
    redis: Redis, team: Team, worker: Claims, other: Claims
) -> None:
    first, second = await a_job(redis, team), await a_job(redis, team)
    (lost,) = await worker.claim(1, NOW)
    await redis.xgroup_destroy(f"{team.prefix}s:1:1", "workers")

    works = await other.claim(10, NOW)

    assert [work.id for work in works] == [first, second]
    assert await end(worker, lost, Complete()) == NOT_OURS
    assert [await end(other, work, Complete()) for work in works] == [RECORDED, RECORDED]
    assert (await ledger.read(redis, team)).completed == 2
    assert await nothing_left(redis, team)


async def test_an_unreadable_entry_is_kept_aside_and_harms_no_other(
    redis: Redis, team: Team, worker: Claims
) -> None:
    first = await a_job(redis, team)
    await redis.xadd(f"{team.prefix}s:1:1", {"w": "\u2603 junk"})
    second = await a_job(redis, team)

    works = await worker.claim(10, NOW)

    assert [work.id for work in works] == [first, second]
    ((_, kept),) = await redis.xrange(f"{team.prefix}quarantine")
    assert (kept["queue"], kept["ref"]) == ("1:1", "\u2603 junk")
    assert (await ledger.read(redis, team)).holds


async def test_settings_of_a_newer_version_are_read_as_far_as_we_know_them(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await a_job(redis, team)
    await redis.hset(f"{team.prefix}q:1:1", "spec", '{"timeout_seconds": 9, "invented_later": true}')  # type: ignore[misc]

    (work,) = await worker.claim(1, NOW)

    assert isinstance(work, Job)
    assert work.settings is not None
    assert work.settings.timeout_seconds == 9


async def test_a_claim_whose_reply_was_lost_is_given_back_without_counting(
    redis: Redis, team: Team, worker: Claims
) -> None:
    held_job, lost_job = await a_job(redis, team), await a_job(redis, team)
    (held,) = await worker.claim(1, NOW)
    await worker.claim(1, NOW)

    assert await worker.release_orphans({held.place}) == 1

    assert [work.id for work in await worker.claim(9, NOW)] == [lost_job]
    assert (await jobs.get(redis, team, held_job)).status == "processing"
    assert await redis.hget(f"{team.prefix}j:1:{lost_job}", "lost") is None  # type: ignore[misc]


async def test_a_deleted_job_in_flight_keeps_its_place_while_it_beats(
    redis: Redis, team: Team, worker: Claims
) -> None:
    from services.scheduler.rescue import find_in_flight, rescue

    await queues.create(call_of(redis, team), QueueCreate(name="mail", max_parallelism=1))
    first, _ = await a_job(redis, team), await a_job(redis, team)
    works = await worker.claim(1, NOW)
    await jobs.delete(call_of(redis, team), first)
    seen = await find_in_flight(redis, SHARD)

    assert await worker.beat(works) == [OURS]

    assert await rescue(redis, SHARD, seen) == 0
    assert await worker.claim(1, NOW) == []
    assert await end(worker, works[0], Complete()) == DROPPED
    assert len(await worker.claim(1, NOW)) == 1


async def test_a_flood_of_callbacks_holds_few_places(redis: Redis, team: Team, worker: Claims) -> None:
    asked = JobCreate(queue="mail", url="https://a.example/", callback_url="https://b.example/")
    for _ in range(20):
        await jobs.create(call_of(redis, team), asked, NOW)
    for work in await worker.claim(20, NOW):
        await end(worker, work, Complete())

    works = await worker.claim(20, NOW)

    assert {work.kind for work in works} == {"n"}
    assert len(works) == 4
    await end(worker, works[0], Complete())
    assert len(await worker.claim(20, NOW)) == 1


async def test_every_transition_is_told_as_the_schema_says(redis: Redis, team: Team, worker: Claims) -> None:
    await a_job(redis, team)
    await run_next(worker, Retry(0))
    await run_next(worker, Complete())
    await jobs.delete(call_of(redis, team), 1)

    told = [Event.model_validate(fields) for _, fields in await redis.xrange(keyspace.events(SHARD))]

    assert [(event.name, ref) for event in told for ref in event.refs] == [
        ("job.created", "j:1"),
        ("job.started", "j:1"),
        ("job.retrying", "j:1"),
        ("job.started", "j:2"),
        ("job.completed", "j:2"),
        ("job.deleted", "j:1"),
        ("job.deleted", "j:2"),
    ]
    assert {event.team for event in told} == {team.id}


def test_a_result_is_given_to_redis_as_its_fields_are_named() -> None:
    work = Job(SHARD, 1, "7", 42, "s:", "5-0", 1, 0, "{}")
    retry = Result(
        work, Retry(30), "[1,503]", "", "http_server_error 503", "{}", waited_ms=0, target="a.example /"
    )

    entry = Entry(kind="j", team=1, queue="7", id=42, lane="s:", entry="5-0")
    finished = Finished(*entry, verdict="retry", run="[1,503]", waited_ms=0, took_ms="", detail="1")
    detail = Detail(30_000, response="", reason="http_server_error 503", facts="{}", target="a.example /")
    assert claims._entry(work) == entry
    assert claims._finished(retry) == (*finished, *detail)
