"""The audit trail as the transitions write it."""

import pytest
from redis.asyncio import Redis

from shared.actions import crons, jobs, queues
from shared.errors import Invalid, NotFound
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from tests.calls import call_of

JOB = JobCreate(queue="mail", url="https://a.example/")
CRON = CronCreate(name="ping", url="https://a.example/", cron_expression="0 0 1 1 *")


async def about(redis: Redis, team: Team) -> tuple[list[str], list[str]]:
    """What the lines name, oldest first: of jobs, and of all else."""
    changes, of_jobs, *others = [await redis.xrange(trail) for trail in keyspace.audit_trails(team)]
    assert not any(others)
    return [line["about"] for _, line in of_jobs], [line["about"] for _, line in changes]


async def test_jobs_have_a_trail_of_their_own(redis: Redis, team: Team) -> None:
    call = call_of(redis, team)
    await jobs.create(call, JOB)
    await jobs.create_many(call, [JOB] * 3)
    await jobs.cancel(call, 2)
    await crons.create(call, CRON)

    assert await about(redis, team) == (["queue:1,job:1", "job:2-4", "job:2"], ["cron:1"])


async def test_what_is_refused_or_wanted_by_nobody_leaves_no_line(redis: Redis, team: Team) -> None:
    call = call_of(redis, team)
    await queues.create(call, QueueCreate(name="mail"))
    with pytest.raises(Invalid):
        await queues.create(call, QueueCreate(name="mail"))
    with pytest.raises(NotFound):
        await jobs.delete(call, 9)
    await transitions.set_team(redis, team, [])

    assert await about(redis, team) == ([], ["queue:1"])


async def test_a_write_is_done_though_its_trail_is_of_a_wrong_type(redis: Redis, team: Team) -> None:
    await redis.set(f"{team.prefix}audit:{team.id}", "?")

    await queues.create(call_of(redis, team), QueueCreate(name="mail"))
    await queues.create(call_of(redis, team), QueueCreate(name="letters"))

    assert await about(redis, team) == ([], ["queue:2"])
    assert await redis.hexists(keyspace.damaged(team.shard), f"audit:{team.id}")  # type: ignore[misc]
