"""Problems of which nothing comes any more: those of queues end, and all go in time."""

import pytest
from redis.asyncio import Redis

from services.scheduler.retire import retire
from services.worker.intake.claims import Claims
from services.worker.work import Fail
from shared.actions import alerts, crons, executions, jobs, queues
from shared.schemas.alerts import AlertQuery
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate
from shared.settings import Settings
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.engine.test_problems import DAY, all_of, dead, fail, now_of, problems_are


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, keyspace.SHARDS[0], "w")


async def test_a_problem_of_an_idle_queue_ends_when_its_dead_letters_would_be_gone(
    redis: Redis, team: Team, worker: Claims
) -> None:
    now = await now_of(redis, team)
    cron = await crons.create(
        call_of(redis, team),
        CronCreate(name="ping", url="https://a.example/", cron_expression="0 0 1 1 *"),
    )
    await executions.create(call_of(redis, team), cron.id)
    await queues.create(call_of(redis, team), QueueCreate(name="brief", dlq_retention_days=3))
    for queue, host in (("mail", "a"), ("brief", "b"), ("mail", "c"), ("mail", "d")):
        await jobs.create(call_of(redis, team), JobCreate(queue=queue, url=f"https://{host}.example/"))
        await fail(worker, await worker.claim(9, now), now, url=f"https://{host}.example/", verdict=Fail())
    by_host = {one.host: one.id for one in await all_of(redis, team) if one.queue_id}
    await problems_are(redis, team, by_host["c.example"], "ignored")
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://d.example/"))
    await fail(worker, await worker.claim(9, now), now, url="https://d.example/")
    alerts_before = (await alerts.page(redis, team, AlertQuery())).total

    async def states(days: int) -> dict[tuple[str | None, int | None], str]:
        await retire(redis, team.shard, Settings(), now + days * DAY)
        return {(one.host, one.cron_id): one.state for one in await all_of(redis, team)}

    first, second, third = await states(2), await states(4), await states(15)

    a, b, c, d = (f"{name}.example" for name in "abcd")
    still = {(c, None): "ignored", (d, None): "open", (a, cron.id): "open"}
    assert first == {(a, None): "open", (b, None): "open", **still}
    assert second == {(a, None): "open", (b, None): "resolved", **still}
    assert third == {(a, None): "resolved", (b, None): "resolved", **still}
    ended = next(one for one in await all_of(redis, team) if one.id == by_host["a.example"])
    assert ended.recovered_at is None
    assert (await alerts.page(redis, team, AlertQuery())).total == alerts_before
    watched = {key: await redis.hkeys(key) for key in await redis.keys("*watched:*")}  # type: ignore[misc]
    assert [sorted(one.split()[0] for one in of) for of in watched.values()] == [[c, d]]


async def test_all_problems_are_looked_at_beyond_those_that_have_dead_letters(
    redis: Redis, team: Team, worker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", dlq_retention_days=300))
    await dead(redis, team, worker)
    now = await now_of(redis, team) + 1  # the one with dead letters is the older one
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://b.example/"))
    await fail(worker, await worker.claim(9, now), now, url="https://b.example/", verdict=Fail())
    monkeypatch.setattr("services.scheduler.retire.PROBLEMS", 1)

    await retire(redis, team.shard, Settings(), now + 31 * DAY)

    assert [one.host for one in await all_of(redis, team)] == ["a.example"]
