"""An answer is a success if it is 2xx and all that its owner says of it is true."""

import time
from collections.abc import AsyncIterator, Sequence

import pytest
from pydantic import TypeAdapter
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.bodies import assertions
from services.worker.http.bodies.aside import Aside
from services.worker.http.bodies.assertions import Answered
from services.worker.http.client import Sender
from services.worker.http.response import READ_BYTES
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import crons, executions, jobs, queues
from shared.schemas.assertions import Assertion, Assertions
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import Job, JobCreate
from shared.schemas.queues import QueueCreate
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.poll import best_of_three, in_time
from tests.target import Target

BODY = '{"ok": true, "n": 3, "name": "Zoë", "items": [{"a b": null}], "o": {"x": [1]}}'.encode()
ANSWERED = Answered(201, (("content-type", "application/json"), ("x-a", "1"), ("x-a", "2")), BODY, True, 120)
MIB = 1 << 20
SLOW = r"(?s)(a.{900}z|b.{900}z|c.{900}z)$"
"""RE2 takes seconds for a MiB of this."""


def asserted(type_: str, **fields: str) -> Assertion:
    assertion: Assertion = TypeAdapter(Assertion).validate_python({"type": type_, **fields})
    return assertion


async def failed(assertions_: Sequence[Assertion], answered: Answered) -> str | None:
    aside = Aside()
    try:
        return await assertions.failed(assertions_, answered, aside)
    finally:
        await aside.close()


@pytest.mark.parametrize(
    "assertion",
    [
        asserted("status_code_equals", value="201"),
        asserted("response_time_under_ms", value="121"),
        asserted("body_contains", value='"ok": true'),
        asserted("body_contains", value="Zoë"),
        asserted("body_not_contains", value="error"),
        asserted("body_matches", value=r'"n": \d+,'),
        asserted("body_matches", value="(?i)ZOË"),
        asserted("json_path_equals", path="$.ok", value="true"),
        asserted("json_path_equals", path="$.n", value="3"),
        asserted("json_path_equals", path="$.name", value="Zoë"),
        asserted("json_path_equals", path="$.items[0]['a b']", value="null"),
        asserted("json_path_equals", path='$["o"]', value='{"x":[1]}'),
        asserted("header_equals", name="Content-Type", value="application/json"),
        asserted("header_equals", name="X-A", value="2"),
    ],
)
async def test_what_is_true_passes(assertion: Assertion) -> None:
    assert await failed([assertion], ANSWERED) is None


@pytest.mark.parametrize(
    ("assertion", "sentence"),
    [
        (asserted("status_code_equals", value="200"), "the status is 201, not 200"),
        (asserted("response_time_under_ms", value="120"), "it took 120 ms, not under 120 ms"),
        (asserted("body_contains", value="no"), f'the body of {len(BODY)} bytes does not contain "no"'),
        (asserted("body_not_contains", value="Zoë"), f'the body of {len(BODY)} bytes contains "Zoë"'),
        (asserted("body_matches", value="^ok"), f'the body of {len(BODY)} bytes does not match "^ok"'),
        (asserted("json_path_equals", path="$.n", value="4"), '"$.n" is "3", not "4"'),
        (asserted("json_path_equals", path="$.items[1]", value="4"), 'there is nothing at "$.items[1]"'),
        (asserted("json_path_equals", path="$.name[0]", value="Z"), 'there is nothing at "$.name[0]"'),
        (asserted("json_path_equals", path="$.n.x", value="4"), 'there is nothing at "$.n.x"'),
        (asserted("header_equals", name="X-A", value="3"), 'X-A is "1", not "3"'),
        (asserted("header_equals", name="X-B", value="3"), "there is no header X-B"),
    ],
)
async def test_what_is_not_is_named(assertion: Assertion, sentence: str) -> None:
    assert await failed([assertion], ANSWERED) == f"Assertion {assertion.type} failed: {sentence}."


async def test_the_first_that_fails_is_named() -> None:
    passing, failing = asserted("body_contains", value="ok"), asserted("body_contains", value="a")
    other = asserted("status_code_equals", value="200")

    assert "status_code_equals" in (await failed([passing, other, failing], ANSWERED) or "")


async def test_a_body_that_is_no_json_has_no_paths() -> None:
    answered = Answered(200, (), b"<html>", True, 1)

    assert "is no JSON" in (
        await failed([asserted("json_path_equals", path="$.a", value="1")], answered) or ""
    )


@pytest.mark.parametrize(
    "assertion",
    [
        asserted("body_contains", value="x"),
        asserted("body_not_contains", value="x"),
        asserted("body_matches", value="x"),
        asserted("json_path_equals", path="$.a", value="1"),
    ],
)
async def test_of_a_body_that_was_cut_only_what_was_read_counts(assertion: Assertion) -> None:
    cut = Answered(200, (), b"y" * READ_BYTES, False, 1)

    assert "longer than 1 MiB" in (await failed([assertion], cut) or "")


async def test_a_failure_quotes_little_and_nothing_strange() -> None:
    body = b'{"a": "' + b"\\u001b[31m" + b"x" * 10_000 + b'"}'

    said = await failed(
        [asserted("json_path_equals", path="$.a", value="1")], Answered(200, (), body, True, 1)
    )

    assert said is not None
    assert len(said) < 250
    assert said.isprintable()


@pytest.mark.parametrize(
    ("assertion", "body"),
    [
        (asserted("body_matches", value="(x+x+)+y"), b"x" * MIB),
        (asserted("body_matches", value="(.*)(.*)(.*)(.*)(.*)[^x]$"), b"x" * MIB),
        (asserted("body_matches", value="(?:a?){40}a{40}"), b"a" * 39 + b"b" * MIB),
        (asserted("body_matches", value=SLOW), b"ab" * (MIB // 2)),
        (
            asserted("json_path_equals", path="$.a", value="1"),
            b"[" * 150 + b"[]," * (MIB // 3) + b"1" + b"]" * 150,
        ),
        (asserted("body_contains", value="a" * 1000 + "b"), b"a" * MIB),
        (asserted("body_not_contains", value="a" * 1000 + "b"), b"a" * MIB),
        (asserted("json_path_equals", path="$.a", value="1"), b"[" * MIB),
        (
            asserted("json_path_equals", path="$[0]", value="x"),
            b'[{"a":' + b'{"b":1},' * 1000 + b"1" * (MIB - 9000),
        ),
        (asserted("json_path_equals", path="$[99999]", value="x"), b"[" + b"1," * (MIB // 2 - 1) + b"1]"),
    ],
)
@best_of_three
async def test_nothing_runs_long(assertion: Assertion, body: bytes) -> None:
    """Bounded far above what the loop's thread does for any of these, far below what looking takes."""
    began = time.thread_time()

    await failed([assertion], Answered(200, (), body, True, 1))

    in_time(time.thread_time() - began, 0.05)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as sending:
        yield sending


async def run_next(redis: Redis, sender: Sender) -> None:
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    (work,) = await worker.claim(1)
    await worker.finish([await process(work, Context(redis, sender, VAULT, MAILER))])


async def ran(redis: Redis, team: Team, sender: Sender, url: str, *assertions: Assertion) -> Job:
    """A job of a queue that asserts, after its first attempt."""
    await queues.create(call_of(redis, team), QueueCreate(name="mail", success_assertions=assertions))
    made = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=url))
    await run_next(redis, sender)
    return await jobs.get(redis, team, made.id)


async def test_a_job_that_is_not_as_asserted_is_retried(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(200, b"sorry")

    job = await ran(redis, team, sender, target.url, asserted("body_contains", value="ok"))

    assert (job.status, job.final_status) == ("failed", "retrying")
    assert job.run is not None
    assert (job.run.failure_reason, job.run.response_status) == (FailureReason.ASSERTION_FAILED, 200)
    assert (
        job.run.error_message == 'Assertion body_contains failed: the body of 5 bytes does not contain "ok".'
    )


async def test_a_status_beyond_2xx_fails_as_such(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(500, b"ok")

    job = await ran(redis, team, sender, target.url, asserted("body_contains", value="ok"))

    assert job.run is not None
    assert job.run.failure_reason == FailureReason.HTTP_SERVER_ERROR


async def test_the_whole_body_is_looked_at_and_64_kib_are_kept(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(200, b"x" * 500_000 + b"the end")

    job = await ran(redis, team, sender, target.url, asserted("body_matches", value="the end$"))

    assert job.final_status == "success"
    assert job.run is not None
    assert (len(job.run.response_body or ""), job.run.response_truncated) == (65_536, True)


async def test_a_body_beyond_what_is_read_is_not_guessed_at(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(200, b"x" * (READ_BYTES + 1))

    job = await ran(redis, team, sender, target.url, asserted("body_not_contains", value="y"))

    assert job.run is not None
    assert "longer than 1 MiB" in (job.run.error_message or "")


async def test_a_cron_has_assertions_of_its_own(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(200, b"{}")
    of: Assertions = (asserted("json_path_equals", path="$.ok", value="true"),)
    asked = CronCreate(name="ping", url=target.url, cron_expression="0 0 1 1 *", success_assertions=of)
    cron = await crons.create(call_of(redis, team), asked)
    execution = await executions.create(call_of(redis, team), cron.id)

    await run_next(redis, sender)

    run = (await executions.get(redis, team, cron.id, execution.id)).run
    assert run is not None
    assert run.error_message == 'Assertion json_path_equals failed: there is nothing at "$.ok".'
    assert (await crons.get(redis, team, cron.id)).success_assertions == of


async def test_all_assertions_of_an_answer_have_one_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assertions, "LONGEST_SECONDS", 0.2)
    answered = Answered(200, (), b"ab" * (MIB // 2), True, 1)

    why = await failed([asserted("body_matches", value=SLOW)], answered)

    assert why == "Assertions failed: there was no time to look at all of them within 0.2 s."
