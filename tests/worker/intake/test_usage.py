"""Requests are counted by month where they start, and a team that has used up its own sends no more."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Release, Result
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests.calls import call_of

NOON = clock.milliseconds(datetime(2026, 11, 25, 12, tzinfo=UTC))


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, keyspace.SHARDS[0], "a-worker")


async def make(redis: Redis, team: Team, n: int, now: int = NOON) -> None:
    asked = [JobCreate(queue="mail", url="https://a.example/", callback_url="https://b.example/")] * n
    await jobs.create_many(call_of(redis, team), asked, now_ms=now)


async def counted(redis: Redis, team: Team) -> dict[str, int]:
    fields = await redis.hgetall(f"{team.prefix}ledger:{team.id}")  # type: ignore[misc]
    return {name: int(value) for name, value in fields.items() if name.startswith("requests.")}


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        datetime(2028, 3, 1, tzinfo=UTC),
        datetime(2100, 2, 28, tzinfo=UTC),
    ],
)
async def test_a_request_counts_in_the_month_it_starts(
    redis: Redis, team: Team, worker: Claims, moment: datetime
) -> None:
    now = clock.milliseconds(moment)
    await make(redis, team, 2, now)

    await worker.claim(2, now)

    assert await counted(redis, team) == {f"requests.{moment:%Y-%m}": 2}


async def test_what_was_given_back_or_is_a_callback_does_not_count(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await make(redis, team, 2)

    done, late = await worker.claim(2, NOON)
    await worker.finish([Result(done, Complete(), "[1,200,1,1]"), Result(late, Release())], NOON)
    works = await worker.claim(5, NOON)

    assert [work.kind for work in works] == ["j", "n"] or [work.kind for work in works] == ["n", "j"]
    assert await counted(redis, team) == {"requests.2026-11": 2}


async def test_over_the_limit_a_run_fails_and_nothing_is_sent(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await redis.hset(f"{team.prefix}t:{team.id}", "request_limit", "3")  # type: ignore[misc]
    await make(redis, team, 5)

    works = await worker.claim(10, NOON)

    assert [work.id for work in works if work.kind == "j"] == [1, 2, 3]
    refused = await jobs.get(redis, team, 4)
    assert (refused.status, refused.final_status) == ("failed", "failed_no_retries")
    assert refused.run is not None
    assert refused.run.failure_reason == "limit_exceeded"
    assert await counted(redis, team) == {"requests.2026-11": 3}
    assert (await ledger.read(redis, team)).holds


async def test_another_month_starts_anew(redis: Redis, team: Team, worker: Claims) -> None:
    await redis.hset(f"{team.prefix}t:{team.id}", "request_limit", "1")  # type: ignore[misc]
    await make(redis, team, 1)
    await worker.claim(1, NOON)
    december = NOON + 7 * 86_400_000
    await make(redis, team, 1, december)

    assert [work.id for work in await worker.claim(1, december)] == [2]
