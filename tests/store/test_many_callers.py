"""Jobs that many callers make at once through one process: each as if it had come alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import jobs, queues
from shared.actions.jobs import QueuedJob
from shared.errors import Damaged, Invalid
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.store import keyspace, ledger
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from tests.calls import call_of

MANY = 100


def job(queue: str = "mail", **more: object) -> JobCreate:
    return JobCreate.model_validate({"queue": queue, "url": "https://a.example/", **more})


async def calls_of(redis: Redis) -> dict[str, int]:
    """How often Redis was called, by the command."""
    found = await redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(its["calls"]) for name, its in found.items()}


async def test_what_many_callers_want_at_once_costs_few_calls(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), job())
    await redis.config_resetstat()

    made = await asyncio.gather(*(jobs.create(call_of(redis, team), job()) for _ in range(MANY)))

    assert {one.id for one in made} == set(range(2, MANY + 2))
    counts = await calls_of(redis)
    assert counts["fcall"] <= 1 + MANY // 32 + 1
    assert counts["hincrby"] < 2 * MANY, "the ledger is counted once a call"
    assert counts["zrange"] <= counts["fcall"], "what is due is looked at once a call"
    assert (await ledger.read(redis, team)).pending == MANY + 1


async def test_each_has_its_own_line_in_the_audit_trail(redis: Redis, team: Team) -> None:
    calls = [replace(call_of(redis, team), request_id=f"request-{number}") for number in range(MANY)]

    made = await asyncio.gather(
        *(jobs.create(call, job(f"queue-{number % 3}")) for number, call in enumerate(calls))
    )

    lines = [line for _, line in await redis.xrange(keyspace.audit_trails(team)[1])]
    by_request = {from_json(line["who"])["request_id"]: line["about"].split(",") for line in lines}
    assert len(lines) == len(by_request) == MANY
    for number, one in enumerate(made):
        named = by_request[f"request-{number}"]
        assert named[-1] == f"job:{one.id}"
        assert (f"queue:{one.queue_id}" in named) is one.queue_is_new
    assert [one.queue_is_new for one in made].count(True) == 3


async def test_teams_that_come_together_stay_apart(redis: Redis, team: Team) -> None:
    other = Team(team.id + 1)
    assert other.shard == team.shard

    made = await asyncio.gather(
        *(jobs.create(call_of(redis, [team, other][number % 2]), job()) for number in range(20))
    )

    assert [one.id for one in made[::2]] == [one.id for one in made[1::2]] == list(range(1, 11))
    assert [sum(one.queue_is_new for one in made[first::2]) for first in (0, 1)] == [1, 1]
    for whose in (team, other):
        assert (await ledger.read(redis, whose)).accepted == 10
        assert await redis.xlen(keyspace.audit_trails(whose)[1]) == 10


async def test_one_that_is_refused_leaves_no_line_and_the_others_are_made(redis: Redis, team: Team) -> None:
    late = job(delay=3600, expires_at=(clock.now() + timedelta(minutes=1)).isoformat())

    found = await asyncio.gather(
        *(jobs.create(call_of(redis, team), late if number == 5 else job()) for number in range(10)),
        return_exceptions=True,
    )

    assert isinstance(found[5], Invalid)
    assert sorted(one.id for one in found if isinstance(one, QueuedJob)) == list(range(1, 10))
    assert await redis.xlen(keyspace.audit_trails(team)[1]) == 9


async def test_one_whose_queue_leaves_something_out_is_made_by_its_rules_beside_others(
    redis: Redis, team: Team
) -> None:
    await queues.create(
        call_of(redis, team), QueueCreate.model_validate({"name": "secret", "redact": ["body.token"]})
    )

    made = await asyncio.gather(
        *(
            jobs.create(
                call_of(redis, team), job("secret" if number == 7 else "mail", payload={"token": "abc"})
            )
            for number in range(10)
        )
    )

    specs = await redis.mget([f"{team.prefix}b:{team.id}:{one.id}" for one in made])
    assert len({one.id for one in made}) == 10
    assert [number for number, spec in enumerate(specs) if spec and '"abc"' not in spec] == [7]


async def test_one_whose_queue_is_damaged_fails_alone(redis: Redis, team: Team) -> None:
    broken = await jobs.create(call_of(redis, team), job("broken"))
    record = f"{team.prefix}q:{team.id}:{broken.queue_id}"
    await redis.delete(record)
    await redis.set(record, "no hash")

    found = await asyncio.gather(
        *(
            jobs.create(call_of(redis, team), job("broken" if number == 3 else "mail"))
            for number in range(10)
        ),
        return_exceptions=True,
    )

    assert [type(one) for number, one in enumerate(found) if number != 3] == [QueuedJob] * 9
    assert isinstance(found[3], Damaged)
    assert (await ledger.read(redis, team)).pending == 10


async def test_one_with_an_idempotency_key_is_made_once_beside_others(redis: Redis, team: Team) -> None:
    def key() -> IdempotencyKey:
        return IdempotencyKey(team, "order-7", "digest")

    made = await asyncio.gather(
        *(jobs.create(call_of(redis, team, key() if number % 2 else None), job()) for number in range(10))
    )

    assert len({one.id for one in made[1::2]}) == 1
    assert len({one.id for one in made}) == 6
