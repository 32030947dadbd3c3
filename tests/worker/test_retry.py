import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.exchange import Exchange
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.retry import decide
from services.worker.work import Complete, Dead, Fail, Retry, Verdict
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate, JobStatus
from shared.schemas.queues import QueueSettings
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

TWO_RETRIES = QueueSettings(retry_delays=(5, 60))


NOON = 1_760_011_200_000  # Thu, 09 Oct 2025 12:00:00 GMT
DAY = 24 * 3600


def ended(reason: FailureReason | None, status: int | None = None, **headers: str) -> Exchange:
    return Exchange(
        response_status=status,
        response_headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        response_body=None,
        response_truncated=False,
        duration_ms=1,
        error_message=None,
        failure_reason=reason,
        started_at_ms=NOON - 1,
        executed_at_ms=NOON,
    )


@pytest.mark.parametrize(
    ("settings", "attempt", "verdict"),
    [
        (TWO_RETRIES, 1, Retry(5)),
        (TWO_RETRIES, 2, Retry(60)),
        (TWO_RETRIES, 3, Dead()),
        (QueueSettings(retry_delays=()), 1, Dead()),
        (QueueSettings(retries_enabled=False), 1, Fail()),
        (None, 1, Fail()),
    ],
)
def test_a_failure_is_retried_while_the_queue_says_so(
    settings: QueueSettings | None, attempt: int, verdict: Verdict
) -> None:
    assert decide(ended(FailureReason.TIMEOUT), settings, attempt) == verdict


@pytest.mark.parametrize("settings", [TWO_RETRIES, None])
def test_a_success_completes(settings: QueueSettings | None) -> None:
    assert decide(ended(None), settings, attempt=1) == Complete()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("1", 5),  # the queue's own delay is longer
        ("0", 5),
        ("9" * 4000, DAY),
        ("Thu, 09 Oct 2025 12:02:00 GMT", 120),
        ("Thursday, 09-Oct-25 12:02:00 GMT", 120),
        ("Thu Oct  9 12:02:00 2025", 120),
        ("Thu, 09 Oct 2025 11:00:00 GMT", 5),
        ("Fri, 09 Oct 2026 12:00:00 GMT", DAY),
        ("Thu, 09 Oct 99999 12:00:00 GMT", 5),
        ("Thu, 31 Feb 2025 12:00:00 GMT", 5),
        ("soon", 5),
        ("-3", 5),
        ("1.5", 5),
        ("\u0663", 5),
        ("", 5),
    ],
)
def test_a_target_may_ask_for_a_later_retry(said: str, seconds: int) -> None:
    exchange = ended(FailureReason.HTTP_SERVER_ERROR, 503, retry_after=said)

    assert decide(exchange, TWO_RETRIES, 1) == Retry(seconds)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 09 Oct 2025 12:01:57 GMT", 5),  # 3 s, and the queue's own delay is longer
        ("Thu, 09 Oct 2025 11:00:00 GMT", 3720),
        ("Thu Oct  9 11:00:00 2025", 3720),
        ("Thu, 09 Oct 2025 13:00:00 GMT", 5),
        ("Thu, 01 Jan 1970 00:00:07 GMT", 120),  # of no clock that says the other
        ("yesterday", 120),
        ("", 120),
    ],
)
def test_a_moment_that_a_target_says_is_by_its_own_clock(date: str, seconds: int) -> None:
    said = "Thu, 09 Oct 2025 12:02:00 GMT"

    exchange = ended(FailureReason.HTTP_SERVER_ERROR, 503, retry_after=said, date=date)

    assert decide(exchange, TWO_RETRIES, 1) == Retry(seconds)


@pytest.mark.parametrize(
    "exchange",
    [
        ended(FailureReason.HTTP_CLIENT_ERROR, 410),
        ended(FailureReason.HTTP_CLIENT_ERROR, 489, retry_after="5"),
        ended(FailureReason.HTTP_SERVER_ERROR, 500, recuro_no_retry="True"),
    ],
)
def test_a_target_may_end_the_chain(exchange: Exchange) -> None:
    assert decide(exchange, TWO_RETRIES, 1) == Dead()
    assert decide(exchange, QueueSettings(retries_enabled=False), 1) == Fail()


def test_a_target_ends_nothing_by_saying_no() -> None:
    exchange = ended(FailureReason.HTTP_SERVER_ERROR, 500, recuro_no_retry="false")

    assert decide(exchange, TWO_RETRIES, 1) == Retry(5)


async def tried(redis: Redis, team: Team, target: Target) -> int:
    """The id of a job that was sent to the target once."""
    made = await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=target.url), NOON)
    worker = Claims(redis, keyspace.SHARDS[0], "a-worker")
    async with Sender(Policy(LOOPBACK)) as sender:
        await worker.finish(
            [
                await process(work, Context(redis, sender, VAULT, MAILER))
                for work in await worker.claim(1, NOON)
            ],
            NOON,
        )
    return made.id


async def test_a_busy_target_gets_its_retry_when_it_wants_it(
    redis: Redis, team: Team, target: Target
) -> None:
    target.answer_with(429, headers={"Retry-After": "7200"})

    job = await jobs.get(redis, team, await tried(redis, team, target))

    assert job.has_pending_retry
    retry = await jobs.get(redis, team, job.id + 1)
    assert clock.milliseconds(retry.scheduled_at) == NOON + 7_200_000


async def test_a_target_that_is_gone_gets_no_retry(redis: Redis, team: Team, target: Target) -> None:
    target.answer_with(410)

    job = await jobs.get(redis, team, await tried(redis, team, target))

    assert (job.status, job.has_pending_retry) == (JobStatus.FAILED, False)
    assert job.dead_lettered_at is not None
