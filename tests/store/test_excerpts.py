"""Lists have the beginning of what is long, say of what, and move no more than that out of Redis."""

import json
import tracemalloc

import pytest
from pydantic_core import to_json
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result, Verdict
from shared.actions import crons, dead_letters, executions, jobs
from shared.actions.reports.why import why
from shared.basics.spelling import Spelled
from shared.schemas.base import Page
from shared.schemas.crons import Cron, CronCreate, CronQuery, ExecutionQuery
from shared.schemas.dead_letters import DeadLetterQuery
from shared.schemas.jobs import Job, JobCreate, JobQuery
from shared.schemas.why import WhyQuery
from shared.store import keyspace, stored
from shared.store.keyspace import Team
from tests.calls import call_of

MEBIBYTE = 1 << 20
URL = "https://a.example/orders"
BIG = {"id": 7, "text": "é" * 400_000}
HEADERS = {"x-first": "1", "x-long": "l" * 2000, "x-last": "2"}
BODY = "\\" * 1000 + "ü" * 20_000
SENT = {"Content-Type": "application/json"}


def a_run(reason: str | None = None) -> list[object]:
    return [1, 500 if reason else 200, 12, 1_760_000_000_000, BODY, HEADERS, True, reason, None, None, SENT]


async def made(redis: Redis, team: Team, n: int = 1, **asked: object) -> None:
    fields = {"queue": "mail", "url": URL, "payload": BIG, **asked}
    await jobs.create_many(call_of(redis, team), [JobCreate.model_validate(fields)] * n)


async def finish(redis: Redis, text: str, verdict: Verdict = Complete()) -> None:  # noqa: B008 - it is frozen
    worker = Claims(redis, keyspace.SHARDS[0], "a-worker")
    works = await worker.claim(50)
    await worker.finish([Result(work, verdict, text) for work in works])


async def moved(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_net_output_bytes"])


async def listed(redis: Redis, team: Team, **query: object) -> Page[Job]:
    return await jobs.page(redis, team, JobQuery.model_validate(query))


async def test_a_row_has_the_beginning_and_says_so_and_one_job_has_all(redis: Redis, team: Team) -> None:
    await made(redis, team, callback_url="https://b.example/", delay=0, timeout_seconds=9, retry_delays=[5])
    await finish(redis, stored.run(a_run("http_server_error")), Dead())

    (row,) = (await listed(redis, team)).data
    whole = await jobs.get(redis, team, row.id)

    assert row.payload == {"id": 7}
    assert row.run is not None
    assert row.run.response_body == BODY[:1024]
    assert row.run.response_headers == {"x-first": "1"}
    assert (row.run.failure_reason, row.run.response_status, row.run.attempt) == ("http_server_error", 500, 1)
    assert (row.callback_url, row.timeout_seconds, row.retry_delays) == ("https://b.example/", 9, (5,))
    assert set(row.cut) == {"payload", "run.response_body", "run.response_headers", "run.request_body"}
    assert whole.run is not None
    assert (whole.payload, whole.run.response_body, whole.run.response_headers) == (BIG, BODY, HEADERS)
    assert whole.cut == ()
    assert "cut" not in whole.model_dump()


async def test_what_is_short_is_whole_in_a_list_and_not_marked(redis: Redis, team: Team) -> None:
    await made(redis, team, payload={"a": 1})

    (row,) = (await listed(redis, team)).data

    assert row == await jobs.get(redis, team, row.id)


@pytest.mark.parametrize("size", range(16_000, 16_012))
async def test_a_text_may_be_cut_anywhere(redis: Redis, team: Team, size: int) -> None:
    text = "a\n" * 20 + 'ü\U0001f600"\\' * size
    await made(redis, team, payload=None, body=text[:size])

    (row,) = (await listed(redis, team)).data

    assert (row.body, row.cut) == (text[:1024], ("body",))


async def test_payloads_whose_numbers_are_kept_as_spelled_are_cut_too(redis: Redis, team: Team) -> None:
    text = '{"n":1.10,"text":"' + "x" * 50_000 + '"}'
    asked = JobCreate.model_validate({"queue": "mail", "url": URL, "payload": json.loads(text)})
    assert asked.payload is not None
    spelled = asked.model_copy(update={"payload": Spelled(asked.payload, text)})
    await jobs.create_many(call_of(redis, team), [spelled])

    (row,) = (await listed(redis, team)).data

    assert (row.payload, row.cut) == ({"n": 1.1}, ("payload",))


async def test_a_page_of_large_jobs_moves_and_takes_little(redis: Redis, team: Team) -> None:
    await made(redis, team, 40)
    await finish(redis, stored.run(a_run()))
    before = await moved(redis)

    tracemalloc.start()
    try:
        page = await listed(redis, team, per_page=100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(page.data) == 40
    assert await moved(redis) - before < 40 * 3 * stored.LIST_BYTES
    assert peak < 10 * MEBIBYTE


async def test_a_search_looks_at_urls_and_moves_no_payloads(redis: Redis, team: Team) -> None:
    await made(redis, team, 30)
    before = await moved(redis)

    page = await listed(redis, team, search="nowhere")

    assert page.total == 0
    assert await moved(redis) - before < 30 * 2 * stored.LOOK_BYTES


async def test_dead_letters_are_found_by_reason_without_their_bodies(redis: Redis, team: Team) -> None:
    await made(redis, team, 20)
    await finish(redis, stored.run(a_run("http_server_error")), Dead())
    before = await moved(redis)

    query = DeadLetterQuery.model_validate({"failure_reason": "http_server_error", "per_page": 1})
    page = await dead_letters.page(redis, team, query)

    assert page.total == 20
    assert await moved(redis) - before < 30 * 2 * stored.LOOK_BYTES


async def test_what_older_versions_stored_is_read_as_it_is(redis: Redis, team: Team) -> None:
    await made(redis, team)
    old = {"url": URL, "payload": {"text": "x" * 30_000}, "callback_url": "https://b.example/", "delay": 3}
    await finish(redis, to_json(a_run("http_server_error")).decode(), Dead())
    await redis.set(f"{team.prefix}b:1:1", to_json(old).decode())

    (row,) = (await listed(redis, team)).data

    assert (row.callback_url, row.delay_seconds, row.payload) == ("https://b.example/", 3, {})
    assert row.run is not None
    assert (row.run.failure_reason, row.run.response_body) == ("http_server_error", BODY[:1024])
    assert {"payload", "run.response_body"} <= set(row.cut)


async def crons_listed(redis: Redis, team: Team, **query: object) -> list[Cron]:
    return (await crons.page(redis, team, CronQuery.model_validate(query))).data


async def test_crons_and_executions_are_cut_too(redis: Redis, team: Team) -> None:
    asked = CronCreate(name="a", url=URL, cron_expression="0 0 1 1 *", payload="ß" * 300_000)
    cron = await crons.create(call_of(redis, team), asked)
    await executions.create(call_of(redis, team), cron.id)
    await finish(redis, stored.run([*a_run(), "ß" * 60_000]))
    before = await moved(redis)

    (row,) = await crons_listed(redis, team, search="orders")
    (execution,) = (await executions.page(redis, team, cron.id, ExecutionQuery())).data
    taken = await moved(redis) - before

    assert (row.payload, row.cut) == ("ß" * 1024, ("payload",))
    assert row.model_copy(update={"payload": asked.payload, "cut": ()}) == await crons.get(
        redis, team, cron.id
    )
    assert execution.run is not None
    assert execution.run.response_body == BODY[:1024]
    assert {"run.response_body", "run.request_body"} <= set(execution.cut)
    whole = await executions.get(redis, team, cron.id, execution.id)
    assert whole.run is not None
    assert (whole.run.response_body, whole.run.request_body) == (BODY, "ß" * 60_000)
    assert taken < 6 * stored.LIST_BYTES


async def test_why_reads_no_bodies(redis: Redis, team: Team) -> None:
    asked = CronCreate(name="a", url=URL, cron_expression="0 0 1 1 *")
    cron = await crons.create(call_of(redis, team), asked)
    for _ in range(20):
        await executions.create(call_of(redis, team), cron.id)
    await finish(redis, stored.run(a_run("http_server_error")), Dead())
    before = await moved(redis)

    told = await why(redis, team, cron.id, WhyQuery())

    assert [reason.verdict for reason in told.reasons] == ["failed"] * 20
    assert await moved(redis) - before < 20 * 8000
