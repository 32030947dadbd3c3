import asyncio
from contextlib import suppress

from redis.asyncio import Redis

from services.scheduler.alarm import Alarm, listen
from services.scheduler.promote import promote_due
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.settings import Settings
from shared.store import connection, keyspace
from shared.store.keyspace import Team
from shared.store.streams import READ_MILLISECONDS
from tests.calls import call_of
from tests.poll import until

SHARD = keyspace.SHARDS[0]
NOW = 1_760_000_000_000


async def a_delayed_job(redis: Redis, team: Team, delay: int) -> int:
    asked = JobCreate(queue="mail", url="https://a.example", delay=delay)
    return (await jobs.create(call_of(redis, team), asked, NOW)).id


async def test_a_delayed_job_waits_for_its_time(redis: Redis, team: Team) -> None:
    await a_delayed_job(redis, team, 86_400)

    wait = await promote_due(redis, SHARD, clock.moment(NOW + 86_399_000))

    assert wait == 1.0
    assert await redis.xlen(f"{team.prefix}s:1:1") == 0


async def test_a_due_job_is_promoted_once(redis: Redis, team: Team) -> None:
    await a_delayed_job(redis, team, 60)

    for _ in range(2):
        await promote_due(redis, SHARD, clock.moment(NOW + 60_000))

    assert await redis.xlen(f"{team.prefix}s:1:1") == 1


async def test_an_earlier_due_moment_wakes_the_sleeper(redis: Redis, team: Team, settings: Settings) -> None:
    alarm = Alarm()
    blocking = connection.connect(settings, blocking_seconds=READ_MILLISECONDS / 1000)
    listening = asyncio.create_task(listen(blocking, SHARD, (alarm,)))

    async def reads() -> bool:
        return any(client["cmd"] == "xread" for client in await redis.client_list())

    await until(reads)
    sleeping = asyncio.create_task(alarm.sleep(4.0))
    await a_delayed_job(redis, team, 60)

    assert await sleeping
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await blocking.aclose()
