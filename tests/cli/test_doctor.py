"""What the doctor finds if keys that it reads are damaged."""

import pytest
from redis.asyncio import Redis

from services.cli import doctor
from services.cli.findings import Finding
from shared.actions import crons, jobs
from shared.runtime import health
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

SHARD = keyspace.SHARDS[0]
P = keyspace.prefix(SHARD)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("zones", "time zones"),
        ("clocks", "clock and crons"),
        ("crons", "clock and crons"),
        ("retention_waits", "clock and crons"),
        ("live", "processes"),
        ("troubles", "troubles"),
        ("damaged", "damaged"),
    ],
)
async def test_a_damaged_key_is_a_finding_and_hides_no_other(redis: Redis, key: str, what: str) -> None:
    before = {subject(one) for one in await doctor.examine(redis)}
    await redis.set(P + key, "junk")

    found = await doctor.examine(redis)

    assert what in {subject(one) for one in found if not one.good and "WRONGTYPE" in one.text}
    assert before - {"clock"} <= {subject(one) for one in found}


async def test_work_that_no_worker_is_left_for_is_a_finding(redis: Redis, team: Team) -> None:
    idle = await of_processes(redis)
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"))
    waiting = await of_processes(redis)
    await health.beat(redis, "worker")
    worked_on = await of_processes(redis)

    assert [idle.good, waiting.good, worked_on.good] == [True, False, True]
    assert waiting.text == (
        "processes: 0 workers and 0 schedulers live: there is work, and no worker to send it"
    )


async def test_crons_that_no_scheduler_is_left_for_are_a_finding(redis: Redis, team: Team) -> None:
    cron = CronCreate(name="yearly", url="https://a.example/", cron_expression="0 0 1 1 *")
    await crons.create(call_of(redis, team), cron)
    alone = await of_processes(redis)
    await health.beat(redis, "scheduler")
    looked_after = await of_processes(redis)

    assert [alone.good, looked_after.good] == [False, True]
    assert "there are crons, and no scheduler to fire them" in alone.text


async def of_processes(redis: Redis) -> Finding:
    (found,) = [one for one in await doctor.examine(redis) if subject(one) == "processes"]
    return found


def subject(finding: Finding) -> str:
    return finding.text.partition(":")[0]
