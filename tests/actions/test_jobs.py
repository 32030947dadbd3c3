from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Result, Retry
from shared.actions import jobs, queues
from shared.clock import milliseconds, now
from shared.errors import Conflict, NotFound
from shared.schemas.base import PageQuery
from shared.schemas.jobs import JobCreate, JobFilter, JobQuery, JobUpdate
from shared.schemas.queues import QueueUpdate
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests.calls import call_of

URL = "https://api.example.com/sync"


def a_job(**fields: object) -> JobCreate:
    return JobCreate.model_validate({"queue": "webhooks", "url": URL, **fields})


async def test_a_job_says_whether_its_queue_is_new_or_paused(redis: Redis, team: Team) -> None:
    call = call_of(redis, team)
    first = await jobs.create_many(call, [a_job(), a_job(), a_job(queue="mail")])
    planned = await jobs.would_be(call, a_job(delay=60))
    await queues.update(call, first[0].queue_id, QueueUpdate(is_active=False))

    paused, active = await jobs.create_many(call, [a_job(), a_job(queue="mail")])

    assert [(one.queue_is_new, one.is_paused) for one in first] == [(True, False)] * 3
    assert (planned.id, planned.queue_id, planned.queue_is_new) == (0, first[0].queue_id, False)
    assert (paused.queue_is_new, paused.is_paused) == (False, True)
    assert (active.queue_is_new, active.is_paused) == (False, False)


async def test_a_job_is_stored_as_asked(redis: Redis, team: Team) -> None:
    payload = {"event": "user.created", "big": 2**70, "empty": [], "nested": {"a": None}}

    made = await jobs.create(call_of(redis, team), a_job(payload=payload, headers={"X-Tenant": "7"}))

    job = await jobs.get(redis, team, made.id)
    assert (job.url, job.method, job.payload, job.headers) == (
        URL,
        "POST",
        payload,
        {"X-Tenant": "7"},
    )
    assert (job.status, job.final_status, job.attempt_number, job.run) == ("pending", None, 1, None)


async def test_a_queue_is_made_once_by_its_name(redis: Redis, team: Team) -> None:
    first = await jobs.create(call_of(redis, team), a_job())
    second = await jobs.create(call_of(redis, team), a_job())
    other = await jobs.create(call_of(redis, team), a_job(queue="mail"))

    assert (first.queue_id, second.queue_id, other.queue_id) == (1, 1, 2)
    page = await queues.page(redis, team, PageQuery())
    assert [(queue.name, queue.counts.pending) for queue in page.data] == [("mail", 1), ("webhooks", 2)]


async def test_a_delay_moves_the_time(redis: Redis, team: Team) -> None:
    made = await jobs.create(call_of(redis, team), a_job(delay=90), now_ms=1_000_000)

    assert made.scheduled_at.timestamp() == 1090.0


async def test_a_page_holds_the_newest_first_over_all_states(redis: Redis, team: Team) -> None:
    for _ in range(7):
        await jobs.create(call_of(redis, team), a_job())

    page = await jobs.page(redis, team, JobQuery(page=2, per_page=3))

    assert [job.id for job in page.data] == [4, 3, 2]
    assert (page.total, page.last_page, page.current_page, page.per_page) == (7, 3, 2, 3)


async def test_a_page_past_the_end_is_empty(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), a_job())

    page = await jobs.page(redis, team, JobQuery(page=9))

    assert (page.data, page.total) == ([], 1)


async def test_a_search_looks_in_the_url_whatever_the_case(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), a_job(url="https://a.example/Invoices"))
    await jobs.create(call_of(redis, team), a_job(url="https://a.example/mail"))

    page = await jobs.page(redis, team, JobQuery(search="inVOICES"))

    assert [job.id for job in page.data] == [1]
    assert page.total == 1


async def test_a_search_is_paged_and_counts_each_row_once(redis: Redis, team: Team) -> None:
    for number in range(230):
        await jobs.create(
            call_of(redis, team), a_job(url=f"https://a.example/{'odd' if number % 2 else 'even'}")
        )

    page = await jobs.page(redis, team, JobQuery(search="odd", page=2, per_page=100))

    assert (page.total, page.last_page, len(page.data)) == (115, 2, 15)
    assert [job.id for job in page.data] == list(range(30, 0, -2))


async def test_a_list_can_be_of_one_queue_and_status(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), a_job())
    mail = await jobs.create(call_of(redis, team), a_job(queue="mail"))

    found = await jobs.page(redis, team, JobQuery(filter=JobFilter.PENDING, queue_id=mail.queue_id))
    none = await jobs.page(redis, team, JobQuery(filter=JobFilter.FAILED, queue_id=mail.queue_id))

    assert [job.id for job in found.data] == [mail.id]
    assert none.data == []


async def test_a_deleted_job_is_gone_from_everywhere(redis: Redis, team: Team) -> None:
    made = await jobs.create(call_of(redis, team), a_job())
    await jobs.create(call_of(redis, team), a_job(delay=60))

    await jobs.delete(call_of(redis, team), made.id)
    await jobs.delete(call_of(redis, team), 2)

    with pytest.raises(NotFound, match="Job not found"):
        await jobs.get(redis, team, made.id)
    assert (await jobs.page(redis, team, JobQuery())).total == 0
    assert await redis.xlen(f"{team.prefix}s:1:1") == 0
    assert await redis.zcard(f"{team.prefix}due") == 0
    books = await ledger.read(redis, team)
    assert (books.accepted, books.deleted, books.pending, books.holds) == (2, 2, 0, True)


async def test_another_team_sees_nothing(redis: Redis, team: Team) -> None:
    made = await jobs.create(call_of(redis, team), a_job())

    with pytest.raises(NotFound):
        await jobs.get(redis, Team(2), made.id)
    with pytest.raises(NotFound):
        await jobs.delete(call_of(redis, Team(2)), made.id)
    assert (await jobs.page(redis, Team(2), JobQuery())).data == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"url": "ftp://a.example"}, "must start with http:// or https://"),
        ({"url": "https://"}, "must name a host"),
        ({"url": "https://u:p@a.example"}, "must not carry a user name"),
        ({"url": "https://a.example/a b"}, "must not contain blanks"),
        ({"url": "https://a.example:99999/"}, "must be a valid URL"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "line break"),
        ({"headers": {"X-A": "a\x00"}}, "NUL"),
        ({"headers": {"X-A": "\N{GRINNING FACE}"}}, "outside Latin-1"),
        ({"headers": {"X A": "a"}}, "no valid HTTP header name"),
        ({"headers": {"Host": "a"}}, "must not set Host"),
        ({"headers": {"recuro-job-id": "1"}}, "must not set recuro-job-id"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "names a header twice: X-A and x-a"),
        ({"payload": {"a": float("nan")}}, "finite"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        a_job(**fields)

    assert sentence in str(caught.value)


@pytest.mark.parametrize("number", [float("nan"), float("-inf"), 10**5000], ids=["nan", "infinite", "long"])
def test_a_payload_holds_no_number_that_json_cannot_carry(number: float) -> None:
    with pytest.raises(ValidationError, match=r"finite number|must not contain NaN, Infinity"):
        a_job(payload={"deep": [{"a": number}]})


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "9" * 5000, "\ud800"])
def test_texts_that_look_like_such_a_number_are_texts(text: str) -> None:
    assert a_job(payload={text: text}).payload == {text: text}


async def test_of_a_batch_only_the_job_that_would_expire_before_it_starts_is_not_made(
    redis: Redis, team: Team
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    late, good = [
        JobCreate(queue="mail", url="https://a.example/", delay=delay, expires_at=soon) for delay in (60, 0)
    ]

    made = await jobs.create_each(call_of(redis, team), [late, good])

    assert [isinstance(one, jobs.NotMade) for one in made] == [True, False]
    assert len((await jobs.page(redis, team, JobQuery())).data) == 1


async def test_a_job_starts_when_it_was_moved_to_and_not_before(redis: Redis, team: Team) -> None:
    call, worker = call_of(redis, team), Claims(redis, team.shard, "a-worker")
    start = milliseconds(now())
    ready, later = [job.id for job in await jobs.create_many(call, [a_job(), a_job()], start)]

    await jobs.move(call, ready, JobUpdate(at=now() + timedelta(hours=1)))
    await jobs.move(call, later, JobUpdate(at=now() + timedelta(hours=2)))
    assert not await redis.xlen(f"{team.prefix}s:{team.id}:1")
    at_once = [work.id for work in await worker.claim(9, start + 1000)]
    after_an_hour = [work.id for work in await worker.claim(9, start + 3_700_000)]
    await jobs.move(call, later, JobUpdate(at=now() - timedelta(hours=1)))
    moved_back = [work.id for work in await worker.claim(9, start + 3_700_000)]

    assert (at_once, after_an_hour, moved_back) == ([], [ready], [later])
    assert not await redis.exists(keyspace.due(team.shard))
    assert (await ledger.read(redis, team)).holds
    with pytest.raises(Conflict, match="only one that waits"):
        await jobs.move(call, ready, JobUpdate(at=now()))


async def test_a_retry_is_moved_by_any_id_of_its_chain(redis: Redis, team: Team) -> None:
    call, worker = call_of(redis, team), Claims(redis, team.shard, "a-worker")
    first = (await jobs.create(call, a_job())).id
    (work,) = await worker.claim(1)
    await worker.finish([Result(work, Retry(5), "[]")])
    at = (now() + timedelta(hours=1)).replace(microsecond=0)

    await jobs.move(call, first, JobUpdate(at=at))

    retry = await jobs.get(redis, team, first + 1)
    assert retry.scheduled_at == at
    assert retry.status == "pending"
